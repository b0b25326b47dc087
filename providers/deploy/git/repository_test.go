package git

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/clock"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.write("deep/file", "x")
	w.commit("one")
	r := w.openAt(filepath.Join(w.folder, "deep"))
	if r.Bare() || r.Directory() != w.folder {
		t.Errorf("opened %s, bare %v", r.Directory(), r.Bare())
	}
	remote := w.bare()
	if r := w.openAt(remote); !r.Bare() || r.Directory() != remote {
		t.Errorf("opened %s, bare %v", r.Directory(), r.Bare())
	}
	_, err := Open(t.Context(), w.machine, clock.System{}, t.TempDir())
	if !errors.Is(err, ErrNoRepository) || !strings.Contains(err.Error(), "on local") {
		t.Error(err)
	}
}

// TestStartedByAHook is what a program inherits that git's own hooks start.
func TestStartedByAHook(t *testing.T) {
	t.Parallel()
	other := newWorkshop(t)
	w := newWorkshop(t, "GIT_DIR="+other.folder+"/.git", "GIT_WORK_TREE="+other.folder, "GIT_INDEX_FILE=/nowhere/index")
	w.machine.environment = w.machine.environment[:len(w.machine.environment)-3]
	w.run("", "git", "init", "--quiet", "-b", "main", w.folder)
	w.write("a", "a")
	want := w.commit("one")
	w.machine.environment = append(w.machine.environment, "GIT_DIR="+other.folder+"/.git", "GIT_WORK_TREE="+other.folder, "GIT_INDEX_FILE=/nowhere/index")
	r := w.open()
	if head, err := r.Head(t.Context()); err != nil || head.Commit != want {
		t.Errorf("got %v, %v", head, err)
	}
	if changes, err := r.Uncommitted(t.Context()); err != nil || len(changes) != 0 {
		t.Errorf("got %v, %v", changes, err)
	}
}

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string][2]int{"git version 2.39.5\n": {2, 39}, "git version 2.25.1 (Apple Git-1)\n": {2, 25}, "git version 3.0\n": {3, 0}} {
		if major, minor, ok := parseVersion(answer); !ok || major != want[0] || minor != want[1] {
			t.Errorf("%q: %d.%d, %v", answer, major, minor, ok)
		}
	}
	if _, _, ok := parseVersion("jj 0.1"); ok {
		t.Error("a version from nowhere")
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	if _, err := w.open().Head(t.Context()); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "no commit") {
		t.Error(err)
	}
	commit := w.commit("one")
	if head, err := w.open().Head(t.Context()); err != nil || head != (Head{commit, "main"}) {
		t.Errorf("got %v, %v", head, err)
	}
	w.git("checkout", "--quiet", "--detach")
	if head, err := w.open().Head(t.Context()); err != nil || head != (Head{commit, ""}) {
		t.Errorf("got %v, %v", head, err)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	first := w.commit("one")
	w.git("tag", "-a", "-m", "first", "v1.0")
	w.git("branch", "feature/login")
	second := w.commit("two")
	r := w.open()
	for name, want := range map[string]string{
		"main": second, "v1.0": first, "feature/login": first, "HEAD~1": first, second: second, first[:9]: first, "refs/heads/main": second, "HEAD": second,
	} {
		if got, err := r.Resolve(t.Context(), name); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for name, want := range map[string]string{
		"mian": "did you mean main?", "login": "did you mean feature/login?", "production": "it has feature/login, main, v1.0",
		strings.Repeat("a", 40): "no commit aaaa", "v1": "v1.0",
	} {
		if _, err := r.Resolve(t.Context(), name); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "-n", "--output=/tmp/x", "main..HEAD", "main:file", ":/one", "main^{/one}", "a b", "main@{1}", "^main", "ma*", "a\nb"} {
		if _, err := r.Resolve(t.Context(), name); err == nil || errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "name") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestNear: the names that are close, or all, or the first of many: branches stand before tags.
func TestNear(t *testing.T) {
	t.Parallel()
	many := []string{"main", "main", "live"}
	for i := range 20 {
		many = append(many, fmt.Sprintf("0.%d", i))
	}
	for _, c := range []struct {
		given string
		known []string
		want  string
	}{
		{"production", nil, ": it has none at all"},
		{"production", []string{"main", "main", "0.1"}, "; it has main, 0.1"},
		{"mian", many, "; did you mean main?"},
		{"production", many, "; it has 22, of which the first are main, live, 0.0, 0.1, 0.2"},
	} {
		if got := near(c.given, c.known); got != c.want {
			t.Errorf("%s: %q, want %q", c.given, got, c.want)
		}
	}
}

func TestAmbiguousName(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	first := w.commit("one")
	w.git("tag", "release")
	w.git("checkout", "--quiet", "-b", "release")
	second := w.commit("two")
	r := w.open()
	if _, err := r.Resolve(t.Context(), "release"); err == nil || !strings.Contains(err.Error(), "refs/tags/release") {
		t.Error(err)
	}
	for name, want := range map[string]string{"refs/heads/release": second, "refs/tags/release": first} {
		if got, err := r.Resolve(t.Context(), name); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func TestCheckBranchIsGits(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	for _, name := range []string{
		"main", "feature/x", "a.b", "HEAD", "@", "a@b", "-x", "", "a b", "a..b", "a~1", "a^", "a:b", "a?", "a*", "a[", `a\b`, "a/", "/a", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "a@{b", "ação", "a\x7f",
	} {
		command := exec.Command("git", "check-ref-format", "--branch", name)
		command.Dir = w.folder
		if want, got := command.Run(), CheckBranch(name); (want == nil) != (got == nil) && name != "@" {
			t.Errorf("%q: git says %v, we say %v", name, want, got)
		}
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	first := w.commit("feat(api)!: one\n\nA body\nin lines\n\nBREAKING CHANGE: all")
	second := w.commit("fix: dois ✓")
	w.git("checkout", "--quiet", "-b", "other", first)
	w.write("x", "x")
	side := w.commit("chore: side")
	w.git("checkout", "--quiet", "--orphan", "fresh")
	alien := w.commit("nothing in common")
	r := w.open()
	for _, c := range []struct {
		there, wanted string
		want          Relation
	}{{first, first, Same}, {first, second, Ahead}, {second, first, Behind}, {second, side, Diverged}, {first, alien, Diverged}} {
		if got, err := r.Relate(t.Context(), c.there, c.wanted); err != nil || got != c.want {
			t.Errorf("%s → %s: %v, %v, want %v", c.there, c.wanted, got, err, c.want)
		}
	}
	if _, err := r.IsAncestor(t.Context(), strings.Repeat("1", 40), first); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "1111") {
		t.Error(err)
	}
	if _, err := r.IsAncestor(t.Context(), "main", first); err == nil || !strings.Contains(err.Error(), "resolved first") {
		t.Error(err)
	}
	at := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	want := []Commit{
		{Hash: second, Parents: []string{first}, Author: "Ana", Email: "ana@example.com", Time: at, Subject: "fix: dois ✓"},
		{Hash: first, Parents: []string{}, Author: "Ana", Email: "ana@example.com", Time: at, Subject: "feat(api)!: one", Body: "A body\nin lines\n\nBREAKING CHANGE: all"},
	}
	got, err := r.Commits(t.Context(), "", second)
	if difference := cmp.Diff(want, got); err != nil || difference != "" {
		t.Errorf("%v\n%s", err, difference)
	}
	if got, err := r.Commits(t.Context(), first, second); err != nil || !cmp.Equal(got, want[:1]) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := r.Commits(t.Context(), second, second); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestShallowHistoryIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	first := w.commit("one")
	w.commit("two")
	second := w.commit("three")
	folder := filepath.Join(t.TempDir(), "shallow")
	w.run("", "git", "clone", "--quiet", "--depth=1", "file://"+w.folder, folder)
	w.run(folder, "git", "fetch", "--quiet", "--depth=1", "origin", first)
	if _, err := w.openAt(folder).Relate(t.Context(), first, second); err == nil || !strings.Contains(err.Error(), "--unshallow") {
		t.Error(err)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.write("kept", "kept")
	w.write("changed", "one")
	w.write("gone", "gone")
	w.write("old name", strings.Repeat("a line of some length\n", 20))
	w.write("tolink", "x")
	w.write("script", "#!/bin/sh\n")
	first := w.commit("one")
	w.write("changed", "two")
	w.write("new\nline \"é\"\tand\xff", "new")
	w.git("rm", "--quiet", "gone")
	w.git("mv", "old name", "new name")
	os.Remove(filepath.Join(w.folder, "tolink"))
	if err := errors.Join(os.Symlink("kept", filepath.Join(w.folder, "tolink")), os.Chmod(filepath.Join(w.folder, "script"), 0o755)); err != nil {
		t.Fatal(err)
	}
	second := w.commit("two")
	r := w.open()
	want := []Change{
		{Path: "changed", Kind: Modified, Mode: 0o644},
		{Path: "gone", Kind: Deleted},
		{Path: "new\nline \"é\"\tand\xff", Kind: Added, Mode: 0o644},
		{Path: "new name", OldPath: "old name", Kind: Renamed, Mode: 0o644},
		{Path: "script", Kind: Modified, Mode: 0o755},
		{Path: "tolink", Kind: TypeChanged, Mode: fs.ModeSymlink | 0o777},
	}
	slicesEqual(t, want, must(r.Changes(t.Context(), first, second)))
	if got := must(r.Changes(t.Context(), "", first)); len(got) != 6 || got[0].Kind != Added {
		t.Errorf("from nothing: %v", got)
	}
	if got := must(r.Changes(t.Context(), second, second)); len(got) != 0 {
		t.Errorf("to the same: %v", got)
	}
	if _, err := r.Changes(t.Context(), "--output=/tmp/x", first); err == nil {
		t.Error("an option is no revision")
	}
}

func TestUncommitted(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	for _, name := range []string{"changed", "staged", "both", "gone", "gone staged", "executable"} {
		w.write(name, name)
	}
	w.write("old", strings.Repeat("a line of some length\n", 20))
	w.write(".gitignore", "*.pyc\nnode_modules/\n")
	w.commit("one")
	r := w.open()
	if got := must(r.Uncommitted(t.Context())); len(got) != 0 {
		t.Errorf("in a clean copy: %v", got)
	}
	before := must(os.ReadFile(filepath.Join(w.folder, ".git", "index")))
	w.write("new/file", "x")
	w.write("a.pyc", "x")
	w.write("node_modules/x/y.js", "x")
	w.write("changed", "2")
	if err := errors.Join(os.Remove(filepath.Join(w.folder, "gone")), os.Chmod(filepath.Join(w.folder, "executable"), 0o755)); err != nil {
		t.Fatal(err)
	}
	must(r.Uncommitted(t.Context()))
	if !bytes.Equal(before, must(os.ReadFile(filepath.Join(w.folder, ".git", "index")))) {
		t.Error("the index was written")
	}
	w.write("staged", "2")
	w.write("both", "2")
	w.git("add", "staged", "both")
	w.write("both", "3")
	w.write("added", "x")
	w.git("add", "added")
	w.git("mv", "old", "sub dir")
	w.git("rm", "--quiet", "gone staged")
	want := []Change{
		{Path: "added", Kind: Added, Mode: 0o644},
		{Path: "both", Kind: Modified, Mode: 0o644},
		{Path: "changed", Kind: Modified, Mode: 0o644},
		{Path: "executable", Kind: Modified, Mode: 0o755},
		{Path: "gone", Kind: Deleted},
		{Path: "gone staged", Kind: Deleted},
		{Path: "staged", Kind: Modified, Mode: 0o644},
		{Path: "sub dir", OldPath: "old", Kind: Renamed, Mode: 0o644},
		{Path: "new/file", Kind: Untracked},
	}
	slicesEqual(t, want, must(r.Uncommitted(t.Context())))
	if _, err := w.openAt(w.bare()).Uncommitted(t.Context()); err == nil || !strings.Contains(err.Error(), "bare") {
		t.Error(err)
	}
}

func TestUnmergedIsNotCommitted(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.write("a", "one\n")
	w.commit("one")
	w.git("checkout", "--quiet", "-b", "side")
	w.write("a", "two\n")
	w.commit("two")
	w.git("checkout", "--quiet", "main")
	w.write("a", "three\n")
	w.commit("three")
	w.run(w.folder, "sh", "-c", "! git merge --quiet side")
	slicesEqual(t, []Change{{Path: "a", Kind: Unmerged, Mode: 0o644}}, must(w.open().Uncommitted(t.Context())))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func slicesEqual[T any](t *testing.T, want, got []T) {
	t.Helper()
	if difference := cmp.Diff(want, got); difference != "" {
		t.Error(difference)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.commit("one")
	if _, err := Open(t.Context(), w.machine, clock.System{}, filepath.Join(w.folder, "nowhere")); !errors.Is(err, ErrNoRepository) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	if err := os.Chown(w.folder, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(w.folder, ".git"), 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), w.machine, clock.System{}, w.folder); err == nil || !strings.Contains(err.Error(), "safe.directory "+w.folder) {
		t.Errorf("somebody else's: %v", err)
	}
}
