package directory

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
)

// noEngine is a machine without a container engine.
type noEngine struct{ providers.Containers }

func (noEngine) Uses(context.Context) ([]providers.ContainerUse, error) { return nil, os.ErrNotExist }

// engineWith is an engine whose containers use these.
type engineWith struct {
	providers.Containers
	uses []providers.ContainerUse
	err  error
}

func (e engineWith) Uses(context.Context) ([]providers.ContainerUse, error) { return e.uses, e.err }

// seeing is this machine, without the complaint that a few processes of where the tests run are hidden from root; what else the
// commands complain of is added.
type seeing struct {
	providers.Host
	complaint string
}

// Run implements providers.Runner.
func (s *seeing) Run(ctx context.Context, command providers.Command) error {
	stderr := command.Stderr
	if stderr == nil {
		return s.Host.Run(ctx, command)
	}
	var said bytes.Buffer
	command.Stderr = &said
	err := s.Host.Run(ctx, command)
	for line := range strings.Lines(said.String() + s.complaint) {
		if line != "" && (!strings.Contains(line, "/proc/") || strings.Contains(s.complaint, line)) {
			if _, writeErr := io.WriteString(stderr, line); writeErr != nil {
				return writeErr
			}
		}
	}
	return err
}

// TestHidden is what could not be seen, and is not taken for nothing.
func TestHidden(t *testing.T) {
	for complaint, want := range map[string]string{
		"find: '/proc/77/cwd': Permission denied\n":                 "the open files of some processes cannot be seen: find: '/proc/77/cwd': Permission denied; not even root may see them here",
		"grep: /var/spool/cron/crontabs: Permission denied\n":       "cron and systemd cannot be looked at: grep: /var/spool/cron/crontabs: Permission denied; set sudo = true",
		"grep: /etc/systemd/system/a.service: Input/output error\n": "cron and systemd cannot be looked at: grep: /etc/systemd/system/a.service: Input/output error",
	} {
		cleaner := newCleaner(t, oldFolder(t))
		cleaner.host = &seeing{Host: local.New(), complaint: complaint}
		if view := inspect(t, cleaner); !strings.Contains(strings.Join(view.Refusals, "\n"), want) {
			t.Errorf("%s: got %q", complaint, view.Refusals)
		}
	}
}

// newCleaner is the cleanup of a folder of this machine, which must be looked at as root.
func newCleaner(t *testing.T, folder string) *cleaner {
	t.Helper()
	if os.Getuid() != 0 {
		testenv.Skip(t, "the processes of others are seen by root alone")
	}
	host := &seeing{Host: local.New()}
	return &cleaner{path: folder, host: host, files: host.Files(), clock: clock.System{}, here: true, places: places,
		engine: func() (providers.Containers, error) { return noEngine{}, nil }}
}

// oldFolder is a folder with two files and a link.
func oldFolder(t *testing.T) string {
	t.Helper()
	parent, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(parent, "inventory-system")
	write(t, filepath.Join(folder, "app", "main.py"), "print('hello')\n")
	write(t, filepath.Join(folder, "data.bin"), strings.Repeat("x", 5000))
	if err := os.Symlink("data.bin", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	return folder
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func inspect(t *testing.T, c *cleaner) providers.CleanupView {
	t.Helper()
	view, err := c.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return view
}

func TestInspect(t *testing.T) {
	before := time.Now().Add(-time.Second)
	folder := oldFolder(t)
	view := inspect(t, newCleaner(t, folder))
	if len(view.Refusals)+len(view.Waits) > 0 || view.Gone || len(view.Items) != 1 {
		t.Fatalf("got %+v", view)
	}
	if item := view.Items[0]; item.Name != folder || item.Bytes != 5015 || item.Files != 3 {
		t.Errorf("got %+v", item)
	}
	if view.Newest.Before(before) || view.Newest.After(time.Now().Add(time.Second)) || view.NewestName == "" {
		t.Errorf("the newest is %s of %s", view.NewestName, view.Newest)
	}
	facts := strings.Join(view.Facts, "\n")
	for _, want := range []string{"there is no container engine", "has files of it open", "no line of cron and no unit of systemd mentions it"} {
		if !strings.Contains(facts, want) {
			t.Errorf("the facts do not say %q:\n%s", want, facts)
		}
	}
	if again := inspect(t, newCleaner(t, folder)); again.Fingerprint != view.Fingerprint {
		t.Error("the same folder has another fingerprint")
	}
	write(t, filepath.Join(folder, "more"), "")
	if again := inspect(t, newCleaner(t, folder)); again.Fingerprint == view.Fingerprint {
		t.Error("another folder has the same fingerprint")
	}
}

func TestInspectNothing(t *testing.T) {
	if view := inspect(t, newCleaner(t, filepath.Join(t.TempDir(), "gone", "altogether"))); !view.Gone || len(view.Items)+len(view.Refusals) > 0 {
		t.Errorf("got %+v", view)
	}
}

// TestRefusals are places that are never removed.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(t *testing.T, folder string) string
		want    string
	}{
		"a link": {func(t *testing.T, folder string) string {
			link := folder + "-link"
			if err := os.Symlink(folder, link); err != nil {
				t.Fatal(err)
			}
			return link
		}, "is a symbolic link"},
		"through a link": {func(t *testing.T, folder string) string {
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(filepath.Dir(folder), link); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(link, filepath.Base(folder))
		}, "leads through a symbolic link"},
		"a file": {func(_ *testing.T, folder string) string { return filepath.Join(folder, "data.bin") }, "is not a folder"},
		"a mount point": {func(t *testing.T, folder string) string {
			mountAt(t, folder)
			return folder
		}, "is a mount point"},
		"a mount in it": {func(t *testing.T, folder string) string {
			mountAt(t, filepath.Join(folder, "app"))
			return folder
		}, "app is mounted in it"},
		"a home": {func(*testing.T, string) string { return "/root" }, "the home of the user root"},
	} {
		t.Run(name, func(t *testing.T) {
			cleaner := newCleaner(t, oldFolder(t))
			cleaner.path = c.arrange(t, cleaner.path)
			view := inspect(t, cleaner)
			if !strings.Contains(strings.Join(view.Refusals, "\n"), c.want) || len(view.Items) > 0 {
				t.Errorf("got %+v", view)
			}
		})
	}
}

// mountAt mounts an empty file system, for as long as the test runs.
func mountAt(t *testing.T, folder string) {
	t.Helper()
	if output, err := exec.Command("mount", "-t", "tmpfs", "tmpfs", folder).CombinedOutput(); err != nil {
		testenv.Skip(t, "nothing can be mounted: "+string(output))
	}
	t.Cleanup(func() {
		if output, err := exec.Command("umount", folder).CombinedOutput(); err != nil {
			t.Errorf("umount: %s", output)
		}
	})
}

// TestUses are what keeps a folder where it is.
func TestUses(t *testing.T) {
	for name, c := range map[string]struct {
		use  func(t *testing.T, folder string)
		want string
	}{
		"a working folder": {func(t *testing.T, folder string) { startIn(t, filepath.Join(folder, "app"), "cat") }, "works in "},
		"an open file": {func(t *testing.T, folder string) {
			file, err := os.Open(filepath.Join(folder, "data.bin"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { file.Close() })
		}, "data.bin open"},
		"a running program": {func(t *testing.T, folder string) {
			program, err := exec.LookPath("cat")
			if err != nil {
				t.Fatal(err)
			}
			if program, err = filepath.EvalSymlinks(program); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(program)
			if err != nil {
				t.Fatal(err)
			}
			copied := filepath.Join(folder, filepath.Base(program))
			if err := os.WriteFile(copied, data, 0o755); err != nil {
				t.Fatal(err)
			}
			startIn(t, "/", copied)
		}, "runs "},
		"an argument": {func(t *testing.T, folder string) {
			startIn(t, "/", "sh", "-c", "cat # "+folder+"/app")
		}, "was started with it"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := oldFolder(t)
			c.use(t, folder)
			view := inspect(t, newCleaner(t, folder))
			if !strings.Contains(strings.Join(view.Waits, "\n"), c.want) {
				t.Errorf("got %q, refused %q", view.Waits, view.Refusals)
			}
		})
	}
}

// startIn starts a program that waits for its input in a folder, until the test ends.
func startIn(t *testing.T, folder string, arguments ...string) {
	t.Helper()
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Dir = folder
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = command.Wait() // how it ended is of no concern
	})
}

func TestContainers(t *testing.T) {
	folder := oldFolder(t)
	for name, c := range map[string]struct {
		engine        engineWith
		waits, facts  string
		refused, used bool
	}{
		"mounts it": {engine: engineWith{uses: []providers.ContainerUse{{Container: "web", State: "running", How: "mounts", Path: folder + "/app"}}}, waits: "the container web, which is running, mounts " + folder + "/app"},
		"has ended": {engine: engineWith{uses: []providers.ContainerUse{{Container: "web", State: "exited", How: "mounts", Path: folder}}}, facts: "the container web, which is exited, mounts " + folder},
		"compose":   {engine: engineWith{uses: []providers.ContainerUse{{Container: "web", State: "paused", How: "is of the compose project in", Path: folder}}}, waits: "is of the compose project in"},
		"around it": {engine: engineWith{uses: []providers.ContainerUse{{Container: "exporter", State: "running", How: "mounts", Path: "/"}}}, facts: "the container exporter mounts /, which it is in"},
		"beside it": {engine: engineWith{uses: []providers.ContainerUse{{Container: "web", State: "running", How: "mounts", Path: folder + "-new"}}}, facts: "none of 1 container mounts it"},
		"no answer": {engine: engineWith{err: errors.New("permission denied")}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			cleaner := newCleaner(t, folder)
			cleaner.engine = func() (providers.Containers, error) { return c.engine, nil }
			view := inspect(t, cleaner)
			if !strings.Contains(strings.Join(view.Waits, "\n"), c.waits) || (c.waits == "") != (len(view.Waits) == 0) ||
				!strings.Contains(strings.Join(view.Facts, "\n"), c.facts) || c.refused != (len(view.Refusals) > 0) {
				t.Errorf("got %+v", view)
			}
		})
	}
}

func TestTrash(t *testing.T) {
	folder := oldFolder(t)
	cleaner := newCleaner(t, folder)
	view := inspect(t, cleaner)
	at := time.Date(2026, 11, 28, 22, 30, 0, 0, time.UTC)
	order := providers.CleanupOrder{Items: view.Items, Fingerprint: view.Fingerprint, Trash: cleaner.TrashFor(at)}
	for name, wrong := range map[string]providers.CleanupOrder{
		"another fingerprint": {Items: view.Items, Fingerprint: "other", Trash: order.Trash},
		"another folder":      {Items: []providers.CleanupItem{{Name: "/srv"}}, Fingerprint: view.Fingerprint, Trash: order.Trash},
		"another trash":       {Items: view.Items, Fingerprint: view.Fingerprint, Trash: "/tmp/x"},
	} {
		if _, err := cleaner.Remove(t.Context(), wrong, view); !errors.Is(err, providers.ErrCleanupRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	outcome, err := cleaner.Remove(t.Context(), order, view)
	if err != nil || len(outcome.Removed) != 1 {
		t.Fatalf("%v, %+v", err, outcome)
	}
	gone := inspect(t, cleaner)
	if !gone.Gone || len(gone.Trash) != 1 || gone.Trash[0] != (providers.TrashItem{Name: order.Trash, MovedAt: at}) {
		t.Fatalf("got %+v", gone)
	}
	write(t, filepath.Join(folder, "new"), "")
	if err := cleaner.Restore(t.Context(), order.Trash); !errors.Is(err, providers.ErrCleanupRefused) || !strings.Contains(err.Error(), "in the way") {
		t.Errorf("something is in its place: %v", err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := cleaner.Restore(t.Context(), order.Trash); err != nil {
		t.Fatal(err)
	}
	back := inspect(t, cleaner)
	if len(back.Trash) > 0 || len(back.Items) != 1 || back.Items[0] != view.Items[0] || !back.Newest.Equal(view.Newest) {
		t.Errorf("put back: %+v, was %+v", back, view)
	}
	if _, err := os.Stat(filepath.Dir(order.Trash)); !os.IsNotExist(err) {
		t.Errorf("the empty trash stays: %v", err)
	}
}

func TestPurge(t *testing.T) {
	folder := oldFolder(t)
	cleaner := newCleaner(t, folder)
	view := inspect(t, cleaner)
	order := providers.CleanupOrder{Items: view.Items, Fingerprint: view.Fingerprint, Trash: cleaner.TrashFor(time.Now())}
	if _, err := cleaner.Remove(t.Context(), order, view); err != nil {
		t.Fatal(err)
	}
	if _, err := cleaner.Purge(t.Context(), "/srv/other"); !errors.Is(err, providers.ErrCleanupRefused) {
		t.Errorf("no trash: %v", err)
	}
	// A removal that was interrupted when it had begun.
	if err := os.Rename(order.Trash, rest(order.Trash)); err != nil {
		t.Fatal(err)
	}
	if trash := inspect(t, cleaner).Trash; len(trash) != 1 || !trash[0].Partial || trash[0].Name != order.Trash {
		t.Errorf("got %+v", trash)
	}
	if err := cleaner.Restore(t.Context(), order.Trash); !errors.Is(err, providers.ErrCleanupRefused) {
		t.Errorf("a part is put back: %v", err)
	}
	outcome, err := cleaner.Purge(t.Context(), order.Trash)
	if err != nil || outcome.Freed <= 0 {
		t.Errorf("%v, %+v", err, outcome)
	}
	if again, err := cleaner.Purge(t.Context(), order.Trash); err != nil || again.Freed != 0 {
		t.Errorf("once more: %v, %+v", err, again)
	}
	if _, err := os.Stat(filepath.Dir(order.Trash)); !os.IsNotExist(err) {
		t.Errorf("the empty trash stays: %v", err)
	}
}
