package local

import (
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	host "github.com/castrolanda/imsctl/providers/host/local"
)

// at makes the destination of a folder as a specification would.
func at(t *testing.T, root string) *destination {
	t.Helper()
	config := &Config{Path: root}
	if problems := config.Validate(); len(problems) != 0 {
		t.Fatalf("problems: %+v", problems)
	}
	made, err := config.Destination(providers.Environment{
		Hosts:     func(providers.Reference) (providers.Host, error) { return host.New(), nil },
		Clock:     clock.System{},
		Directory: "/nowhere",
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.(*destination)
}

// sums are the checksums of data.
func sums(data []byte) providers.Checksums {
	return providers.Checksums{
		Size:   int64(len(data)),
		SHA256: sha256.Sum256(data),
		CRC32C: crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)),
		MD5:    md5.Sum(data),
	}
}

// begin begins an upload and writes data.
func begin(t *testing.T, d providers.Destination, key string, data []byte) providers.Upload {
	t.Helper()
	upload, err := d.Create(t.Context(), key, providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := upload.Write(data); err != nil {
		t.Fatal(err)
	}
	return upload
}

// put stores an object.
func put(t *testing.T, d providers.Destination, key string, data []byte) providers.Object {
	t.Helper()
	object, err := begin(t, d, key, data).Commit(t.Context(), sums(data))
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// keys lists the keys with a prefix.
func keys(t *testing.T, d providers.Destination, prefix string) []string {
	t.Helper()
	var found []string
	err := d.List(t.Context(), prefix, func(object providers.Object) error {
		found = append(found, object.Key)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// tree lists everything below a folder.
func tree(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if path != root && err == nil {
			found = append(found, path[len(root)+1:])
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// file makes a file of somebody else.
func file(t *testing.T, path, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}
