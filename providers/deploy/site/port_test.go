package site

import (
	"errors"
	"strings"
	"testing"
)

// TestTakenPort says whose a port is that an engine does not give to a service.
func TestTakenPort(t *testing.T) {
	for name, test := range map[string]struct{ publishing, want string }{
		"another container's": {"other-web-1", "port 8000 is published by the container other-web-1: stop it, or give one of the two another port"},
		"nobody's":            {"", "no container that runs publishes port 8000: the engine lost track of it, as one may that loses its power while a container starts; restart the engine (systemctl restart docker)"},
	} {
		t.Run(name, func(t *testing.T) {
			m, target := newProject(t)
			m.publishing = test.publishing
			m.fail = func(step string) error {
				if step == "up web" {
					return errors.New("Container app-web-1 Starting\nError response from daemon: driver failed programming external connectivity on endpoint app-web-1 (1f14a4): Bind for 127.0.0.1:8000 failed: port is already allocated")
				}
				return nil
			}
			err := fakeDeploy(t, fakeSite(t, m, target), "20260101T000000Z-aaaaaaa", first)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "already allocated") {
				t.Errorf("%v", err)
			}
		})
	}
}
