package logs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/host/ssh"
	"github.com/castrolanda/imsctl/providers/source/files"
)

// later is a clock that is ahead, so that everything is old.
type later struct{ by time.Duration }

func (l later) Now() time.Time { return time.Now().Add(l.by) }

const month = 30 * 24 * time.Hour

// needRoot skips a test that looks at what other processes have open.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		testenv.Skip(t, "only root sees who has a file open")
	}
}

// write makes a file.
func write(t *testing.T, parts ...string) string {
	t.Helper()
	at := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(strings.Repeat("a line\n", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	return at
}

// open makes a cleaner of files of a host, behind an artifact that began at a moment.
func open(t *testing.T, host providers.Host, source *files.Config, began time.Time, patterns ...string) providers.Cleaner {
	t.Helper()
	return openAt(t, later{month}, host, source, began, patterns...)
}

// openAt is open with a clock.
func openAt(t *testing.T, clock clock.Clock, host providers.Host, source *files.Config, began time.Time, patterns ...string) providers.Cleaner {
	t.Helper()
	config := Provider().New().(*Config)
	config.Paths, config.OlderThan = patterns, 1
	if host.Name() != "local" {
		config.Host = providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}
	}
	if problems := config.Validate(); len(problems) > 0 {
		t.Fatal(problems)
	}
	made, err := config.Cleaner(providers.Environment{Hosts: func(providers.Reference) (providers.Host, error) { return host, nil }, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	backing := providers.CleanupBacking{Source: source}
	if !began.IsZero() {
		backing.Artifacts = []providers.BackingArtifact{{ID: "a", StartedAt: began}}
	}
	return made.(providers.Backed).Behind(backing)
}

// inspect looks, and returns the names of the items below a folder too.
func inspect(t *testing.T, cleaner providers.Cleaner, folder string) (providers.CleanupView, string) {
	t.Helper()
	view, err := cleaner.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, item := range view.Items {
		names = append(names, strings.TrimPrefix(item.Name, folder+"/"))
	}
	return view, strings.Join(names, " ")
}

// hosts are this machine, and this machine over SSH.
func hosts(t *testing.T) map[string]providers.Host {
	t.Helper()
	machine := testenv.SSH(t)
	t.Setenv("HOME", machine.Home)
	t.Setenv("SSH_AUTH_SOCK", "")
	there, err := (&ssh.Config{Address: "vm"}).Host(providers.Environment{Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]providers.Host{"here": local.New(), "over SSH": there}
}

func TestFiles(t *testing.T) {
	needRoot(t)
	for name, host := range hosts(t) {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for _, path := range []string{"app.log.1", "deep/er/app.log.2", "deep/app.log.2", "app.log", "cache/app.log.9", "held.log.1", "with space.log.1", "broken\nname.log.1"} {
				write(t, folder, path)
			}
			if err := os.Symlink(filepath.Join(folder, "deep"), filepath.Join(folder, "link")); err != nil {
				t.Fatal(err)
			}
			held, err := os.OpenFile(filepath.Join(folder, "held.log.1"), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			source := &files.Config{Path: folder, Exclude: []string{"cache"}}
			if host.Name() != "local" {
				if view, _ := inspect(t, open(t, host, source, time.Now().Add(time.Hour), folder+"/**/*.log.[0-9]"), folder); len(view.Refusals) != 1 || !strings.Contains(view.Refusals[0], "the clock of vm is ") {
					t.Errorf("with clocks that differ, refused is %q", view.Refusals)
				}
			}
			cleaner := openAt(t, clock.System{}, host, source, time.Now().Add(time.Hour), folder+"/**/*.log.[0-9]")
			view, names := inspect(t, cleaner, folder)
			if names != "app.log.1 deep/app.log.2 deep/er/app.log.2 with space.log.1" || len(view.Refusals)+len(view.Waits) > 0 {
				t.Fatalf("planned are %q, refused %q", names, view.Refusals)
			}
			notes := strings.Join(view.Notes, "\n")
			for _, want := range []string{
				`cache/app.log.9 stays: it is not in the backup: ` + folder + `/cache/app.log.9 is excluded by "cache"`,
				fmt.Sprintf("held.log.1 stays: open by PID %d ", os.Getpid()), "broken\\nname.log.1\" stays: there is a line break in its name",
			} {
				if !strings.Contains(notes, want) {
					t.Errorf("the notes are %q, without %q", notes, want)
				}
			}
			if view.Bytes() < 4*7000 || view.Newest.Before(time.Now().Add(-time.Hour)) || view.NewestName == "" || !strings.Contains(view.Items[0].Detail, "last changed ") {
				t.Errorf("the view is %+v", view)
			}

			// Meanwhile one is written to, one is opened, one is replaced by another, and one is removed.
			if err := os.WriteFile(filepath.Join(folder, "app.log.1"), []byte("more"), 0o644); err != nil {
				t.Fatal(err)
			}
			opened, err := os.Open(filepath.Join(folder, "deep/app.log.2"))
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close()
			outcome, err := cleaner.Remove(t.Context(), providers.CleanupOrder{Items: view.Items}, view)
			if err != nil || !slices.Equal(outcome.Removed, []string{folder + "/deep/er/app.log.2", folder + "/with space.log.1"}) || outcome.Freed < 2*7000 {
				t.Errorf("%v, got %+v", err, outcome)
			}
			said := strings.Join(outcome.Warnings, "\n")
			for _, want := range []string{"/app.log.1 stays: it was changed, or is gone already", fmt.Sprintf("/deep/app.log.2 stays: open by PID %d ", os.Getpid())} {
				if !strings.Contains(said, want) {
					t.Errorf("warned was %q, without %q", said, want)
				}
			}
			if outcome, err := cleaner.Remove(t.Context(), providers.CleanupOrder{Items: view.Items}, view); !errors.Is(err, providers.ErrCleanupRefused) || len(outcome.Removed) > 0 {
				t.Errorf("once more: %v, %+v", err, outcome)
			}
			left, err := filepath.Glob(folder + "/*.log*")
			if err != nil || len(left) != 4 {
				t.Errorf("%v, left are %q", err, left)
			}
			if other, err := filepath.Glob(folder + "/deep/*"); err != nil || len(other) != 2 {
				t.Errorf("%v, left are %q", err, other)
			}
		})
	}
}

// TestBehind holds what goes against when the backup began.
func TestBehind(t *testing.T) {
	needRoot(t)
	folder := t.TempDir()
	first, second := write(t, folder, "logs", "a.log.1"), write(t, folder, "logs", "b.log.1")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(first, old, old); err != nil {
		t.Fatal(err)
	}
	host := local.New()
	source := &files.Config{Path: folder}
	pattern := folder + "/logs/*.log.*"
	// The content is old, and the file was changed in another way now: it may not have been where the backup looked.
	for name, test := range map[string]struct {
		began time.Time
		names string
	}{
		"no artifact":    {time.Time{}, "logs/a.log.1 logs/b.log.1"}, // the plan waits for one
		"an early one":   {old.Add(time.Minute), "logs/a.log.1 logs/b.log.1"},
		"one afterwards": {time.Now().Add(time.Minute), "logs/a.log.1 logs/b.log.1"},
	} {
		view, names := inspect(t, open(t, host, source, test.began, pattern), folder)
		if names != test.names || !view.Newest.After(old.Add(30*time.Minute)) {
			t.Errorf("%s: planned are %q, the newest of %s", name, names, view.Newest)
		}
	}
	began := time.Now().Add(time.Hour)
	future := began.Add(time.Hour)
	if err := os.Chtimes(second, future, future); err != nil {
		t.Fatal(err)
	}
	view, names := inspect(t, open(t, host, source, began, pattern), folder)
	if names != "logs/a.log.1" || !strings.Contains(strings.Join(view.Notes, ""), "b.log.1 waits for a backup that began after "+moment(future.Add(time.Second))) {
		t.Errorf("planned are %q, noted is %q", names, view.Notes)
	}
	// Behind a link the backup has nothing.
	if err := os.Rename(filepath.Join(folder, "logs"), filepath.Join(folder, "real")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(folder, "logs")); err != nil {
		t.Fatal(err)
	}
	if view, names = inspect(t, open(t, host, source, began, pattern), folder); names != "" || len(view.Refusals) != 1 || !strings.Contains(view.Refusals[0], "a symbolic link is not followed") {
		t.Errorf("behind a link: planned are %q, refused %q", names, view.Refusals)
	}
	if err := os.Mkdir(filepath.Join(folder, "real", "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, folder, "real", "in", "c.log.1")
	if view, names = inspect(t, open(t, host, source, time.Now().Add(time.Hour), folder+"/logs/in/*"), folder); names != "" || !strings.Contains(strings.Join(view.Notes, ""), "logs is a symbolic link, which a backup does not follow") {
		t.Errorf("behind a link: planned are %q, noted is %q", names, view.Notes)
	}
	if _, names = inspect(t, open(t, host, source, began, folder+"/none/*"), folder); names != "" {
		t.Errorf("of nothing are planned %q", names)
	}
}

// TestInterrupted goes on with a removal that ended between the renaming and the end.
func TestInterrupted(t *testing.T) {
	needRoot(t)
	folder := t.TempDir()
	write(t, folder, "a.log.1"+aside)
	cleaner := open(t, local.New(), &files.Config{Path: folder}, time.Now().Add(time.Hour), folder+"/*.log.1")
	view, names := inspect(t, cleaner, folder)
	if names != "a.log.1"+aside {
		t.Fatalf("planned are %q", names)
	}
	if outcome, err := cleaner.Remove(t.Context(), providers.CleanupOrder{Items: view.Items}, view); err != nil || len(outcome.Removed) != 1 {
		t.Errorf("%v, got %+v", err, outcome)
	}
}

// TestStuck finds another file in the place of one that was moved aside and is open.
func TestStuck(t *testing.T) {
	var outcome providers.CleanupOutcome
	report(&outcome, providers.CleanupItem{Name: "/a"}, "stuck")
	if len(outcome.Warnings) != 1 || !strings.Contains(outcome.Warnings[0], "/a stays, as /a"+aside) {
		t.Errorf("got %+v", outcome)
	}
}

func FuzzParseFacts(f *testing.F) {
	f.Add("2049:12 7000 1764331200 1764331201 1 16 512")
	f.Fuzz(func(t *testing.T, line string) {
		if got, err := parseFacts(line); err == nil && (got.id == "" || got.size < 0 || got.changed.Before(got.modified)) {
			t.Errorf("got %+v", got)
		}
	})
}

func FuzzParseLogFile(f *testing.F) {
	f.Add("12 0 2026-11-28T12:00:00 2026-11-28T13:00:00")
	f.Add("0 0  ")
	f.Fuzz(func(t *testing.T, line string) {
		var file logFile
		if err := file.parse(line); err == nil && file.lines > 0 && len(strings.Fields(line)) == 2 && !file.last.IsZero() {
			t.Errorf("got %+v", file)
		}
	})
}
