package local

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// mount mounts a small file system in memory for the time of a test.
func mount(t *testing.T, options string) string {
	t.Helper()
	program := testenv.Need(t, "mount")
	if os.Getuid() != 0 {
		testenv.Skip(t, "only root can mount")
	}
	folder := t.TempDir()
	if said, err := exec.Command(program, "-t", "tmpfs", "-o", options, "tmpfs", folder).CombinedOutput(); err != nil {
		testenv.Skip(t, "nothing can be mounted here: "+strings.TrimSpace(string(said)))
	}
	t.Cleanup(func() {
		if said, err := exec.Command("umount", folder).CombinedOutput(); err != nil {
			t.Errorf("umount: %s", said)
		}
	})
	return folder
}

func TestFullDiskIsFoundBeforeWriting(t *testing.T) {
	root := mount(t, "size=4m")
	d := at(t, filepath.Join(root, "copies"))
	_, err := d.Create(t.Context(), "a/object", providers.CreateOptions{Size: 4 << 20})
	if !errors.Is(err, providers.ErrNoSpace) {
		t.Errorf("got %v", err)
	}
	for _, part := range []string{root, "4.0 MiB are needed", "3.0 MiB to give"} {
		if err != nil && !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if left := tree(t, root); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	put(t, d, "a/object", make([]byte, 1000))
}

func TestDiskThatFillsUpWhileWriting(t *testing.T) {
	root := mount(t, "size=4m")
	d := at(t, filepath.Join(root, "copies"))
	put(t, d, "a/first", []byte("kept"))
	before := tree(t, root)
	upload, err := d.Create(t.Context(), "a/b/second", providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = upload.Write(make([]byte, 6<<20))
	if !errors.Is(err, providers.ErrNoSpace) || !strings.Contains(err.Error(), root) {
		t.Errorf("got %v", err)
	}
	if _, err := upload.Write([]byte("more")); err == nil {
		t.Error("a write after the error succeeded")
	}
	if _, err := upload.Commit(t.Context(), sums(make([]byte, 6<<20))); err == nil {
		t.Error("a commit after the error succeeded")
	}
	status, err := d.Status(t.Context())
	if err != nil || status.Free != 0 {
		t.Errorf("the status of a full disk: %+v, %v", status, err)
	}
	if err := upload.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	if after := tree(t, root); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("left: %q, was: %q", after, before)
	}
	if status, err := d.Status(t.Context()); err != nil || status.Free < 2<<20 {
		t.Errorf("the status after cleaning up: %+v, %v", status, err)
	}
}

func TestDiskThatFillsUpIsNotFilledToTheLastByte(t *testing.T) {
	root := mount(t, "size=40m")
	d := at(t, root)
	upload := begin(t, d, "object", make([]byte, 10<<20))
	defer upload.Abort(t.Context())
	file(t, filepath.Join(root, "of somebody else"), strings.Repeat("x", 24<<20)) // six MiB are left
	_, err := upload.Write(make([]byte, 16<<20))
	if !errors.Is(err, providers.ErrNoSpace) {
		t.Errorf("got %v", err)
	}
}

func TestFolderThatCannotBeWrittenTo(t *testing.T) {
	readOnly := mount(t, "size=8m,ro")
	for _, root := range []string{readOnly, filepath.Join(readOnly, "below", "it")} {
		d := at(t, root)
		if found := keys(t, d, ""); len(found) != 0 {
			t.Errorf("List shows %q", found)
		}
		_, statusErr := d.Status(t.Context())
		_, createErr := d.Create(t.Context(), "a/object", providers.CreateOptions{})
		for _, err := range []error{statusErr, createErr} {
			if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), root) || !strings.Contains(err.Error(), "mount that file system for writing") {
				t.Errorf("got %v", err)
			}
		}
	}
}

func TestFolderOfAnotherUser(t *testing.T) {
	err := &os.PathError{Op: "open", Path: "/backups/.x", Err: syscall.EACCES}
	if said := advice(err); !strings.Contains(said, "the right to write there") {
		t.Errorf("advice for %v: %q", err, said)
	}
}
