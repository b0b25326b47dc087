package destinationtest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// testConcurrent stores, aborts, lists and deletes in one folder at once.
func testConcurrent(t *testing.T, s *suite) {
	d := s.open(t)
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			key, data := fmt.Sprintf("folder/%d/%d", i%4, i), content(byte(i), 1000+i)
			for round := range 5 {
				if err := cycle(t, d, key, data, round%2 == 0); err != nil {
					t.Errorf("%s: %v", key, err)
					return
				}
			}
		})
	}
	group.Wait()
	if found := remnants(t, d, ""); len(found) != 0 {
		t.Errorf("remnants: %+v", found)
	}
}

// cycle stores an object, then deletes it, or gives the upload up.
func cycle(t *testing.T, d providers.Destination, key string, data []byte, keep bool) error {
	upload, err := d.Create(t.Context(), key, providers.CreateOptions{})
	if err != nil {
		return err
	}
	if _, err := upload.Write(data); err != nil {
		return errors.Join(err, upload.Abort(t.Context()))
	}
	if !keep {
		return upload.Abort(t.Context())
	}
	object, err := upload.Commit(t.Context(), sums(data))
	if err != nil {
		return errors.Join(err, upload.Abort(t.Context()))
	}
	if err := d.List(t.Context(), "", func(providers.Object) error { return nil }); err != nil {
		return err
	}
	if found, err := read(t.Context(), d, key); err != nil || !bytes.Equal(found, data) {
		return fmt.Errorf("reading: %d bytes, %w", len(found), err)
	}
	return d.Delete(t.Context(), key, object.Version)
}

// testSameKey checks that of several uploads to one key exactly one commits.
func testSameKey(t *testing.T, s *suite) {
	d := s.open(t)
	for round := range 5 {
		key := fmt.Sprintf("contested/%d", round)
		uploads := make([]providers.Upload, 4)
		for i := range uploads {
			uploads[i] = create(t, d, key, providers.CreateOptions{})
			write(t, uploads[i], content(byte(i), 2000))
		}
		var won atomic.Int64
		won.Store(-1)
		var group sync.WaitGroup
		for i, upload := range uploads {
			group.Go(func() {
				_, err := upload.Commit(t.Context(), sums(content(byte(i), 2000)))
				switch {
				case err == nil:
					if before := won.Swap(int64(i)); before >= 0 {
						t.Errorf("uploads %d and %d have both committed", before, i)
					}
				case !errors.Is(err, providers.ErrExists):
					t.Errorf("upload %d: %v", i, err)
				}
				if err := upload.Abort(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if won.Load() < 0 {
			t.Fatal("no upload has committed")
		}
		expect(t, d, key, content(byte(won.Load()), 2000))
	}
	if found := remnants(t, d, ""); len(found) != 0 {
		t.Errorf("remnants: %+v", found)
	}
}
