package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/remote"
	"github.com/castrolanda/imsctl/state/statetest"
)

func TestConformance(t *testing.T) {
	server := testenv.Postgres(t)
	var states atomic.Int64
	// The tests of the suite run at once, until the group is done: the server must live until then.
	t.Run("suite", func(t *testing.T) {
		statetest.Run(t, func(t *testing.T) statetest.Place {
			config := Config{URL: server.URL("postgres"), Schema: "imsctl", Name: fmt.Sprintf("Zustand \"%d\"", states.Add(1))}
			place := statetest.Remote(t, func() remote.Medium { return opened(t, config) }, die)
			place.Expire = func(t *testing.T) { statetest.AwaitEnd(t, opened(t, config)) }
			return place
		})
	})
}

// opened is the medium of a state.
func opened(t testing.TB, config Config) *medium {
	t.Helper()
	made, err := newMedium(config)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// die ends a connection as a process does that is killed.
func die(held remote.Lease) {
	made := held.(*lease)
	made.mu.Lock()
	defer made.mu.Unlock()
	_ = made.connection.PgConn().Conn().Close()
	_ = made.connection.Close(context.Background())
}

func TestMain(m *testing.M) {
	statetest.Main(m, func(place string) (state.Backend, error) {
		made, err := newMedium(Config{URL: place, Schema: "imsctl", Name: "shared"})
		if err != nil {
			return nil, err
		}
		return backend(made, "", patience), nil
	})
}

func TestTwoProcesses(t *testing.T) {
	server := testenv.Postgres(t)
	url := server.URL("postgres")
	statetest.TwoProcesses(t, url, backend(opened(t, Config{URL: url, Schema: "imsctl", Name: "shared"}), "", patience))
}
