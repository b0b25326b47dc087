package files_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/host/ssh"
	"github.com/castrolanda/imsctl/providers/source/files"
)

// where is a machine to restore to: its files are those of this one.
type where struct {
	name        string
	environment providers.Environment
	host        providers.Reference
}

// machines are this machine, and the same one reached by SSH.
func machines(t *testing.T) []where {
	t.Helper()
	server := testenv.SSH(t)
	t.Setenv("HOME", server.Home)
	config := ssh.Provider().New().(*ssh.Config)
	config.Address = "vm"
	far, err := config.Host(providers.Environment{})
	must(t, err)
	return []where{
		{name: "here"},
		{"there", providers.Environment{Hosts: func(providers.Reference) (providers.Host, error) { return far, nil }}, providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}},
	}
}

// restoreTo restores an archive to a target.
func restoreTo(t *testing.T, at where, archive io.Reader, target providers.Target) error {
	t.Helper()
	target.Kind, target.Host = providers.TargetDirectory, at.host
	r, err := files.Provider().Restore(at.environment, target)
	must(t, err)
	if err := r.Prepare(t.Context()); err != nil {
		return err
	}
	return restored(r.Restore(t.Context(), archive))
}

// wantError checks that there is an error with all the words.
func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("there was no error")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not have %q", err, word)
		}
	}
}

// TestEverywhere restores one of everything, here and on another machine, to an absent, an empty and a full folder.
func TestEverywhere(t *testing.T) {
	testenv.Need(t, "tar")
	base := t.TempDir()
	tree := filepath.Join(base, "tree")
	must(t, os.Mkdir(tree, 0o755))
	fullTree(t, tree)
	archive, want := read(t, tree, nil), describe(t, tree)
	for _, at := range machines(t) {
		t.Run(at.name, func(t *testing.T) {
			base := t.TempDir()
			target := filepath.Join(base, "target")
			unlock := func() { must(t, os.Chmod(filepath.Join(target, "folder"), 0o755)) }
			must(t, restoreTo(t, at, bytes.NewReader(archive), providers.Target{Location: target}))
			if diff := cmp.Diff(want, describe(t, target)); diff != "" {
				t.Errorf("restored (-want +got):\n%s", diff)
			}
			only(t, base, "target")
			write(t, filepath.Join(target, "since"), "made since")
			var occupied *providers.OccupiedError
			if err := restoreTo(t, at, bytes.NewReader(archive), providers.Target{Location: target}); !errors.As(err, &occupied) {
				t.Fatalf("got %v", err)
			}
			before := describe(t, target)
			broken := io.MultiReader(bytes.NewReader(archive), iotest.ErrReader(errRead))
			if err := restoreTo(t, at, broken, providers.Target{Location: target, Overwrite: true}); !errors.Is(err, errRead) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(before, describe(t, target)); diff != "" {
				t.Errorf("a failed restore changed (-before +after):\n%s", diff)
			}
			must(t, restoreTo(t, at, bytes.NewReader(archive), providers.Target{Location: target, Overwrite: true}))
			if diff := cmp.Diff(want, describe(t, target)); diff != "" {
				t.Errorf("restored over (-want +got):\n%s", diff)
			}
			only(t, base, "target")
			unlock()
		})
	}
}

// treeOf is an archive of some files, whose content is their name.
func treeOf(t *testing.T, names ...string) []byte {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "tree")
	for _, name := range names {
		write(t, filepath.Join(folder, name), name)
	}
	return read(t, folder, nil)
}

// contents are the files below a folder with what is in them.
func contents(t *testing.T, folder string) string {
	t.Helper()
	var list []string
	must(t, filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(folder, path)
		content, err := os.ReadFile(path)
		if string(content) != name {
			name += "=" + string(content)
		}
		list = append(list, name)
		return err
	}))
	return strings.Join(list, " ")
}

func TestPaths(t *testing.T) {
	testenv.Need(t, "tar")
	archive := treeOf(t, "a.conf", "etc/a.conf", "etc/b.conf", "etc/deep/c.conf", "media/1.png", "media/2026/2.png", "zz")
	for _, at := range machines(t) {
		for _, test := range []struct {
			paths []string
			there []string
			over  bool
			want  string
			err   string
		}{
			{paths: []string{"etc/b.conf"}, want: "etc/b.conf"},
			{paths: []string{"./etc/"}, want: "etc/a.conf etc/b.conf etc/deep/c.conf"},
			{paths: []string{"/*.conf", "media/2026"}, want: "a.conf media/2026/2.png"},
			{paths: []string{"**/*.conf"}, want: "a.conf etc/a.conf etc/b.conf etc/deep/c.conf"},
			{paths: []string{"media/**"}, want: "media/1.png media/2026/2.png"},
			{paths: []string{"etc/deep"}, there: []string{"other"}, want: "etc/deep/c.conf other"},
			{paths: []string{"etc/deep", "etc/a.conf"}, there: []string{"other", "etc/mine"}, want: "etc/a.conf etc/deep/c.conf etc/mine other"},
			{paths: []string{"etc/deep"}, there: []string{"etc/deep/mine"}, want: "etc/deep/mine", err: "not empty"},
			{paths: []string{"*.conf"}, there: []string{"other"}, want: "other", err: "not empty"},
			{paths: []string{"etc/deep", "zz"}, there: []string{"etc/deep/mine", "zz/folder", "other"}, over: true, want: "etc/deep/c.conf other zz"},
			{paths: []string{"media/2026/2.png"}, there: []string{"media"}, over: true, want: "media", err: "media is not a folder"},
			{paths: []string{"etc/b.cnf"}, there: []string{"other"}, want: "other", err: "matches the path \"etc/b.cnf\"; did you mean etc/b.conf"},
			{paths: []string{"zz", "nowhere-near-anything"}, there: []string{"other"}, over: true, want: "other", err: "begin below the folder"},
		} {
			t.Run(at.name+" "+strings.Join(test.paths, " ")+" over "+strings.Join(test.there, " "), func(t *testing.T) {
				base := t.TempDir()
				target := filepath.Join(base, "target")
				must(t, os.Mkdir(target, 0o755))
				for _, name := range test.there {
					write(t, filepath.Join(target, name), name)
				}
				err := restoreTo(t, at, bytes.NewReader(archive), providers.Target{Location: target, Paths: test.paths, Overwrite: test.over})
				if test.err != "" {
					wantError(t, err, test.err)
				} else {
					must(t, err)
				}
				if got := contents(t, target); got != test.want {
					t.Errorf("there is %q, want %q", got, test.want)
				}
				only(t, base, "target")
			})
		}
	}
	link := archiveOf(t, entry{tar.TypeReg, "a", ""}, entry{tar.TypeLink, "b", "a"})
	wantError(t, restoreTo(t, where{}, bytes.NewReader(link), providers.Target{Location: filepath.Join(t.TempDir(), "target"), Paths: []string{"b"}}), "another name of a")
}

// TestOwnFile puts a source that is one file back into its place.
func TestOwnFile(t *testing.T) {
	testenv.Need(t, "tar")
	for _, at := range machines(t) {
		t.Run(at.name, func(t *testing.T) {
			base := t.TempDir()
			file := filepath.Join(base, "settings.env")
			write(t, file, "good")
			archive := read(t, file, nil)
			write(t, file, "bad")
			write(t, filepath.Join(base, "other"), "other")
			var occupied *providers.OccupiedError
			if err := restoreTo(t, at, bytes.NewReader(archive), providers.Target{Location: file, Own: true}); !errors.As(err, &occupied) {
				t.Fatalf("got %v", err)
			}
			must(t, restoreTo(t, at, bytes.NewReader(archive), providers.Target{Location: file, Own: true, Overwrite: true}))
			if got := contents(t, base); got != "other settings.env=good" {
				t.Errorf("there is %q", got)
			}
			must(t, os.Remove(file))
			must(t, restoreTo(t, at, bytes.NewReader(archive), providers.Target{Location: file, Own: true}))
			if got := contents(t, base); got != "other settings.env=good" {
				t.Errorf("there is %q", got)
			}
			only(t, base, "other", "settings.env")
		})
	}
}

// TestMountPoint replaces what is in a file system of its own, and leaves it as it was when that fails.
func TestMountPoint(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target")
	must(t, os.Mkdir(target, 0o755))
	if output, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", target).CombinedOutput(); err != nil {
		testenv.Skip(t, "mounting: "+string(output))
	}
	t.Cleanup(func() { must(t, exec.Command("umount", target).Run()) })
	archive := treeOf(t, "a", "b/c")
	must(t, restoreTo(t, where{}, bytes.NewReader(archive), providers.Target{Location: target}))
	if got := contents(t, target); got != "a b/c" {
		t.Errorf("there is %q", got)
	}
	write(t, filepath.Join(target, "since"), "since")
	broken := io.MultiReader(bytes.NewReader(archive), iotest.ErrReader(errRead))
	if err := restoreTo(t, where{}, broken, providers.Target{Location: target, Overwrite: true}); !errors.Is(err, errRead) {
		t.Errorf("got %v", err)
	}
	if got := contents(t, target); got != "a b/c since" {
		t.Errorf("there is %q", got)
	}
	must(t, restoreTo(t, where{}, bytes.NewReader(archive), providers.Target{Location: target, Overwrite: true}))
	only(t, target, "a", "b")
	must(t, restoreTo(t, where{}, bytes.NewReader(treeOf(t, "b/c")), providers.Target{Location: target, Overwrite: true, Paths: []string{"b"}}))
	only(t, target, "a", "b")
}

// otherTar is a machine whose tar is another one.
type otherTar struct{ providers.Host }

func (o otherTar) Run(ctx context.Context, command providers.Command) error {
	if len(command.Arguments) == 2 && command.Arguments[1] == "--version" {
		_, err := io.WriteString(command.Stdout, "tar (busybox) 1.36.1\n")
		return err
	}
	return o.Host.Run(ctx, command)
}

func TestOtherTar(t *testing.T) {
	at := where{"there", providers.Environment{Hosts: func(providers.Reference) (providers.Host, error) { return otherTar{local.New()}, nil }},
		providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}}
	wantError(t, restoreTo(t, at, strings.NewReader(""), providers.Target{Location: filepath.Join(t.TempDir(), "x")}), "is not GNU tar")
}
