package local

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/destination/destinationtest"
	"github.com/castrolanda/imsctl/providers/host/ssh"
)

// reach makes the host of a server. It reads the settings of the server's user when it is first used.
func reach(t *testing.T, server *testenv.SSHServer) providers.Host {
	t.Helper()
	t.Setenv("HOME", server.Home)
	t.Setenv("SSH_AUTH_SOCK", "")
	return another(t)
}

// another is a host of its own for the same server, as another process would have it.
func another(t *testing.T) providers.Host {
	t.Helper()
	made, err := (&ssh.Config{Address: "vm"}).Host(providers.Environment{Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := made.(io.Closer).Close(); err != nil {
			t.Error(err)
		}
	})
	return made
}

func TestConformanceOverSSH(t *testing.T) {
	host := reach(t, testenv.SSH(t))
	destinationtest.Run(t, func(t *testing.T) providers.Destination {
		return newDestination(host.Files(), filepath.Join(t.TempDir(), "made", "when", "needed"))
	}, destinationtest.Reopen(func(t *testing.T, d providers.Destination) providers.Destination {
		return newDestination(another(t).Files(), d.(*destination).root)
	}))
}
