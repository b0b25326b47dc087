package docker

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers/host/hosttest"
	"github.com/castrolanda/imsctl/providers/host/local"
)

// reach is the engine of a server.
func reach(t *testing.T, server *testenv.DockerServer) *engine {
	t.Helper()
	made, err := New(local.New(), server.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { made.(*engine).client.Close() })
	return made.(*engine)
}

// start starts a container that sees the temporary folder of this machine.
func start(t *testing.T, server *testenv.DockerServer, name string, more ...string) {
	t.Helper()
	arguments := append([]string{"run", "--detach", "--network", "none", "--volume", os.TempDir() + ":" + os.TempDir(), "--name", name}, more...)
	server.Run(t, append(arguments, testenv.Tiny)...)
}

// lives looks for a process in a container.
func lives(server *testenv.DockerServer, name string) func(*testing.T, int) bool {
	return func(t *testing.T, pid int) bool {
		t.Helper()
		state := server.Run(t, "exec", name, "sh", "-c", "cat /proc/"+strconv.Itoa(pid)+"/stat 2>/dev/null || true")
		return state != "" && !strings.Contains(state, ") Z ")
	}
}

func TestConformance(t *testing.T) {
	server := testenv.Docker(t)
	start(t, server, "box")
	hosttest.RunCommands(t, reach(t, server).In("box"), hosttest.WithoutSignals(), hosttest.WithProcesses(lives(server, "box")))
	alone(t, server, "box")
}
