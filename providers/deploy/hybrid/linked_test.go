package hybrid

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeCompose answers as compose would for a project whose services can write to the folder app.
const fakeCompose = `#!/bin/sh
echo '{"services":{"web":{"volumes":[{"type":"bind","source":"'"$3"'/app"}]}}}'
`

// TestLinked looks which files two releases have in common, with the programs of a usual machine and of a small one.
func TestLinked(t *testing.T) {
	t.Run("usual", func(t *testing.T) {
		programs := t.TempDir()
		writeFile(t, filepath.Join(programs, "docker"), "x:"+fakeCompose)
		testLinked(t, programs+string(os.PathListSeparator)+os.Getenv("PATH"))
	})
	t.Run("small", func(t *testing.T) {
		busybox, err := exec.LookPath("busybox")
		if err != nil {
			t.Skip("busybox is not installed")
		}
		git, err := exec.LookPath("git")
		if err != nil {
			t.Fatal(err)
		}
		programs := t.TempDir()
		writeFile(t, filepath.Join(programs, "docker"), "x:"+fakeCompose)
		writeFile(t, filepath.Join(programs, "git"), "-> "+git)
		for _, name := range []string{"sh", "mkdir", "gzip", "cut", "tar", "rm", "sha256sum", "sed", "find", "grep", "env", "tr", "xargs", "awk", "cp", "mv"} {
			writeFile(t, filepath.Join(programs, name), "-> "+busybox)
		}
		testLinked(t, programs)
	})
}

func testLinked(t *testing.T, path string) {
	clone, project := newClone(t), newProject(t)
	clone.write(begin)
	one := clone.commit()
	clone.write(map[string]string{"with space": "another", "-dash": "x:2", "deep": "flat", "app/new": "new"})
	two := clone.commit()
	wanted := clone.unpacked(two)
	t.Setenv("PATH", path)
	first, _ := clone.stage(project, "1", one, nil)
	before := contents(t, first)
	second, sent := clone.stage(project, "2", two, nil)
	if diff := cmp.Diff(wanted, contents(t, second)); diff != "" {
		t.Errorf("the release is another one (-wanted +got):\n%s", diff)
	}
	if wanted := append([]string{"with space", "-dash", "deep", "app/new"}, odd...); !slices.Equal(slices.Sorted(slices.Values(wanted)), sent) {
		t.Errorf("sent were %q", sent)
	}
	if diff := cmp.Diff(before, contents(t, first)); diff != "" {
		t.Errorf("the release before was changed:\n%s", diff)
	}
	for name, linked := range map[string]bool{"compose.yaml": true, "quo'te\"": true, "with space": false, "-dash": false, "app/main.py": false, "app/run": false} {
		if got := same(t, filepath.Join(first, name), filepath.Join(second, name)); got != linked {
			t.Errorf("%s is the same file in both: %t", name, got)
		}
	}
}

// same tells whether two names are of one file.
func same(t *testing.T, one, other string) bool {
	t.Helper()
	first, err := os.Stat(one)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.Stat(other)
	if err != nil {
		t.Fatal(err)
	}
	return os.SameFile(first, second)
}

func TestWritable(t *testing.T) {
	for text, want := range map[string][]string{
		`{}`: nil,
		`{"services":{"a":{"volumes":[{"type":"volume","source":"x"},{"type":"bind","source":"/srv/r/1/web","read_only":true},{"type":"bind","source":"/etc"}]}}}`: nil,
		`{"services":{"a":{"volumes":[{"type":"bind","source":"/srv/r/1/web"}]},"b":{}}}`:                                                                          {"web"},
		`{"services":{"a":{"volumes":[{"type":"bind","source":"/srv/r/1"}]}}}`:                                                                                     {everything},
		`{"services":{"a":{"volumes":[{"type":"bind","source":"/srv"}]}}}`:                                                                                         {everything},
		`{"services":{"a":{"volumes":[{"type":"bind","source":"/"}]}}}`:                                                                                            {everything},
	} {
		if got, err := writableIn([]byte(text), "/srv/r/1"); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	if _, err := writableIn([]byte("name: x"), "/srv/r/1"); err == nil {
		t.Error("what is no JSON was read")
	}
}
