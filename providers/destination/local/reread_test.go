package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// What an upload has taken can be read while it takes more, and after its end, whichever that was.
func TestReread(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 100_000)
	for name, end := range map[string]func(providers.Upload) error{
		"commit": func(upload providers.Upload) error {
			_, err := upload.Commit(t.Context(), providers.Checksums{
				Size: int64(len(data)), SHA256: sha256.Sum256(data), CRC32C: crc32.Checksum(data, castagnoli()),
			})
			return err
		},
		"abort": func(upload providers.Upload) error { return upload.Abort(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			d := at(t, t.TempDir())
			upload, err := d.Create(t.Context(), "object", providers.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			reading, err := providers.RereadUpload(struct{ wrapped }{wrapped{upload}})
			if err != nil {
				t.Fatal(err)
			}
			defer reading.Close()
			half := len(data) / 2
			for _, part := range [][]byte{data[:half], data[half:]} {
				if _, err := upload.Write(part); err != nil {
					t.Fatal(err)
				}
				got := make([]byte, len(part))
				if _, err := reading.ReadAt(got, int64(cap(data)-cap(part))); err != nil || !bytes.Equal(got, part) {
					t.Errorf("what was written cannot be read back: %v", err)
				}
			}
			if err := end(upload); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(data))
			if _, err := reading.ReadAt(got, 0); err != nil || !bytes.Equal(got, data) {
				t.Errorf("after its end it cannot be read: %v", err)
			}
		})
	}
}

// wrapped is an upload in a decorator.
type wrapped struct{ providers.Upload }

func (w wrapped) Unwrap() providers.Upload { return w.Upload }

// A folder on another host is not read back: its bytes would come over the same line again.
func TestRereadElsewhere(t *testing.T) {
	d := at(t, t.TempDir())
	d.here = false
	upload, err := d.Create(t.Context(), "object", providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer upload.Abort(context.Background())
	for _, each := range []providers.Upload{upload, struct{ providers.Upload }{upload}} {
		if _, err := providers.RereadUpload(each); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("it gives %v", err)
		}
	}
}
