package docker

import (
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/hosttest"
	"github.com/castrolanda/imsctl/providers/host/ssh"
)

func TestConformanceOverSSH(t *testing.T) {
	machine := testenv.SSH(t)
	server := testenv.Docker(t)
	t.Setenv("HOME", machine.Home)
	t.Setenv("SSH_AUTH_SOCK", "")
	host, err := (&ssh.Config{Address: "vm"}).Host(providers.Environment{Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	start(t, server, "box")
	made, err := New(host, server.Socket)
	if err != nil {
		t.Fatal(err)
	}
	hosttest.RunCommands(t, made.In("box"), hosttest.WithoutSignals(), hosttest.WithProcesses(lives(server, "box")))
	alone(t, server, "box")
	missing, err := New(host, server.Socket+".missing")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := missing.Find(t.Context(), "*"); err == nil {
		t.Error("an engine that is not there was reached")
	} else {
		t.Log(err)
	}
}
