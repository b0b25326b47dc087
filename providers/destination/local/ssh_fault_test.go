package local

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// TestConnectionThatIsCutWhileUploading cuts the connection between two writes, and at the commit.
func TestConnectionThatIsCutWhileUploading(t *testing.T) {
	server := testenv.SSH(t)
	host := reach(t, server)
	data := make([]byte, 3<<20)
	for name, cut := range map[string]func(t *testing.T, upload providers.Upload) error{
		"writing": func(t *testing.T, upload providers.Upload) error {
			server.Cut()
			for {
				if _, err := upload.Write(data); err != nil {
					return err
				}
			}
		},
		"committing": func(t *testing.T, upload providers.Upload) error {
			server.Cut()
			_, err := upload.Commit(t.Context(), sums(data))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDestination(host.Files(), filepath.Join(t.TempDir(), "root"))
			upload := begin(t, d, "a/object", data)
			err := cut(t, upload)
			if err == nil || errors.Is(err, providers.ErrTemporary) || !strings.Contains(err.Error(), "the SSH connection to vm broke") {
				t.Errorf("what cannot be done again gives %v", err)
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
			put(t, d, "a/object", data)
		})
	}
}

// TestProcessThatDiesWhileUploadingOverSSH leaves a remnant for the next one.
func TestProcessThatDiesWhileUploadingOverSSH(t *testing.T) {
	server := testenv.SSH(t)
	d := newDestination(reach(t, server).Files(), filepath.Join(t.TempDir(), "root"))
	upload := begin(t, d, "a/object", []byte("data"))
	server.Cut()
	next := newDestination(another(t).Files(), d.root)
	left, err := next.Remnants(t.Context(), "a/")
	if err != nil || len(left) != 1 || left[0].Key != "a/object" {
		t.Fatalf("remnants: %+v, %v", left, err)
	}
	if err := next.RemoveRemnant(t.Context(), left[0]); err != nil {
		t.Error(err)
	}
	if err := upload.Abort(t.Context()); err != nil {
		t.Errorf("what is gone already is not aborted: %v", err)
	}
	if left := tree(t, d.root); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

func TestNobodyLetsUsIn(t *testing.T) {
	server := testenv.SSH(t)
	host := reach(t, server)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	d := newDestination(host.Files(), "/nowhere")
	_, statusErr := d.Status(t.Context())
	_, createErr := d.Create(t.Context(), "object", providers.CreateOptions{})
	listErr := d.List(t.Context(), "", func(providers.Object) error { return nil })
	for _, err := range []error{statusErr, createErr, listErr} {
		// The folder of its user went with the server, and with it the key and what is known.
		if err == nil || errors.Is(err, providers.ErrNotExist) || !strings.Contains(err.Error(), "connecting to vm") {
			t.Errorf("got %v", err)
		}
	}
}

func TestDiskOfAnotherMachineFillsUp(t *testing.T) {
	root := mount(t, "size=4m")
	d := newDestination(reach(t, testenv.SSH(t)).Files(), filepath.Join(root, "copies"))
	put(t, d, "a/first", []byte("kept"))
	before := tree(t, root)
	if _, err := d.Create(t.Context(), "a/object", providers.CreateOptions{Size: 4 << 20}); !errors.Is(err, providers.ErrNoSpace) {
		t.Errorf("what cannot fit gives %v", err)
	}
	upload, err := d.Create(t.Context(), "a/b/second", providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = upload.Write(make([]byte, 6<<20))
	if !errors.Is(err, providers.ErrNoSpace) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), root) {
		t.Errorf("a disk that fills up gives %v", err)
	}
	if status, err := d.Status(t.Context()); err != nil || status.Free != 0 {
		t.Errorf("the status of a full disk: %+v, %v", status, err)
	}
	if err := upload.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	if after := tree(t, root); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("left: %q, was: %q", after, before)
	}
	readOnly := newDestination(d.files, filepath.Join(mount(t, "size=8m,ro"), "below"))
	_, statusErr := readOnly.Status(t.Context())
	_, createErr := readOnly.Create(t.Context(), "a/object", providers.CreateOptions{})
	for _, err := range []error{statusErr, createErr} {
		if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "mount that file system for writing") {
			t.Errorf("a file system for reading only gives %v", err)
		}
	}
}
