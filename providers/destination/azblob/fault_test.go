package azblob

import (
	"bytes"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// small and large are sizes of objects that go in one request and in blocks.
const small, large = 1000, 3*(64<<10) + 5

// content makes bytes that differ from block to block.
func content(size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return data
}

func sums(data []byte) providers.Checksums {
	return providers.Checksums{Size: int64(len(data)), SHA256: sha256.Sum256(data), CRC32C: crc32.Checksum(data, castagnoli()), MD5: md5.Sum(data)}
}

// uniqueName is part of the name of a container that no other test uses.
func uniqueName(t *testing.T) []byte {
	t.Helper()
	name := make([]byte, 8)
	rand.Read(name)
	return name
}

// repeated calls again as long as the failure is temporary, as callers do.
func repeated(call func() error) (err error) {
	for range 10 {
		if err = call(); !errors.Is(err, providers.ErrTemporary) {
			break
		}
	}
	return err
}

// store uploads an object in pieces that fit no block, and gives it up when that fails.
func store(t *testing.T, d *destination, key string, data []byte, options providers.CreateOptions) (object providers.Object, err error) {
	t.Helper()
	return storePieces(t, d, key, data, 150_001, options)
}

// storePieces is store in pieces of a size: of less than a block, so that blocks are sent while more comes, or of more.
func storePieces(t *testing.T, d *destination, key string, data []byte, size int, options providers.CreateOptions) (object providers.Object, err error) {
	t.Helper()
	upload, err := d.Create(t.Context(), key, options)
	if err != nil {
		return providers.Object{}, err
	}
	for rest := data; err == nil && len(rest) > 0; {
		piece := rest[:min(len(rest), size)]
		err = repeated(func() error { _, err := upload.Write(piece); return err })
		rest = rest[len(piece):]
	}
	if err == nil {
		err = repeated(func() (err error) { object, err = upload.Commit(t.Context(), sums(data)); return err })
	}
	if err != nil {
		err = errors.Join(err, upload.Abort(t.Context()))
	}
	return object, err
}

// expect checks what is in the store: objects under their keys, nothing else, and nothing left over.
func expect(t *testing.T, d *destination, want map[string][]byte) {
	t.Helper()
	var keys []string
	err := d.List(t.Context(), "", func(object providers.Object) error { keys = append(keys, object.Key); return nil })
	if err != nil || len(keys) != len(want) {
		t.Errorf("the store has %q, want %d: %v", keys, len(want), err)
	}
	for key, data := range want {
		reader, err := d.Open(t.Context(), key)
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := io.ReadAll(reader)
		if err := errors.Join(err, reader.Close()); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s has %d bytes that are not the %d that were stored: %v", key, len(got), len(data), err)
		}
	}
	if left, err := d.Remnants(t.Context(), ""); err != nil || len(left) != 0 {
		t.Errorf("left: %+v, %v", left, err)
	}
}

// TestUploadsSurvive commits uploads whose requests fail for a while, and uploads whose answers are lost.
func TestUploadsSurvive(t *testing.T) {
	azurite := testenv.Azurite(t)
	second := 0
	everySecond := func(r *http.Request) bool {
		if !isWrite(r) {
			return false
		}
		second++
		return second%2 == 1
	}
	faults := map[string]struct {
		testenv.Fault
		times int
		match func(*http.Request) bool
	}{
		"reset":              {testenv.Reset(), 3, isWrite},
		"reset mid-body":     {testenv.ResetMidBody(), 3, isWrite},
		"503":                {busy(), 3, isWrite},
		"500":                {testenv.AzureAnswer(500, "OperationTimedOut"), 3, isWrite},
		"429":                {testenv.AzureAnswer(429, "TooManyRequests"), 3, isWrite},
		"half-closed":        {testenv.HalfClosed(), 2, isWrite},
		"slow":               {testenv.Slow(time.Millisecond), 0, isWrite},
		"lost answer":        {testenv.LostAnswer(), 1, isMaking},
		"all answers lost":   {testenv.LostAnswer(), 3, isWrite},
		"every second write": {testenv.Reset(), 0, everySecond},
	}
	for name, fault := range faults {
		for i, size := range []int{0, small, 64 << 10, large, 4 * (64 << 10), large, 7 * (64 << 10)} {
			pieces := []int{150_001, 10_001}[i/5]
			t.Run(fmt.Sprintf("%s of %d bytes in pieces of %d", name, size, pieces), func(t *testing.T) {
				u := newUnreliable(t, azurite)
				d, data := u.destination(t), content(size)
				u.fail(fault.Fault, fault.times, fault.match)
				object, err := storePieces(t, d, "object", data, pieces, providers.CreateOptions{})
				if err != nil || object.Size != int64(size) {
					t.Fatalf("the commit says %+v, %v", object, err)
				}
				u.Heal()
				expect(t, d, map[string][]byte{"object": data})
			})
		}
	}
}

// TestLostAnswerAndAbort gives an upload up whose object is there, without its knowing.
func TestLostAnswerAndAbort(t *testing.T) {
	azurite := testenv.Azurite(t)
	for _, size := range []int{small, large} {
		u := newUnreliable(t, azurite)
		d, data := u.destination(t), content(size)
		upload, err := d.Create(t.Context(), "object", providers.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := upload.Write(data); err != nil {
			t.Fatal(err)
		}
		down := false
		u.fail(busy(), 0, func(*http.Request) bool { return down })
		u.fail(testenv.LostAnswer(), 0, func(r *http.Request) bool { down = isMaking(r); return down })
		if _, err := upload.Commit(t.Context(), sums(data)); !errors.Is(err, providers.ErrTemporary) {
			t.Errorf("a commit whose outcome cannot be known: %v", err)
		}
		if err := upload.Abort(t.Context()); !errors.Is(err, providers.ErrTemporary) {
			t.Errorf("an abort while the store is down: %v", err)
		}
		u.Heal()
		expect(t, d, map[string][]byte{"object": data})
		if err := upload.Abort(t.Context()); err != nil {
			t.Error(err)
		}
		expect(t, d, nil)
	}
}

// TestAbortLeavesTheObjectOfAnother lets a stranger's object appear under the name while the upload goes on.
func TestAbortLeavesTheObjectOfAnother(t *testing.T) {
	u := newUnreliable(t, testenv.Azurite(t))
	for _, size := range []int{small, large} {
		for replace, want := range map[bool]error{false: providers.ErrExists, true: providers.ErrChanged} {
			d, data := u.destination(t), content(size)
			if replace {
				if _, err := store(t, d, "object", []byte("what was there"), providers.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			upload, err := d.Create(t.Context(), "object", providers.CreateOptions{Replace: replace})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := upload.Write(data); err != nil {
				t.Fatal(err)
			}
			if _, err := store(t, again(t, d).(*destination), "object", []byte("a stranger's"), providers.CreateOptions{Replace: replace}); err != nil {
				t.Fatal(err)
			}
			if _, err := upload.Commit(t.Context(), sums(data)); !errors.Is(err, want) {
				t.Errorf("committing over a stranger's object: %v, want %v", err, want)
			}
			if err := upload.Abort(t.Context()); err != nil {
				t.Error(err)
			}
			expect(t, d, map[string][]byte{"object": []byte("a stranger's")})
		}
	}
}

// TestBytesThatAreDamaged lets a bit flip on the way, and in what the store says of the object.
func TestBytesThatAreDamaged(t *testing.T) {
	u := newUnreliable(t, testenv.Azurite(t))
	for _, size := range []int{small, large} {
		d := u.destination(t)
		u.fail(testenv.AlteredBody(func(_ *http.Request, body []byte) {
			if len(body) > 0 {
				body[len(body)/2] ^= 1
			}
		}), 0, isWrite)
		if _, err := store(t, d, "object", content(size), providers.CreateOptions{}); err == nil {
			t.Error("damaged bytes were committed")
		}
		u.Heal()
		expect(t, d, nil)

		other := md5.Sum([]byte("other bytes"))
		u.fail(testenv.Altered(func(r *http.Response) {
			if r.StatusCode == http.StatusOK {
				r.Header.Set("Content-MD5", encode(other[:]))
			}
		}), 0, func(r *http.Request) bool { return r.Method == http.MethodHead })
		_, err := store(t, d, "object", content(size), providers.CreateOptions{})
		says(t, "an object with another sum", err, nil, "MD5", fmt.Sprintf("%x", other))
		u.Heal()
		expect(t, d, nil)
	}
}

// TestInterruptedDiscard stops clearing up between the making of the empty blob and its deletion.
func TestInterruptedDiscard(t *testing.T) {
	u := newUnreliable(t, testenv.Azurite(t))
	for name, resume := range map[string]func(*destination, providers.Upload) error{
		"the abort again": func(_ *destination, upload providers.Upload) error { return upload.Abort(t.Context()) },
		"the next process": func(d *destination, _ providers.Upload) error {
			left, err := d.Remnants(t.Context(), "")
			if err != nil || len(left) != 1 || left[0].Key != "object" {
				return fmt.Errorf("left: %+v, %w", left, err)
			}
			return d.RemoveRemnant(t.Context(), left[0])
		},
		"the next upload": func(d *destination, _ providers.Upload) error {
			object, err := store(t, d, "object", content(small), providers.CreateOptions{})
			return errors.Join(err, d.Delete(t.Context(), "object", object.Version))
		},
	} {
		d := u.destination(t)
		upload, err := d.Create(t.Context(), "object", providers.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := upload.Write(content(large)); err != nil {
			t.Fatal(err)
		}
		u.fail(busy(), 1, isDeletion)
		if err := upload.Abort(t.Context()); !errors.Is(err, providers.ErrTemporary) {
			t.Errorf("the abort: %v", err)
		}
		if _, err := d.Stat(t.Context(), "object"); !errors.Is(err, providers.ErrNotExist) {
			t.Errorf("Stat of the empty blob: %v", err)
		}
		if _, err := d.Open(t.Context(), "object"); !errors.Is(err, providers.ErrNotExist) {
			t.Errorf("Open of the empty blob: %v", err)
		}
		if err := d.List(t.Context(), "", func(o providers.Object) error { return fmt.Errorf("%s is listed", o.Key) }); err != nil {
			t.Error(err)
		}
		if err := resume(again(t, d).(*destination), upload); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		expect(t, d, nil)
	}
}

// TestUploadsToOneKey gives one of two uploads up: the blocks of the other must stay.
func TestUploadsToOneKey(t *testing.T) {
	u := newUnreliable(t, testenv.Azurite(t))
	d, data := u.destination(t), content(large)
	var uploads []providers.Upload
	for _, bytes := range [][]byte{slices.Repeat([]byte("x"), large), data} {
		upload, err := d.Create(t.Context(), "object", providers.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := upload.Write(bytes); err != nil {
			t.Fatal(err)
		}
		uploads = append(uploads, upload)
	}
	if err := uploads[0].Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := uploads[1].Commit(t.Context(), sums(data)); err != nil {
		t.Fatal(err)
	}
	expect(t, d, map[string][]byte{"object": data})
}

// TestReadingGoesOn reads an object over connections that break.
func TestReadingGoesOn(t *testing.T) {
	u := newUnreliable(t, testenv.Azurite(t))
	d, data := u.destination(t), content(large)
	if _, err := store(t, d, "object", data, providers.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	u.fail(testenv.Altered(func(r *http.Response) {
		if r.ContentLength > 1000 {
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.LimitReader(r.Body, 50_000), r.Body}
		}
	}), 2, func(r *http.Request) bool { return r.Method == http.MethodGet })
	reader, err := d.Open(t.Context(), "object")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if got, err := io.ReadAll(reader); err != nil || !bytes.Equal(got, data) || u.Hits() != 2 {
		t.Errorf("%d bytes, %v, %d cuts", len(got), err, u.Hits())
	}
}
