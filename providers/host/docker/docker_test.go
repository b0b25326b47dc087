package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
)

func TestSocket(t *testing.T) {
	for given, want := range map[string]string{"": "", "unix:///run/user/7/docker.sock": "/run/user/7/docker.sock"} {
		if got, err := Socket(given); err != nil || got != want {
			t.Errorf("%q: got %q, %v", given, got, err)
		}
	}
	for _, given := range []string{"tcp://10.0.0.1:2375", "ssh://vm", "unix://docker.sock", "/var/run/docker.sock"} {
		if _, err := Socket(given); err == nil || !strings.Contains(err.Error(), `declare a host "ssh"`) {
			t.Errorf("%q: got %v", given, err)
		}
	}
}

// closed is a host whose sockets cannot be reached.
type closed struct {
	providers.Dialer
	err error
}

func (c closed) Dial(context.Context, string, string) (net.Conn, error) { return nil, c.err }

func TestUnreachableEngines(t *testing.T) {
	for name, test := range map[string]struct {
		err, is error
		want    string
	}{
		"permission":  {&net.OpError{Op: "dial", Err: fs.ErrPermission}, providers.ErrDenied, "add the user to the group that owns the socket"},
		"nothing":     {&net.OpError{Op: "dial", Err: syscall.ENOENT}, fs.ErrNotExist, "is Docker installed and started"},
		"nobody":      {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, providers.ErrTemporary, "does not answer: is Docker started"},
		"no way":      {providers.ErrTemporary, providers.ErrTemporary, "temporary failure"},
		"ssh says no": {errors.New("connecting to /var/run/docker.sock on vm: open failed"), nil, "is Docker started there, and is the user in the group"},
	} {
		t.Run(name, func(t *testing.T) {
			made, err := New(closed{local.New().(providers.Dialer), test.err}, "")
			if err != nil {
				t.Fatal(err)
			}
			for what, do := range map[string]func() error{
				"Find":      func() error { _, err := made.Find(t.Context(), "*"); return err },
				"Container": func() error { _, err := made.Container(t.Context(), "x"); return err },
				"Run":       func() error { return made.In("x").Run(t.Context(), script("true", func() {})) },
				"Start":     func() error { return made.Start(t.Context(), "x") },
			} {
				err := do()
				if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
					t.Errorf("%s: got %v", what, err)
				}
			}
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	made, err := New(local.New(), "/nowhere")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := made.Find(ended, "*"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// deaf is a host without sockets.
type deaf struct{ providers.Host }

func TestAHostWithoutSockets(t *testing.T) {
	if _, err := New(deaf{local.New()}, ""); err == nil {
		t.Error("an engine was made for it")
	}
}

// TestImageID asks what a name means, of an engine that has it, has it not, and fails.
func TestImageID(t *testing.T) {
	e := play(t, false, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1.40/images/app:latest/json":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"Id":"sha256:17"}`)
		case "/v1.40/images/none/json":
			refuse(http.StatusNotFound, "No such image: none")(w, r)
		default:
			refuse(http.StatusInternalServerError, "the disk is full")(w, r)
		}
	})
	if id, err := e.ImageID(t.Context(), "app:latest"); err != nil || id != "sha256:17" {
		t.Errorf("%v, got %q", err, id)
	}
	if _, err := e.ImageID(t.Context(), "none"); !errors.Is(err, providers.ErrNoImage) || !strings.Contains(err.Error(), `"none" on`) {
		t.Errorf("got %v", err)
	}
	if _, err := e.ImageID(t.Context(), "other"); err == nil || errors.Is(err, providers.ErrNoImage) || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("got %v", err)
	}
}
