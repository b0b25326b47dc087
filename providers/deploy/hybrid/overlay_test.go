package hybrid

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// committed is what a release of what is in a working copy now has: as if all of it were committed.
func (c *clone) committed() map[string]string {
	c.Helper()
	c.git("add", "--all")
	tree := c.git("write-tree")
	c.git("reset", "--quiet")
	return c.unpacked(tree)
}

func TestUncommitted(t *testing.T) {
	cases := map[string]map[string]string{
		"changed":                  {"app/main.py": "print(3)\n"},
		"new":                      {"fresh/one": "1", "fresh/line\nend": "2"},
		"gone":                     {"deep": "", "with space": ""},
		"can be run":               {"app/main.py": "x:print(1)\n"},
		"another link":             {"app/link": "-> run"},
		"a link becomes a file":    {"app/link": "file"},
		"a folder becomes a file":  {"deep": "file"},
		"a file becomes a folder":  {"app/main.py": "", "app/main.py/x/y": "1"},
		"a link becomes a folder":  {"app/link": "", "app/link/x": "1"},
		"a folder becomes a link":  {"deep": "-> app"},
		"ignored files stay there": {".gitignore": "*.log\n", "app/x.log": "noise"},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clone, project := newClone(t), newProject(t)
			clone.write(begin)
			commit := clone.commit()
			clone.stage(project, "1", commit, nil)
			clone.write(change)
			changes, err := clone.open().Uncommitted(t.Context(), commit)
			if err != nil {
				t.Fatal(err)
			}
			folder, sent := clone.stage(project, "2", commit, changes)
			if diff := cmp.Diff(clone.committed(), contents(t, folder)); diff != "" {
				t.Errorf("the release is another one (-wanted +got):\n%s", diff)
			}
			if len(sent) > len(odd)+len(change) {
				t.Errorf("sent were %q", sent)
			}
			// The next one, of what is committed only, is clean again.
			folder, _ = clone.stage(project, "3", commit, nil)
			if diff := cmp.Diff(clone.unpacked(commit), contents(t, folder)); diff != "" {
				t.Errorf("what was not committed stayed (-wanted +got):\n%s", diff)
			}
		})
	}
}

// TestSpoiltRelease begins with a release that somebody worked in.
func TestSpoiltRelease(t *testing.T) {
	clone, project := newClone(t), newProject(t)
	clone.write(begin)
	commit := clone.commit()
	first, _ := clone.stage(project, "1", commit, nil)
	for name, content := range map[string]string{
		"app/main.py": "print(0)\n", // of the same size
		"app/run":     "#!/bin/sh\n", "app/link": "run", "deep/er": "file", "cache/x.pyc": "x", "compose.yaml": "-> app/main.py",
	} {
		writeFile(t, filepath.Join(first, name), content)
	}
	spoilt := contents(t, first)
	second, sent := clone.stage(project, "2", commit, nil)
	if diff := cmp.Diff(clone.unpacked(commit), contents(t, second)); diff != "" {
		t.Errorf("the release is another one (-wanted +got):\n%s", diff)
	}
	if wanted := append([]string{"app/main.py", "app/run", "compose.yaml", "deep/er/file"}, odd...); !slices.Equal(slices.Sorted(slices.Values(wanted)), sent) {
		t.Errorf("sent were %q", sent)
	}
	if diff := cmp.Diff(spoilt, contents(t, first)); diff != "" {
		t.Errorf("the release before was changed:\n%s", diff)
	}
	// A program that goes on writing into the one does not reach the other.
	writer, err := os.OpenFile(filepath.Join(first, "with space"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.WriteString("!"); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	if content, err := os.ReadFile(filepath.Join(second, "with space")); err != nil || string(content) != "1" {
		t.Errorf("the new release has %q, %v", content, err)
	}
}

// TestPlainClone begins with a project that was never released: its folder itself.
func TestPlainClone(t *testing.T) {
	clone, project := newClone(t), newProject(t)
	clone.write(begin)
	commit := clone.commit()
	for name, content := range begin {
		writeFile(t, filepath.Join(project, name), content)
	}
	folder, sent := clone.stage(project, "1", commit, nil)
	if diff := cmp.Diff(modeless(clone.unpacked(commit)), modeless(contents(t, folder))); diff != "" {
		t.Errorf("the release is another one (-wanted +got):\n%s", diff)
	}
	if !slices.Equal(sent, odd) {
		t.Errorf("sent were %q", sent)
	}
}

// modeless takes the modes of people other than the owner out of contents.
func modeless(found map[string]string) map[string]string {
	found = maps.Clone(found)
	for name, content := range found {
		if strings.HasPrefix(content, "-rw") {
			found[name] = content[:4] + content[10:]
		}
	}
	return found
}

// TestShared has a path in the revision that releases have in common: its files come along, and the link that stands for it is not followed.
func TestShared(t *testing.T) {
	clone, project := newClone(t), newProject(t)
	clone.write(map[string]string{"media/logo": "old", "x": "1"})
	first, _ := clone.stage(project, "1", clone.commit(), nil, "media")
	if err := os.Rename(filepath.Join(first, "media"), filepath.Join(project, "media")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(project, "media"), filepath.Join(first, "media")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(project, "media", "logo"), "somebody's")
	clone.write(map[string]string{"media/logo": "new"})
	commit := clone.commit()
	second, sent := clone.stage(project, "2", commit, nil, "media")
	if diff := cmp.Diff(clone.unpacked(commit), contents(t, second)); diff != "" || !slices.Equal(sent, []string{"media/logo"}) {
		t.Errorf("sent were %q; the release is another one (-wanted +got):\n%s", sent, diff)
	}
	if content, err := os.ReadFile(filepath.Join(project, "media", "logo")); err != nil || string(content) != "somebody's" {
		t.Errorf("what is shared is %q now, %v", content, err)
	}
}
