package hosttest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// write makes a file with the given content.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func testCreate(t *testing.T, s *suite) {
	files, directory := s.host.Files(), t.TempDir()
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
	if err := file.Sync(); err != nil {
		t.Error(err)
	}
	info, err := file.Stat()
	if err != nil || info.Size != 15 || info.Mode != 0o600 {
		t.Errorf("got %+v, %v", info, err)
	}
	if err := errors.Join(file.Close(), files.SyncDir(directory)); err != nil {
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
	if _, err := files.Create(filepath.Join(directory, "missing", "file"), 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder gives %v", err)
	}
}

func testOpen(t *testing.T, s *suite) {
	files, directory := s.host.Files(), t.TempDir()
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

func testReadDir(t *testing.T, s *suite) {
	files, directory := s.host.Files(), t.TempDir()
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
		if s.inodes && (entry.Inode == 0 || want[i].links != 0 && entry.Links != want[i].links) {
			t.Errorf("%s has %d links, want %d, and inode %d", entry.Name, entry.Links, want[i].links, entry.Inode)
		}
		if entry.UID != os.Getuid() || entry.GID != os.Getgid() || entry.Modified.IsZero() {
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
	if _, err := files.ReadDir(filepath.Join(directory, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder gives %v", err)
	}
	if _, err := files.ReadDir(filepath.Join(directory, "a")); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file gives %v", err)
	}
}

func testNameless(t *testing.T, s *suite) {
	if os.Getuid() != 0 {
		testenv.Skip(t, "only root can give files away")
	}
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "")
	if err := os.Chown(path, 1234567, 7654321); err != nil {
		t.Fatal(err)
	}
	info, err := s.host.Files().Lstat(path)
	if err != nil || info.UID != 1234567 || info.GID != 7654321 || info.Owner != "" || info.Group != "" {
		t.Errorf("got %+v, %v", info, err)
	}
}

func testNames(t *testing.T, s *suite) {
	files, directory := s.host.Files(), t.TempDir()
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
	for name, err := range map[string]error{
		"removing nothing":       files.Remove(a),
		"renaming nothing":       files.Rename(a, b),
		"linking nothing":        files.Link(a, filepath.Join(directory, "c")),
		"looking at nothing":     second(files.Lstat(a)),
		"what a missing link is": second(files.Readlink(a)),
		"syncing nothing":        files.SyncDir(a),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s gives %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func testFolders(t *testing.T, s *suite) {
	files, directory := s.host.Files(), t.TempDir()
	deep := filepath.Join(directory, "x", "y", "z")
	for range 2 {
		if err := files.MkdirAll(deep, 0o700); err != nil {
			t.Error(err)
		}
	}
	if info, err := files.Lstat(deep); err != nil || info.Mode != fs.ModeDir|0o700 {
		t.Errorf("got %+v, %v", info, err)
	}
	if err := files.Remove(filepath.Dir(deep)); !errors.Is(err, syscall.ENOTEMPTY) {
		t.Errorf("removing a folder with something in it gives %v", err)
	}
	if err := files.Remove(deep); err != nil {
		t.Error(err)
	}
	file, link := filepath.Join(directory, "file"), filepath.Join(directory, "link")
	write(t, file, "")
	if err := os.Symlink(directory, link); err != nil {
		t.Fatal(err)
	}
	if info, err := files.Lstat(link + "/."); err != nil || !info.Mode.IsDir() {
		t.Errorf("a folder behind a link is %+v, %v", info, err)
	}
	for _, path := range []string{file + "/.", file + "/below/."} {
		if _, err := files.Lstat(path); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s gives %v", path, err)
		}
	}
	if err := files.MkdirAll(filepath.Join(file, "below"), 0o700); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a folder below a file gives %v", err)
	}
	if free, err := files.Space(directory); err != nil || free <= 0 {
		t.Errorf("got %d, %v", free, err)
	}
	if _, err := files.Space(filepath.Join(directory, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// testLarge passes bytes through in pieces of all sizes.
func testLarge(t *testing.T, s *suite) {
	files, path := s.host.Files(), filepath.Join(t.TempDir(), "large")
	content := make([]byte, 9<<20+12345)
	rand.NewChaCha8([32]byte{1}).Read(content)
	file, err := files.Create(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for left, size := content, 1; len(left) > 0; size = size*3 + 1 {
		n, err := file.Write(left[:min(size, len(left))])
		if err != nil {
			t.Fatal(err)
		}
		left = left[n:]
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		t.Error(err)
	}
	if found, err := os.ReadFile(path); err != nil || !bytes.Equal(found, content) {
		t.Errorf("%d bytes were written, which are not those that were meant: %v", len(found), err)
	}
	for _, size := range []int{1000, 256 << 10, 3 << 20} {
		opened, err := files.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var found []byte
		for buffer := make([]byte, size); err == nil; {
			var n int
			n, err = opened.Read(buffer)
			found = append(found, buffer[:n]...)
		}
		if err != io.EOF || !bytes.Equal(found, content) {
			t.Errorf("%d bytes were read in pieces of %d, which are not those that are there: %v", len(found), size, err)
		}
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	}
}

// testVanishing lists a folder whose files come and go.
func testVanishing(t *testing.T, s *suite) {
	files, directory := s.host.Files(), t.TempDir()
	write(t, filepath.Join(directory, "stays"), "")
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			name := filepath.Join(directory, strconv.Itoa(i%50))
			if err := errors.Join(os.WriteFile(name, nil, 0o600), os.Remove(name)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 200 {
		list, err := files.ReadDir(directory)
		if err != nil || len(list) == 0 || list[len(list)-1].Name != "stays" {
			t.Errorf("got %+v, %v", list, err)
		}
	}
	close(stop)
	group.Wait()
}

func testWritable(t *testing.T, s *suite) {
	files, directory := s.host.Files(), t.TempDir()
	if err := files.CheckWritable(directory); err != nil {
		t.Error(err)
	}
	if err := files.CheckWritable(filepath.Join(directory, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder gives %v", err)
	}
	if os.Getuid() != 0 {
		closed := filepath.Join(directory, "closed")
		if err := os.Mkdir(closed, 0o500); err != nil {
			t.Fatal(err)
		}
		if err := files.CheckWritable(closed); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a closed folder gives %v", err)
		}
	}
	if left, err := os.ReadDir(directory); err != nil || len(left) > 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}
