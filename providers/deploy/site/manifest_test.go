package site

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	s := fakeSite(t, newMachine(), providers.DeployTarget{Path: t.TempDir(), Compose: "compose.yaml"})
	folder := t.TempDir()
	for name, text := range map[string]string{"a": "1", "web/page with space": "2", `web/back\slash`: "3", "web/line\nbreak": "4", ".git/config": "no", "-dash": "5", "ünï": "6"} {
		if err := os.MkdirAll(filepath.Join(folder, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../shared/data", filepath.Join(folder, "data")); err != nil {
		t.Fatal(err)
	}
	described, err := s.describe(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"-dash", "a", "data", `web/back\slash`, "web/line\nbreak", "web/page with space", "ünï"}
	if got := slices.Sorted(maps.Keys(described)); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	read, err := parseManifest(described.encode())
	if err != nil || !maps.Equal(read, described) {
		t.Errorf("%q, %v", read, err)
	}
	for name, covered := range map[string]bool{".": true, "web": true, "a": true, "data": true, "data/below": true, "we": false, "missing": false, "a/below": false} {
		if described.covers(name) != covered {
			t.Errorf("%s is covered: %v", name, !covered)
		}
	}

	// What came along is no change, what is another or gone is.
	now := maps.Clone(described)
	now["new"] = "x"
	before := described.content([]string{"web"})
	if changed := described.changed(now); len(changed) > 0 {
		t.Errorf("changed: %v", changed)
	}
	delete(now, "a")
	now["web/page with space"] = "other"
	if changed := described.changed(now); !slices.Equal(changed, []string{"a", "web/page with space"}) {
		t.Errorf("changed: %v", changed)
	}
	if now.content([]string{"web"}) == before || now.content([]string{"data/below"}) != described.content([]string{"data/below"}) {
		t.Error("the content that services see")
	}
}

func TestDirtyRelease(t *testing.T) {
	t.Parallel()
	m, target := newProject(t)
	s := fakeSite(t, m, target)
	const id = "20260101T000000Z-aaaaaaa"
	if err := fakeDeploy(t, s, id, first); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Folder(id), "web/page"), []byte("by hand"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := s.Switch(t.Context(), providers.Release{ID: id})
	if err == nil || !strings.Contains(err.Error(), "web/page was changed") {
		t.Errorf("a dirty release was activated: %v", err)
	}
	if seen := s.View(t.Context()); len(seen.Drift) != 1 || !strings.Contains(seen.Drift[0], "web/page was changed") {
		t.Errorf("the drift: %q, %v", seen.Drift, seen.Err)
	}
	if back, err := s.Return(t.Context(), providers.Release{ID: id}); err != nil || !strings.Contains(strings.Join(back.Warnings, "\n"), "web/page was changed") {
		t.Errorf("the way back: %v, %v", back, err)
	}
}

func FuzzDescription(f *testing.F) {
	f.Add([]byte(strings.Repeat("0", 64) + "  ./a\n" + linksMark + "\n./b\nc\n"))
	f.Add([]byte(linksMark + "\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		described, err := parseDescription(said)
		if err != nil {
			return
		}
		read, err := parseManifest(described.encode())
		if err != nil || !maps.Equal(read, described) {
			t.Errorf("%q became %q, %v", described, read, err)
		}
	})
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte(`{"id":"x","commit":"c","promoted":true}`))
	f.Add([]byte(`{"project":"app","images":{"web":{"name":"a"}}}`))
	f.Add([]byte("hash name\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if record, err := parseRecord("x", text); err == nil && record.ID != "x" {
			t.Error("the record of another release")
		}
		_, _ = parseSeal(text)
		_, _ = parseStarts(text)
		_, _ = parseManifest(text)
		parseHashes(string(text))
		parseImages(string(text), []string{"a"})
	})
}

// TestFolderByAnotherName: the containers know the folder by a link to it.
func TestFolderByAnotherName(t *testing.T) {
	t.Parallel()
	m, target := newProject(t)
	if err := fakeDeploy(t, fakeSite(t, m, target), "20260101T000000Z-aaaaaaa", first); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(target.Path, link); err != nil {
		t.Fatal(err)
	}
	real := target.Path
	target.Path = link
	if seen := fakeSite(t, m, target).View(t.Context()); seen.Err != nil {
		t.Error(seen.Err)
	}
	target.Path, target.Project = t.TempDir(), "app"
	if seen := fakeSite(t, m, target).View(t.Context()); seen.Err == nil || !strings.Contains(seen.Err.Error(), real) {
		t.Errorf("a folder of something else: %v", seen.Err)
	}
}
