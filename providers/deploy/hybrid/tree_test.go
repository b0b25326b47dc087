package hybrid

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/git"
	"github.com/castrolanda/imsctl/providers/deploy/workingcopy"
	"github.com/castrolanda/imsctl/providers/host/local"
)

// clone is a working copy of a test.
type clone struct {
	*testing.T
	folder string
}

func newClone(t *testing.T) *clone {
	t.Helper()
	c := &clone{T: t, folder: t.TempDir()}
	c.git("init", "--quiet", "--initial-branch=main")
	return c
}

// git runs git there and returns what it printed.
func (c *clone) git(arguments ...string) string {
	c.Helper()
	command := exec.Command("git", append([]string{"-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "commit.gpgSign=false"}, arguments...)...)
	command.Dir = c.folder
	output, err := command.CombinedOutput()
	if err != nil {
		c.Fatalf("git %s: %v: %s", strings.Join(arguments, " "), err, output)
	}
	return strings.TrimSpace(string(output))
}

// write writes files: by name their content, "-> X" for a link to X, "x:…" for one that can be run, and "" for none at all.
func (c *clone) write(files map[string]string) {
	c.Helper()
	for _, removal := range []bool{true, false} {
		for name, content := range files {
			if (content == "") == removal {
				writeFile(c.T, filepath.Join(c.folder, name), content)
			}
		}
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if info, err := os.Lstat(filepath.Dir(path)); err == nil && !info.IsDir() {
		writeFile(t, filepath.Dir(path), "")
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if content == "" {
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if target, ok := strings.CutPrefix(content, "-> "); ok {
		err = os.Symlink(target, path)
	} else if text, ok := strings.CutPrefix(content, "x:"); ok {
		err = os.WriteFile(path, []byte(text), 0o755)
	} else {
		err = os.WriteFile(path, []byte(content), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// commit commits all that is there and returns the hash.
func (c *clone) commit() string {
	c.Helper()
	c.git("add", "--all")
	c.git("commit", "--quiet", "--allow-empty", "--message", "change")
	return c.git("rev-parse", "HEAD")
}

// unpacked is what an archive of a commit has.
func (c *clone) unpacked(commit string) map[string]string {
	c.Helper()
	folder := c.TempDir()
	command := exec.Command("sh", "-c", `git archive "$1" | tar -xof - -C "$2"`, "unpack", commit, folder)
	command.Dir = c.folder
	if output, err := command.CombinedOutput(); err != nil {
		c.Fatalf("unpacking: %v: %s", err, output)
	}
	return contents(c.T, folder)
}

// contents are the files and links below a folder, with their modes, and empty folders.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		name, _ := filepath.Rel(folder, path)
		info, err := entry.Info()
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir():
			found[name+"/"] = ""
		case info.Mode().Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			found[name] = "-> " + target
			return err
		default:
			content, err := os.ReadFile(path)
			found[name] = info.Mode().String() + " " + string(content)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// open opens a clone as strategies do.
func (c *clone) open() *workingcopy.Copy {
	c.Helper()
	environment := providers.Environment{Clock: clock.System{}, Hosts: func(providers.Reference) (providers.Host, error) { return local.New(), nil }}
	working, err := workingcopy.Open(c.Context(), environment, providers.DeployTarget{WorkingCopy: c.folder, Branch: "main"})
	if err != nil {
		c.Fatal(err)
	}
	return working
}

// project is a folder on a host, of a test.
func newProject(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "releases"), 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// stage fills the folder of a release, makes it the current one and returns it, with the files whose content was sent.
func (c *clone) stage(project, name, commit string, changes []git.Change, shared ...string) (folder string, sent []string) {
	c.Helper()
	working := c.open()
	wanted, err := readTree(c.Context(), working, commit)
	if err != nil {
		c.Fatal(err)
	}
	if _, err := wanted.overlay(working.Directory(), changes); err != nil {
		c.Fatal(err)
	}
	folder = filepath.Join(project, "releases", name)
	if err := os.Mkdir(folder, 0o755); err != nil {
		c.Fatal(err)
	}
	s := &sender{host: local.New(), working: working, commit: commit, wanted: wanted, compose: "compose.yaml", shared: shared}
	missing, err := s.begin(c.Context(), project, folder)
	if err != nil {
		c.Fatal(err)
	}
	if err := s.send(c.Context(), folder, missing); err != nil {
		c.Fatal(err)
	}
	if err := s.own(c.Context(), folder); err != nil {
		c.Fatal(err)
	}
	for file := range missing {
		if wanted[file].header.Typeflag == '0' {
			sent = append(sent, file)
		}
	}
	slices.Sort(sent)
	link := filepath.Join(project, "current")
	if err := os.RemoveAll(link); err != nil {
		c.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("releases", name), link); err != nil {
		c.Fatal(err)
	}
	return folder, sent
}

// begin is what all cases begin with.
var begin = map[string]string{
	"compose.yaml": "services: {}\n", "app/main.py": "print(1)\n", "app/run": "x:#!/bin/sh\n", "app/link": "-> main.py",
	"deep/er/file": "deep\n", "with space": "1", "-dash": "2", "ü: FAILED": "3", "quo'te\"": "4", "tab\tin it": "5", "back\\slash": "6", "line\nend": "7",
}

// odd are those that are sent each time.
var odd = []string{"back\\slash", "line\nend"}

func TestChanges(t *testing.T) {
	cases := []struct {
		name   string
		change map[string]string
		sent   []string // besides odd
	}{
		{"nothing", nil, nil},
		{"one file", map[string]string{"app/main.py": "print(2)\n"}, []string{"app/main.py"}},
		{"a new file", map[string]string{"new/file": "new"}, []string{"new/file"}},
		{"a file less", map[string]string{"app/main.py": ""}, nil},
		{"a folder less", map[string]string{"deep": ""}, nil},
		{"moved", map[string]string{"deep": "", "other/er/file": "deep\n"}, []string{"other/er/file"}},
		{"can be run now", map[string]string{"app/main.py": "x:print(1)\n"}, []string{"app/main.py"}},
		{"cannot be run any more", map[string]string{"app/run": "#!/bin/sh\n"}, []string{"app/run"}},
		{"another link", map[string]string{"app/link": "-> run"}, nil},
		{"a link becomes a file", map[string]string{"app/link": "print(1)\n"}, []string{"app/link"}},
		{"a file becomes a link", map[string]string{"app/main.py": "-> run"}, nil},
		{"a file becomes a folder", map[string]string{"app/main.py": "", "app/main.py/x": "x"}, []string{"app/main.py/x"}},
		{"a folder becomes a file", map[string]string{"deep": "flat"}, []string{"deep"}},
		{"a folder becomes a link", map[string]string{"deep": "-> app"}, nil},
		{"names", map[string]string{"with space": "a", "-dash": "b", "ü: FAILED": "c", "line\nend": "d"}, []string{"with space", "-dash", "ü: FAILED"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			clone, project := newClone(t), newProject(t)
			clone.write(begin)
			first, sent := clone.stage(project, "1", clone.commit(), nil)
			if len(sent) != len(begin)-1 {
				t.Errorf("the first time %q was sent", sent)
			}
			before := contents(t, first)
			clone.write(c.change)
			commit := clone.commit()
			second, sent := clone.stage(project, "2", commit, nil)
			if diff := cmp.Diff(clone.unpacked(commit), contents(t, second)); diff != "" {
				t.Errorf("the release is another one (-wanted +got):\n%s", diff)
			}
			if diff := cmp.Diff(slices.Sorted(slices.Values(append(c.sent, odd...))), sent); diff != "" {
				t.Errorf("sent (-wanted +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, contents(t, first)); diff != "" {
				t.Errorf("the release before was changed:\n%s", diff)
			}
		})
	}
}
