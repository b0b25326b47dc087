package files_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/source/files"
)

// host is the local host with a file system that a test may change.
type host struct {
	providers.Host
	files providers.FileSystem
}

func (h host) Files() providers.FileSystem { return h.files }

// newSource makes the source of a folder on the given file system.
func newSource(t testing.TB, system providers.FileSystem, folder string, change func(*files.Config)) providers.Source {
	t.Helper()
	config := files.Provider().New().(*files.Config)
	config.Path = folder
	if change != nil {
		change(config)
	}
	if problems := config.Validate(); len(problems) > 0 {
		t.Fatalf("invalid: %+v", problems)
	}
	source, err := config.Source(providers.Environment{
		Hosts:     func(providers.Reference) (providers.Host, error) { return host{local.New(), system}, nil },
		Directory: filepath.Dir(folder),
	})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// read reads a folder of this machine, without warnings.
func read(t testing.TB, folder string, change func(*files.Config)) []byte {
	t.Helper()
	var archive bytes.Buffer
	reading, err := newSource(t, local.New().Files(), folder, change).Read(t.Context(), "run", &archive)
	if err != nil {
		t.Fatal(err)
	}
	if len(reading.Warnings) > 0 {
		t.Fatalf("warnings: %q", reading.Warnings)
	}
	return archive.Bytes()
}

// restorer makes the restorer of a folder.
func restorer(t testing.TB, folder string) providers.Restorer {
	t.Helper()
	restorer, err := files.Provider().Restore(providers.Environment{}, providers.Target{Kind: providers.TargetDirectory, Location: folder})
	if err != nil {
		t.Fatal(err)
	}
	return restorer
}

// restore prepares and restores.
func restore(t testing.TB, archive []byte, folder string) error {
	t.Helper()
	r := restorer(t, folder)
	if err := r.Prepare(t.Context()); err != nil {
		return err
	}
	_, err := r.Restore(t.Context(), bytes.NewReader(archive))
	return err
}

// restored is the error of a restore.
func restored(_ providers.Restored, err error) error { return err }

// write makes a file and the folders above it.
func write(t testing.TB, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fullTree makes one of everything that an archive can hold.
func fullTree(t testing.TB, folder string) {
	t.Helper()
	write(t, filepath.Join(folder, "plain.txt"), "plain")
	write(t, filepath.Join(folder, "empty"), "")
	write(t, filepath.Join(folder, "block"), strings.Repeat("x", 512))
	write(t, filepath.Join(folder, "big"), strings.Repeat("0123456789", 100_000))
	must(t, os.MkdirAll(filepath.Join(folder, "folder", "empty"), 0o755))
	long := filepath.Join(folder, strings.Repeat("d", 200), strings.Repeat("n", 250))
	write(t, long, "long")
	must(t, os.Symlink(strings.Repeat("t/", 150), filepath.Join(folder, "long link")))
	for _, name := range []string{"with\nline", "Zürich \U0001F4BE", "bytes \xff\xfe", "-rf", " ", "a\\b", "\x01\x7f"} {
		write(t, filepath.Join(folder, "names", name), name)
	}
	must(t, os.Symlink("plain.txt", filepath.Join(folder, "link")))
	must(t, os.Symlink("/nowhere/at\xff/all", filepath.Join(folder, "dangling")))
	must(t, os.Symlink("..", filepath.Join(folder, "folder", "up")))
	must(t, os.Link(filepath.Join(folder, "plain.txt"), filepath.Join(folder, "folder", "second")))
	must(t, os.Link(filepath.Join(folder, "names", "bytes \xff\xfe"), filepath.Join(folder, "zz third")))
	must(t, unix.Mkfifo(filepath.Join(folder, "pipe"), 0o640))
	if os.Geteuid() == 0 {
		must(t, os.Lchown(filepath.Join(folder, "block"), 12345, 3_000_000))
		must(t, os.Lchown(filepath.Join(folder, "link"), 1, 2))
		must(t, os.Chmod(filepath.Join(folder, "empty"), 0)) // which only root can read
	}
	must(t, os.Chmod(filepath.Join(folder, "block"), 0o751|fs.ModeSetuid|fs.ModeSetgid))
	must(t, os.Chmod(filepath.Join(folder, "folder"), 0o555|fs.ModeSticky))
	t.Cleanup(func() { os.Chmod(filepath.Join(folder, "folder"), 0o755) })
	moment := time.Date(2001, 2, 3, 4, 5, 6, 123456789, time.UTC)
	must(t, os.Chtimes(filepath.Join(folder, "plain.txt"), moment, moment))
	must(t, os.Chtimes(filepath.Join(folder, "folder", "empty"), moment.AddDate(-50, 0, 0), moment.AddDate(-50, 0, 0)))
	must(t, os.Chtimes(folder, moment, moment))
}

// describe lists a tree with everything that a restore has to bring back; hard links by the first name of the file.
func describe(t testing.TB, folder string) map[string]string {
	t.Helper()
	tree, first := make(map[string]string), make(map[uint64]string)
	must(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		text := fmt.Sprintf("%v uid=%d gid=%d %s", info.Mode(), stat.Uid, stat.Gid, info.ModTime().UTC().Format(time.RFC3339Nano))
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += fmt.Sprintf(" links=%d %d bytes %.100q", stat.Nlink, len(content), content)
			if one, seen := first[stat.Ino]; seen {
				text += " is " + one
			}
			first[stat.Ino] = name
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text += " to " + target
		}
		tree[name] = text
		return nil
	}))
	return tree
}

// only fails the test where a folder holds anything but the given names.
func only(t testing.TB, folder string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	must(t, err)
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	if strings.Join(found, "|") != strings.Join(names, "|") {
		t.Errorf("%s holds %q, want %q", folder, found, names)
	}
}
