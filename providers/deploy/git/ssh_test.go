package git

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/ssh"
)

// TestOnAnotherMachine does on a host that is reached by SSH what a deploy does there: its git fetches from a remote that is reached by SSH too.
func TestOnAnotherMachine(t *testing.T) {
	w := newWorkshop(t)
	w.write("compose.yaml", "services: {}\n")
	commit := w.commit("one")
	remote, server := w.bare(), testenv.SSH(t)
	t.Setenv("HOME", server.Home)
	t.Setenv("SSH_AUTH_SOCK", "")
	host, err := (&ssh.Config{Address: "vm"}).Host(providers.Environment{Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.(io.Closer).Close(); err != nil {
			t.Error(err)
		}
	})
	far := w.machine
	far.Runner = host
	far.environment = append(far.environment, "GIT_SSH_COMMAND=ssh -F "+filepath.Join(server.Home, ".ssh", "config"))
	folder := filepath.Join(t.TempDir(), "app.git")
	if _, err := Open(t.Context(), far, clock.System{}, folder); !errors.Is(err, ErrNoRepository) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	r, err := Create(t.Context(), far, clock.System{}, folder)
	if err != nil {
		t.Fatal(err)
	}
	address := "ssh://" + server.User + "@vm" + remote
	if head, err := r.RemoteHead(t.Context(), address, "main"); err != nil || head.Commit != commit {
		t.Fatalf("%v, %v", head, err)
	}
	if err := r.Fetch(t.Context(), address, "main", commit); err != nil {
		t.Fatal(err)
	}
	release := filepath.Join(t.TempDir(), "release")
	if err := r.Export(t.Context(), commit, release); err != nil {
		t.Fatal(err)
	}
	if content, err := r.ShowFile(t.Context(), commit, "compose.yaml", 100); err != nil || string(content) != "services: {}\n" {
		t.Errorf("%q, %v", content, err)
	}
	if got := w.run(release, "ls"); got != "compose.yaml" {
		t.Errorf("the release has %q", got)
	}

	// A server that hangs up, and one whose key nobody knows.
	server.Refuse(true)
	_, err = w.through("ssh -F "+filepath.Join(server.Home, ".ssh", "config")).RemoteHead(t.Context(), address, "main")
	shown(t, err, providers.ErrTemporary, "cannot be reached")
	server.Refuse(false)
	_, err = w.through("ssh -F /dev/null -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=ask").RemoteHead(t.Context(), strings.Replace(address, "@vm", "@127.0.0.1:"+strconv.Itoa(server.Port), 1), "main")
	shown(t, err, ErrRefused, "host key")
	_, err = w.through("ssh -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentityFile=/dev/null").RemoteHead(t.Context(), strings.Replace(address, "@vm", "@127.0.0.1:"+strconv.Itoa(server.Port), 1), "main")
	shown(t, err, ErrRefused, "does not let us in")
}

// through is the working copy as one opens it who runs ssh so.
func (w *workshop) through(command string) *Repository {
	w.t.Helper()
	other := *w
	other.machine.environment = append(append([]string{}, w.machine.environment...), "GIT_SSH_COMMAND="+command)
	return other.open()
}
