package local_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers/host/local"
)

// write makes a file with the given content.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCreateWritesANewFileOnly(t *testing.T) {
	files, directory := local.New().Files(), t.TempDir()
	path := filepath.Join(directory, "new")
	file, err := files.Create(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := file.Write([]byte("part ")); err != nil {
			t.Fatal(err)
		}
		file.Flush()
	}
	info, err := file.Stat()
	if err != nil || info.Size != 15 || info.Mode != 0o600 {
		t.Errorf("got %+v, %v", info, err)
	}
	if err := errors.Join(file.Sync(), file.Close(), files.SyncDir(directory)); err != nil {
		t.Error(err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "part part part " {
		t.Errorf("got %q, %v", content, err)
	}
	if _, err := files.Create(path, 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a taken name gives %v", err)
	}
	link := filepath.Join(directory, "link")
	if err := os.Symlink(filepath.Join(directory, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Create(link, 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a dangling link gives %v", err)
	}
}

func TestOpenReadsPlainFilesWithoutFollowingOrBlocking(t *testing.T) {
	files, directory := local.New().Files(), t.TempDir()
	plain, link, pipe := filepath.Join(directory, "plain"), filepath.Join(directory, "link"), filepath.Join(directory, "pipe")
	write(t, plain, "content")
	if err := errors.Join(os.Symlink(plain, link), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	file, err := files.Open(plain)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := os.Rename(plain, plain+".moved"); err != nil {
		t.Fatal(err)
	}
	if info, err := file.Stat(); err != nil || info.Size != 7 {
		t.Errorf("got %+v, %v", info, err)
	}
	if content, err := io.ReadAll(file); err != nil || string(content) != "content" {
		t.Errorf("got %q, %v", content, err)
	}
	if _, err := files.Open(link); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a symbolic link gives %v", err)
	}
	if opened, err := files.Open(pipe); err == nil {
		opened.Close()
	}
	if _, err := files.Open(filepath.Join(directory, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

func TestReadDirDescribesEntriesInOrder(t *testing.T) {
	files, directory := local.New().Files(), t.TempDir()
	for _, name := range []string{"b", "a", "C"} {
		write(t, filepath.Join(directory, name), name)
	}
	err := errors.Join(
		os.Symlink("a", filepath.Join(directory, "link")),
		os.Mkdir(filepath.Join(directory, "folder"), 0o700),
		files.Link(filepath.Join(directory, "a"), filepath.Join(directory, "second")),
	)
	if err != nil {
		t.Fatal(err)
	}
	list, err := files.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name  string
		kind  fs.FileMode
		links uint64
	}{{"C", 0, 1}, {"a", 0, 2}, {"b", 0, 1}, {"folder", fs.ModeDir, 0}, {"link", fs.ModeSymlink, 1}, {"second", 0, 2}}
	if len(list) != len(want) {
		t.Fatalf("got %+v", list)
	}
	for i, entry := range list {
		if entry.Name != want[i].name || entry.Mode.Type() != want[i].kind {
			t.Errorf("entry %d is %+v, want %+v", i, entry, want[i])
		}
		if want[i].links != 0 && entry.Links != want[i].links {
			t.Errorf("%s has %d links, want %d", entry.Name, entry.Links, want[i].links)
		}
		if entry.UID != os.Getuid() || entry.GID != os.Getgid() || entry.Inode == 0 || entry.Modified.IsZero() {
			t.Errorf("entry %d is %+v", i, entry)
		}
	}
	if list[1].Inode != list[5].Inode || list[1].Device != list[5].Device {
		t.Error("two names of one file do not show as such")
	}
	if target, err := files.Readlink(filepath.Join(directory, "link")); err != nil || target != "a" {
		t.Errorf("got %q, %v", target, err)
	}
	if os.Getuid() == 0 && list[0].Owner != "root" {
		t.Errorf("the owner of a file of root is %q", list[0].Owner)
	}
}

func TestAFileOfANumberWithoutANameHasNoOwnerName(t *testing.T) {
	if os.Getuid() != 0 {
		testenv.Skip(t, "only root can give files away")
	}
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "")
	if err := os.Chown(path, 1234567, 7654321); err != nil {
		t.Fatal(err)
	}
	info, err := local.New().Files().Lstat(path)
	if err != nil || info.UID != 1234567 || info.GID != 7654321 || info.Owner != "" || info.Group != "" {
		t.Errorf("got %+v, %v", info, err)
	}
}

func TestNamesAreTakenReplacedAndRemoved(t *testing.T) {
	files, directory := local.New().Files(), t.TempDir()
	a, b := filepath.Join(directory, "a"), filepath.Join(directory, "b")
	write(t, a, "a")
	write(t, b, "b")
	if err := files.Link(a, b); !errors.Is(err, fs.ErrExist) {
		t.Errorf("linking to a taken name gives %v", err)
	}
	if err := files.Rename(a, b); err != nil {
		t.Error(err)
	}
	if content, _ := os.ReadFile(b); string(content) != "a" {
		t.Errorf("got %q", content)
	}
	if err := files.Remove(a); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removing nothing gives %v", err)
	}
	deep := filepath.Join(directory, "x", "y", "z")
	if err := files.MkdirAll(deep, 0o700); err != nil {
		t.Error(err)
	}
	if info, err := files.Lstat(deep); err != nil || info.Mode != fs.ModeDir|0o700 {
		t.Errorf("got %+v, %v", info, err)
	}
	if free, err := files.Space(directory); err != nil || free <= 0 {
		t.Errorf("got %d, %v", free, err)
	}
	if _, err := files.Space(filepath.Join(directory, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
