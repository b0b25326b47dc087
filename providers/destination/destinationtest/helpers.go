package destinationtest

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// content makes size bytes that no other seed makes.
func content(seed byte, size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
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

// create begins an upload that is given up when the test ends, if it has not ended by then.
func create(t *testing.T, d providers.Destination, key string, options providers.CreateOptions) providers.Upload {
	t.Helper()
	upload, err := d.Create(t.Context(), key, options)
	if err != nil {
		t.Fatalf("creating %s: %v", key, err)
	}
	t.Cleanup(func() {
		if err := upload.Abort(context.Background()); err != nil {
			t.Errorf("aborting %s at the end: %v", key, err)
		}
	})
	return upload
}

// write writes data whole.
func write(t *testing.T, upload providers.Upload, data []byte) {
	t.Helper()
	if n, err := upload.Write(data); err != nil || n != len(data) {
		t.Fatalf("writing %d bytes: %d, %v", len(data), n, err)
	}
}

// put stores an object.
func put(t *testing.T, d providers.Destination, key string, data []byte, options providers.CreateOptions) providers.Object {
	t.Helper()
	upload := create(t, d, key, options)
	write(t, upload, data)
	object, err := upload.Commit(t.Context(), sums(data))
	if err != nil {
		t.Fatalf("committing %s: %v", key, err)
	}
	return object
}

// read reads an object whole.
func read(ctx context.Context, d providers.Destination, key string) ([]byte, error) {
	reader, err := d.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(reader)
	return data, errors.Join(err, reader.Close())
}

// get reads an object whole.
func get(t *testing.T, d providers.Destination, key string) []byte {
	t.Helper()
	data, err := read(t.Context(), d, key)
	if err != nil {
		t.Fatalf("reading %s: %v", key, err)
	}
	return data
}

// expect checks the content of an object.
func expect(t *testing.T, d providers.Destination, key string, want []byte) {
	t.Helper()
	if got := get(t, d, key); !bytes.Equal(got, want) {
		t.Errorf("%s has %d bytes that are not the %d that were stored", key, len(got), len(want))
	}
}

// list returns the objects with a prefix.
func list(t *testing.T, d providers.Destination, prefix string) []providers.Object {
	t.Helper()
	var objects []providers.Object
	err := d.List(t.Context(), prefix, func(object providers.Object) error {
		objects = append(objects, object)
		return nil
	})
	if err != nil {
		t.Fatalf("listing %q: %v", prefix, err)
	}
	return objects
}

// keys returns the keys with a prefix.
func keys(t *testing.T, d providers.Destination, prefix string) []string {
	t.Helper()
	names := []string{}
	for _, object := range list(t, d, prefix) {
		names = append(names, object.Key)
	}
	return names
}

// remnants returns what interrupted uploads have left.
func remnants(t *testing.T, d providers.Destination, prefix string) []providers.Remnant {
	t.Helper()
	found, err := d.Remnants(t.Context(), prefix)
	if err != nil {
		t.Fatalf("listing the remnants of %q: %v", prefix, err)
	}
	return found
}

// expectNothing checks that a key cannot be seen in any way.
func expectNothing(t *testing.T, d providers.Destination, key string) {
	t.Helper()
	if object, err := d.Stat(t.Context(), key); !errors.Is(err, providers.ErrNotExist) {
		t.Errorf("Stat of %s: %+v, %v", key, object, err)
	}
	reader, err := d.Open(t.Context(), key)
	if err == nil {
		// A store may find out with the first byte only.
		_, err = reader.Read(make([]byte, 1))
		reader.Close()
	}
	if !errors.Is(err, providers.ErrNotExist) {
		t.Errorf("Open of %s: %v", key, err)
	}
	if found := keys(t, d, ""); len(found) != 0 {
		t.Errorf("List shows %q", found)
	}
}

// expectClean checks that a key cannot be seen and that nothing is left of an upload to it.
func expectClean(t *testing.T, d providers.Destination, key string) {
	t.Helper()
	expectNothing(t, d, key)
	if found := remnants(t, d, ""); len(found) != 0 {
		t.Errorf("remnants: %+v", found)
	}
}

// same compares what two calls say of one object.
func same(t *testing.T, how string, got, want providers.Object) {
	t.Helper()
	crc := func(object providers.Object) int64 {
		if object.CRC32C == nil {
			return -1
		}
		return int64(*object.CRC32C)
	}
	if got.Key != want.Key || got.Size != want.Size || got.Version != want.Version || !got.Modified.Equal(want.Modified) || crc(got) != crc(want) {
		t.Errorf("%s says %+v, the commit said %+v", how, got, want)
	}
}
