package ssh

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers/host/hosttest"
)

// around is the home folder of a server's user, without an agent and without settings of the machine.
func around(server *testenv.SSHServer) func() (surroundings, error) {
	return func() (surroundings, error) {
		return surroundings{home: server.Home, user: server.User, system: filepath.Join(server.Home, "nowhere")}, nil
	}
}

// still is the usual timing, except that nobody asks whether the connection lives.
func still() timing {
	usual := usualTiming()
	usual.ticker = func() (<-chan time.Time, func()) { return nil, func() {} }
	return usual
}

// reach makes the host of a server, as its user would.
func reach(t *testing.T, server *testenv.SSHServer) *host {
	t.Helper()
	return open(t, server, Config{Address: "vm"})
}

// open makes a host of a block.
func open(t *testing.T, server *testenv.SSHServer, config Config) *host {
	t.Helper()
	config.MaxParallel = usualParallel
	if problems := config.Validate(); len(problems) > 0 {
		t.Fatalf("problems: %+v", problems)
	}
	h := newHost(config, around(server), still())
	t.Cleanup(func() { h.Close() })
	return h
}

func TestConformance(t *testing.T) {
	hosttest.Run(t, reach(t, testenv.SSH(t)), hosttest.WithoutInodes())
}
