package git

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
)

// machine is this one, where git knows nobody's configuration.
type machine struct {
	providers.Runner
	environment []string
}

func newMachine(t testing.TB, environment ...string) machine {
	testenv.Need(t, "git")
	return machine{local.New(), append([]string{
		"HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_SSH_COMMAND=", "GIT_SSH=",
		"GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=ana@example.com", "GIT_COMMITTER_NAME=Ana", "GIT_COMMITTER_EMAIL=ana@example.com",
		"GIT_AUTHOR_DATE=2026-11-23T02:00:00Z", "GIT_COMMITTER_DATE=2026-11-23T02:00:00Z",
	}, environment...)}
}

func (m machine) Run(ctx context.Context, command providers.Command) error {
	command.Environment = append(append([]string{}, m.environment...), command.Environment...)
	return m.Runner.Run(ctx, command)
}

// workshop is a working copy that a test changes with git itself.
type workshop struct {
	t       testing.TB
	machine machine
	folder  string
}

func newWorkshop(t testing.TB, environment ...string) *workshop {
	t.Helper()
	w := &workshop{t, newMachine(t, environment...), filepath.Join(t.TempDir(), "work")}
	w.run("", "git", "init", "--quiet", "-b", "main", w.folder)
	return w
}

// run runs a program in a folder and returns what it says.
func (w *workshop) run(folder string, arguments ...string) string {
	w.t.Helper()
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Dir, command.Env = folder, append(os.Environ(), w.machine.environment...)
	output, err := command.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%v: %v\n%s", arguments, err, output)
	}
	return strings.TrimSpace(string(output))
}

func (w *workshop) git(arguments ...string) string {
	w.t.Helper()
	return w.run(w.folder, append([]string{"git"}, arguments...)...)
}

func (w *workshop) write(name, content string) {
	w.t.Helper()
	name = filepath.Join(w.folder, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// commit commits everything and returns the hash.
func (w *workshop) commit(message string) string {
	w.t.Helper()
	w.git("add", "--all")
	w.git("commit", "--quiet", "--allow-empty", "-m", message)
	return w.git("rev-parse", "HEAD")
}

// bare makes a bare repository with what the working copy has.
func (w *workshop) bare() string {
	w.t.Helper()
	folder := filepath.Join(w.t.TempDir(), "remote.git")
	w.run("", "git", "clone", "--quiet", "--bare", w.folder, folder)
	return folder
}

func (w *workshop) open() *Repository {
	w.t.Helper()
	return w.openAt(w.folder)
}

func (w *workshop) openAt(folder string) *Repository {
	w.t.Helper()
	r, err := Open(w.t.Context(), w.machine, clock.System{}, folder)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// host makes an empty repository, as one on another machine.
func (w *workshop) host() *Repository {
	w.t.Helper()
	r, err := Create(w.t.Context(), w.machine, clock.System{}, filepath.Join(w.t.TempDir(), "deep", "er.git"))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}
