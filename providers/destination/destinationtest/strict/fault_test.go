package strict

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv/bucket"
	"github.com/castrolanda/imsctl/providers"
)

func sums(data []byte) providers.Checksums {
	return providers.Checksums{Size: int64(len(data)), SHA256: sha256.Sum256(data), CRC32C: crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)), MD5: md5.Sum(data)}
}

func newDestination() (*Destination, *clock.Manual) {
	own := clock.NewManual(time.Date(2026, 11, 28, 2, 0, 0, 0, time.UTC))
	return New(bucket.New(own), "p/"), own
}

// repeated calls as long as the failure is temporary, as callers do.
func repeated(call func() error) (err error) {
	for range 10 {
		if err = call(); !errors.Is(err, providers.ErrTemporary) {
			break
		}
	}
	return err
}

// store uploads an object in two pieces.
func store(ctx context.Context, d *Destination, key string, data []byte, options providers.CreateOptions) (object providers.Object, err error) {
	var upload providers.Upload
	err = repeated(func() (err error) { upload, err = d.Create(ctx, key, options); return err })
	if err != nil {
		return object, err
	}
	for _, piece := range [][]byte{data[:len(data)/3], data[len(data)/3:]} {
		if err = repeated(func() error { _, err := upload.Write(piece); return err }); err != nil {
			return object, errors.Join(err, upload.Abort(context.WithoutCancel(ctx)))
		}
	}
	err = repeated(func() (err error) { object, err = upload.Commit(ctx, sums(data)); return err })
	if err != nil {
		err = errors.Join(err, upload.Abort(context.WithoutCancel(ctx)))
	}
	return object, err
}

func listed(t *testing.T, d *Destination) (keys []string) {
	t.Helper()
	if err := d.List(t.Context(), "", func(o providers.Object) error { keys = append(keys, o.Key); return nil }); err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestUploadsSurvive repeats what fails for a while, in whichever call.
func TestUploadsSurvive(t *testing.T) {
	data := []byte("some bytes of an object")
	for _, kind := range []Kind{Temporary, LostAnswer, Slow} {
		for _, operation := range []Operation{Create, Write, Commit} {
			d, _ := newDestination()
			d.Inject(Fault{Operation: operation, Kind: kind, Times: 2})
			object, err := store(t.Context(), d, "object", data, providers.CreateOptions{})
			if err != nil || object.Size != int64(len(data)) || d.Store().Made() != 1 || d.Hits() == 0 {
				t.Errorf("%v in %s: %+v, %v; %d made, %d hits", kind, operation, object, err, d.Store().Made(), d.Hits())
			}
			reader, err := d.Open(t.Context(), "object")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(reader); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%v in %s: read %q, %v", kind, operation, got, err)
			}
		}
	}
}

func TestLostAnswerAndAbort(t *testing.T) {
	d, _ := newDestination()
	d.Inject(Fault{Operation: Commit, Kind: LostAnswer, Times: 1}, Fault{Operation: Commit, Kind: Refused})
	if _, err := store(t.Context(), d, "object", []byte("data"), providers.CreateOptions{}); !errors.Is(err, providers.ErrDenied) {
		t.Errorf("got %v", err)
	}
	if left := d.Store().Names(); len(left) != 0 || d.Store().Made() != 1 || len(d.Store().Uploads("")) != 0 {
		t.Errorf("left: %q", left)
	}
}

func TestStallEndsWithTheContextOrTheFault(t *testing.T) {
	d, _ := newDestination()
	reached := make(chan string)
	stall := Fault{Operation: Write, Kind: Stall, After: 1, Hit: func(key string) { reached <- key }}
	d.Inject(stall)
	ended := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := store(ctx, d, "object", []byte("data"), providers.CreateOptions{})
		ended <- err
	}()
	<-reached
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || len(d.Store().Uploads("")) != 0 {
		t.Errorf("got %v, left %+v", err, d.Store().Uploads(""))
	}
	d.Heal()
	d.Inject(stall)
	go func() {
		_, err := store(t.Context(), d, "object", []byte("data"), providers.CreateOptions{})
		ended <- err
	}()
	<-reached
	d.Heal()
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
}

func TestReadingGoesWrong(t *testing.T) {
	d, _ := newDestination()
	if _, err := store(t.Context(), d, "object", []byte("0123456789"), providers.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[Kind]error{ShortRead: nil, Reset: providers.ErrTemporary, Refused: providers.ErrDenied} {
		d.Inject(Fault{Operation: Read, Kind: kind, Times: 1})
		reader, err := d.Open(t.Context(), "object")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(reader); string(got) != "01234" || !errors.Is(err, want) {
			t.Errorf("%v: read %q, %v", kind, got, err)
		}
	}
}

func TestPermissions(t *testing.T) {
	d, _ := newDestination()
	object, err := store(t.Context(), d, "kept", []byte("data"), providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for permission, call := range map[bucket.Permission]func() error{
		bucket.Write:  func() error { _, err := store(t.Context(), d, "new", nil, providers.CreateOptions{}); return err },
		bucket.Read:   func() error { _, err := d.Open(t.Context(), "kept"); return err },
		bucket.List:   func() error { return d.List(t.Context(), "", nil) },
		bucket.Delete: func() error { return d.Delete(t.Context(), "kept", object.Version) },
	} {
		d.Store().Deny(permission)
		if err := call(); !errors.Is(err, providers.ErrDenied) {
			t.Errorf("without %s: %v", permission, err)
		}
		d.Store().Allow(permission)
		if left := listed(t, d); !slices.Equal(left, []string{"kept"}) {
			t.Errorf("without %s: %q", permission, left)
		}
	}
}

func TestProtection(t *testing.T) {
	d, own := newDestination()
	d.Store().Retain(time.Hour)
	object, err := store(t.Context(), d, "object", []byte("data"), providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	refused := func(why string) {
		t.Helper()
		found, err := d.Stat(t.Context(), "object")
		if err != nil || found.KeptBy != why || found.Version != object.Version {
			t.Errorf("%+v, %v", found, err)
		}
		if err := d.Delete(t.Context(), "object", object.Version); !errors.Is(err, providers.ErrProtected) {
			t.Errorf("delete: %v", err)
		}
		if _, err := store(t.Context(), d, "object", []byte("new"), providers.CreateOptions{Replace: true}); !errors.Is(err, providers.ErrProtected) {
			t.Errorf("replace: %v", err)
		}
	}
	refused("its retention policy until 2026-11-28 03:00 UTC")
	own.Advance(time.Hour)
	d.Store().Change("p/object", func(o *bucket.Object) { o.TemporaryHold = true })
	refused("a temporary hold")
	d.Store().Change("p/object", func(o *bucket.Object) { o.TemporaryHold = false })
	if err := d.Delete(t.Context(), "object", object.Version); err != nil {
		t.Error(err)
	}
}

// TestListingsThatLag shows neither a new object nor that an old one is gone, for a while.
func TestListingsThatLag(t *testing.T) {
	d, own := newDestination()
	d.Store().Lag(time.Second, 3*time.Second)
	object, err := store(t.Context(), d, "object", nil, providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want ...string) {
		t.Helper()
		if got := listed(t, d); !slices.Equal(got, want) {
			t.Errorf("listed: %q, want %q", got, want)
		}
	}
	expect()
	own.Advance(time.Second)
	expect("object")
	if err := d.Delete(t.Context(), "object", object.Version); err != nil {
		t.Fatal(err)
	}
	expect("object")
	if _, err := d.Stat(t.Context(), "object"); !errors.Is(err, providers.ErrNotExist) {
		t.Errorf("Stat: %v", err)
	}
	own.Advance(3 * time.Second)
	expect()
}
