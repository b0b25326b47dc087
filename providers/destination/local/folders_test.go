package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

func TestFolderThatIsNotThere(t *testing.T) {
	root := filepath.Join(t.TempDir(), "not", "there")
	d := at(t, root)
	if status, err := d.Status(t.Context()); err != nil || status.Free <= 0 {
		t.Errorf("its status: %+v, %v", status, err)
	}
	if found := keys(t, d, ""); len(found) != 0 {
		t.Errorf("List shows %q", found)
	}
	if _, err := os.Lstat(filepath.Dir(root)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("looking at it has made it: %v", err)
	}
	object := put(t, d, "a/object", []byte("data"))
	for _, folder := range []string{filepath.Dir(root), root, filepath.Join(root, "a")} {
		if info, err := os.Lstat(folder); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("%s: %v, %v", folder, info.Mode(), err)
		}
	}
	if info, err := os.Lstat(filepath.Join(root, "a", "object")); err != nil || info.Mode() != 0o600 {
		t.Errorf("the object: %v, %v", info.Mode(), err)
	}
	if err := d.Delete(t.Context(), object.Key, object.Version); err != nil {
		t.Error(err)
	}
	if left := tree(t, root); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	if _, err := os.Lstat(root); err != nil {
		t.Errorf("a deletion removed the root: %v", err)
	}
}

func TestFolderThatDisappears(t *testing.T) {
	root := filepath.Join(t.TempDir(), "copies")
	d := at(t, root)
	put(t, d, "a/object", []byte("data"))
	upload := begin(t, d, "a/next", []byte("data"))
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	_, err := upload.Commit(t.Context(), sums([]byte("data")))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), root) || !strings.Contains(err.Error(), "while it was being written") {
		t.Errorf("got %v", err)
	}
	if err := upload.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	if found := keys(t, d, ""); len(found) != 0 {
		t.Errorf("List shows %q", found)
	}
	put(t, d, "a/object", []byte("again"))
}

func TestTemporaryFileThatDisappears(t *testing.T) {
	for _, replace := range []bool{false, true} {
		d := at(t, t.TempDir())
		upload, err := d.Create(t.Context(), "object", providers.CreateOptions{Replace: replace})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range tree(t, d.root) {
			os.Remove(filepath.Join(d.root, name))
		}
		if _, err := upload.Commit(t.Context(), sums(nil)); err == nil || !strings.Contains(err.Error(), "is gone") {
			t.Errorf("got %v", err)
		}
		if err := upload.Abort(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestFileInTheWay(t *testing.T) {
	folder := t.TempDir()
	file(t, filepath.Join(folder, "file"), "x")
	for _, root := range []string{filepath.Join(folder, "file"), filepath.Join(folder, "file", "below")} {
		d := at(t, root)
		_, statusErr := d.Status(t.Context())
		_, createErr := d.Create(t.Context(), "object", providers.CreateOptions{})
		listErr := d.List(t.Context(), "", func(providers.Object) error { return nil })
		_, statErr := d.Stat(t.Context(), "object")
		for _, err := range []error{statusErr, createErr, listErr, statErr} {
			if err == nil || !strings.Contains(err.Error(), root) || !strings.Contains(err.Error(), "not a folder") {
				t.Errorf("got %v", err)
			}
		}
	}
	d := at(t, folder)
	if _, err := d.Create(t.Context(), "file/object", providers.CreateOptions{}); err == nil || !strings.Contains(err.Error(), "not a folder") {
		t.Errorf("an object below an object: %v", err)
	}
	put(t, d, "a/object", nil)
	for _, replace := range []bool{false, true} {
		if _, err := d.Create(t.Context(), "a", providers.CreateOptions{Replace: replace}); err == nil || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("an object in place of a folder: %v", err)
		}
	}
}

func TestLinksAreNotFollowedBelowTheRoot(t *testing.T) {
	folder := t.TempDir()
	outside, root := filepath.Join(folder, "outside"), filepath.Join(folder, "root")
	file(t, filepath.Join(outside, "object"), "of somebody else")
	file(t, filepath.Join(outside, ".object.0123456789abcdef.partial"), "of somebody else")
	err := errors.Join(
		os.Mkdir(filepath.Join(folder, "disk"), 0o700),
		os.Symlink("disk", root), // the root itself may be a link
		os.Symlink(outside, filepath.Join(root, "folder")),
		os.Symlink(filepath.Join(outside, "object"), filepath.Join(root, "object")),
		os.Symlink(filepath.Join(outside, "nothing"), filepath.Join(root, "dangling")),
	)
	if err != nil {
		t.Fatal(err)
	}
	d := at(t, root)
	for _, key := range []string{"object", "folder/object", "folder/new", "dangling"} {
		for _, replace := range []bool{false, true} {
			if _, err := d.Create(t.Context(), key, providers.CreateOptions{Replace: replace}); err == nil {
				t.Errorf("%s was created through a link", key)
			}
		}
		if _, err := d.Stat(t.Context(), key); !errors.Is(err, providers.ErrNotExist) {
			t.Errorf("Stat of %s: %v", key, err)
		}
		if _, err := d.Open(t.Context(), key); !errors.Is(err, providers.ErrNotExist) {
			t.Errorf("Open of %s: %v", key, err)
		}
		if err := d.Delete(t.Context(), key, "1"); !errors.Is(err, providers.ErrNotExist) {
			t.Errorf("Delete of %s: %v", key, err)
		}
	}
	for _, prefix := range []string{"", "folder", "folder/"} {
		if found := keys(t, d, prefix); len(found) != 0 {
			t.Errorf("List of %q shows %q", prefix, found)
		}
		if found, err := d.Remnants(t.Context(), prefix); err != nil || len(found) != 0 {
			t.Errorf("remnants of %q: %+v, %v", prefix, found, err)
		}
	}
	remnant := providers.Remnant{Key: "folder/object", Name: filepath.Join(root, "folder", ".object.0123456789abcdef.partial")}
	if err := d.RemoveRemnant(t.Context(), remnant); err == nil {
		t.Error("a remnant was removed through a link")
	}
	if left := tree(t, outside); len(left) != 2 {
		t.Errorf("outside is left: %q", left)
	}
	put(t, d, "real/object", nil)
	if found := keys(t, d, ""); !slices.Equal(found, []string{"real/object"}) {
		t.Errorf("List shows %q", found)
	}
}

func TestWhatIsNoObjectIsNotListed(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"object", "folder/object", "Überblick.txt", "Ü/object", "new\nline", ".x.0123456789abcdef.partial"} {
		file(t, filepath.Join(root, name), "x")
	}
	if err := os.MkdirAll(filepath.Join(root, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if found := keys(t, at(t, root), ""); !slices.Equal(found, []string{"folder/object", "object"}) {
		t.Errorf("List shows %q", found)
	}
}
