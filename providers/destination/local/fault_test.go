package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// TestCommitThatFailsShowsNothing lets the steps of a commit fail one by one.
func TestCommitThatFailsShowsNothing(t *testing.T) {
	fault := errors.New("input/output error")
	for name, wrap := range map[string]func(providers.FileSystem) faulty{
		"sync of the content": func(files providers.FileSystem) faulty {
			return faulty{FileSystem: files, sync: func() error { return fault }}
		},
		"sync of the root": func(files providers.FileSystem) faulty {
			return faulty{FileSystem: files, syncDir: func(path string) error {
				if strings.HasSuffix(path, "/root") {
					return fault
				}
				return nil
			}}
		},
		"sync of the folder": func(files providers.FileSystem) faulty {
			return faulty{FileSystem: files, syncDir: func(path string) error {
				if strings.HasSuffix(path, "/a") {
					return fault
				}
				return nil
			}}
		},
		"removal of the temporary name": func(files providers.FileSystem) faulty {
			var once sync.Once
			return faulty{FileSystem: files, remove: func(path string) (err error) {
				if strings.HasSuffix(path, partialSuffix) {
					once.Do(func() { err = fault })
				}
				return err
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := at(t, filepath.Join(t.TempDir(), "root"))
			healthy := d.files
			d.files = wrap(healthy)
			upload := begin(t, d, "a/object", []byte("data"))
			if _, err := upload.Commit(t.Context(), sums([]byte("data"))); !errors.Is(err, fault) {
				t.Errorf("got %v", err)
			}
			if found := keys(t, d, ""); len(found) != 0 {
				t.Errorf("List shows %q", found)
			}
			if err := upload.Abort(t.Context()); err != nil {
				t.Error(err)
			}
			if left := tree(t, d.root); len(left) != 0 {
				t.Errorf("left: %q", left)
			}
			d.files = healthy
			put(t, d, "a/object", []byte("data"))
		})
	}
}

func TestFullDiskAtTheCommit(t *testing.T) {
	d := at(t, t.TempDir())
	d.files = faulty{FileSystem: d.files, sync: func() error { return &os.PathError{Op: "sync", Path: "x", Err: syscall.EDQUOT} }}
	upload := begin(t, d, "object", []byte("data"))
	if _, err := upload.Commit(t.Context(), sums([]byte("data"))); !errors.Is(err, providers.ErrNoSpace) {
		t.Errorf("got %v", err)
	}
	if err := upload.Abort(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAbortThatFailsCanBeRepeated(t *testing.T) {
	d, fault := at(t, t.TempDir()), errors.New("input/output error")
	healthy := d.files
	upload := begin(t, d, "a/object", []byte("data"))
	d.files = faulty{FileSystem: healthy, remove: func(string) error { return fault }}
	if err := upload.Abort(t.Context()); !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
	if found, err := d.Remnants(t.Context(), ""); err != nil || len(found) != 1 {
		t.Errorf("what could not be removed is no remnant: %+v, %v", found, err)
	}
	d.files = healthy
	if err := upload.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	if left := tree(t, d.root); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// TestRepeatedLink is a network file system that makes a link, loses the answer, and finds the name taken on its own retry.
func TestRepeatedLink(t *testing.T) {
	d := at(t, t.TempDir())
	d.files = faulty{FileSystem: d.files, linked: func(from, to string) error {
		return &os.LinkError{Op: "link", Old: from, New: to, Err: fs.ErrExist}
	}}
	put(t, d, "object", []byte("data"))
	if left := tree(t, d.root); !slices.Equal(left, []string{"object"}) {
		t.Errorf("left: %q", left)
	}
}

// TestFoldersThatAreRemovedMeanwhile lets uploads make what deletions and aborts of other processes remove as empty.
func TestFoldersThatAreRemovedMeanwhile(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	var group sync.WaitGroup
	for i := range 4 {
		d := at(t, root)
		key := "a/b/" + string(rune('a'+i))
		group.Go(func() {
			for range 100 {
				upload, err := d.Create(t.Context(), key, providers.CreateOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				if i%2 == 0 {
					if err := upload.Abort(t.Context()); err != nil {
						t.Error(err)
					}
					continue
				}
				object, err := upload.Commit(t.Context(), sums(nil))
				if err != nil {
					t.Error(err)
					return
				}
				if err := d.Delete(t.Context(), key, object.Version); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}
