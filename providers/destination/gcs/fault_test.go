package gcs

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// small and large are sizes of objects that go in one request and in a session.
const small, large = 1000, 3*(256<<10) + 5

// content makes bytes that differ from chunk to chunk.
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

// begin begins an upload and writes data.
func begin(t *testing.T, d *destination, key string, data []byte, options providers.CreateOptions) (providers.Upload, error) {
	t.Helper()
	upload, err := d.Create(t.Context(), key, options)
	if err != nil {
		t.Fatal(err)
	}
	_, err = upload.Write(data)
	return upload, err
}

// commit commits again as long as the failure is temporary, as callers do.
func commit(t *testing.T, upload providers.Upload, data []byte) (object providers.Object, attempts int, err error) {
	for attempts = 1; attempts < 10; attempts++ {
		object, err = upload.Commit(t.Context(), sums(data))
		if !errors.Is(err, providers.ErrTemporary) {
			break
		}
	}
	return object, attempts, err
}

// put stores an object.
func put(t *testing.T, d *destination, key string, data []byte) providers.Object {
	t.Helper()
	upload, err := begin(t, d, key, data, providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	object, _, err := commit(t, upload, data)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// isChunk reports whether a request brings a part of a session, and isMaking whether it may make an object.
func isChunk(r *http.Request) bool { return r.URL.Query().Get("upload_id") != "" }

func isMaking(r *http.Request) bool {
	return r.URL.Query().Get("uploadType") == "multipart" || isChunk(r) && !strings.HasSuffix(r.Header.Get("Content-Range"), "/*")
}

// TestUploadsSurvive commits uploads whose requests fail for a while, and uploads whose answers are lost.
func TestUploadsSurvive(t *testing.T) {
	isUpload := func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/upload") }
	for name, fault := range map[string]struct {
		testenv.Fault
		times int
		match func(*http.Request) bool
	}{
		"reset":          {testenv.Reset(), 3, isUpload},
		"reset mid-body": {testenv.ResetMidBody(), 3, isUpload},
		"503":            {testenv.GCSAnswer(503, "backendError", "Service Unavailable"), 3, isUpload},
		"429":            {testenv.GCSAnswer(429, "rateLimitExceeded", "slow down"), 3, isUpload},
		// The client does not count this one as temporary within a session.
		"403 for haste":               {testenv.GCSAnswer(403, "rateLimitExceeded", "too many requests"), 3, func(r *http.Request) bool { return isUpload(r) && !isSession(r) }},
		"half-closed":                 {testenv.HalfClosed(), 2, isUpload},
		"slow":                        {testenv.Slow(time.Millisecond), 0, isUpload},
		"lost answer":                 {testenv.LostAnswer(), 1, isMaking},
		"cut answer":                  {testenv.CutAnswer(), 1, isMaking},
		"reset of every second chunk": {testenv.ResetMidBody(), 0, everySecond(isChunk)},
	} {
		for _, size := range []int{0, small, large} {
			t.Run(fmt.Sprintf("%s of %d bytes", name, size), func(t *testing.T) {
				s, data := newStrict(t), content(size)
				s.fail(fault.Fault, fault.times, fault.match)
				d := s.destination(t)
				object := put(t, d, "object", data)
				if object.Size != int64(size) || *object.CRC32C != sums(data).CRC32C {
					t.Errorf("the commit says %+v", object)
				}
				there, err := s.Get(d.prefix + "object")
				if err != nil || !bytes.Equal(there.Data, data) || s.Made() != 1 {
					t.Errorf("the store has %q and made %d: %v", s.Names(), s.Made(), err)
				}
			})
		}
	}
}

// isSession reports whether a request begins a session or belongs to one.
func isSession(r *http.Request) bool { return r.URL.Query().Get("uploadType") == "resumable" }

// everySecond picks the first of the requests that match, the third, and so on.
func everySecond(match func(*http.Request) bool) func(*http.Request) bool {
	count := 0
	return func(r *http.Request) bool {
		if !match(r) {
			return false
		}
		count++
		return count%2 == 1
	}
}

// TestLostAnswerAndAbort gives an upload up whose object is there, without its knowing.
func TestLostAnswerAndAbort(t *testing.T) {
	for _, size := range []int{small, large} {
		s := newStrict(t)
		d := s.destination(t)
		d.patience = time.Second
		upload, err := begin(t, d, "object", content(size), providers.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s.fail(testenv.GCSAnswer(503, "", "down"), 0, func(*http.Request) bool { return len(s.Names()) > 0 })
		s.fail(testenv.LostAnswer(), 0, isMaking)
		if _, err := upload.Commit(t.Context(), sums(content(size))); !errors.Is(err, providers.ErrTemporary) {
			t.Errorf("a commit whose outcome cannot be known: %v", err)
		}
		if len(s.Names()) != 1 {
			t.Fatal("there is no object")
		}
		if err := upload.Abort(t.Context()); !errors.Is(err, providers.ErrTemporary) {
			t.Errorf("an abort while the store is down: %v", err)
		}
		s.proxy.Heal()
		if err := upload.Abort(t.Context()); err != nil {
			t.Error(err)
		}
		if left := s.Names(); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
	}
}

// TestAbortLeavesTheObjectOfAnother lets a stranger's object appear under the name while the upload goes on.
func TestAbortLeavesTheObjectOfAnother(t *testing.T) {
	for _, size := range []int{small, large} {
		for _, replace := range []bool{false, true} {
			s := newStrict(t)
			upload, err := begin(t, s.destination(t), "object", content(size), providers.CreateOptions{Replace: replace})
			if err != nil {
				t.Fatal(err)
			}
			put(t, s.destination(t), "object", []byte("a stranger's"))
			want := map[bool]error{false: providers.ErrExists, true: providers.ErrChanged}[replace]
			if _, _, err := commit(t, upload, content(size)); !errors.Is(err, want) {
				t.Errorf("committing over a stranger's object: %v, want %v", err, want)
			}
			if err := upload.Abort(t.Context()); err != nil {
				t.Error(err)
			}
			if there, err := s.Get("a prefix/ção/object"); err != nil || string(there.Data) != "a stranger's" {
				t.Error("the stranger's object was touched")
			}
		}
	}
}

// TestSessionThatFailsForLong gives up where the store refuses a chunk for longer than the patience lasts.
func TestSessionThatFailsForLong(t *testing.T) {
	s := newStrict(t)
	d := s.destination(t)
	d.patience = time.Second
	s.fail(testenv.GCSAnswer(503, "backendError", "Service Unavailable"), 0, isChunk)
	upload, err := begin(t, d, "object", content(large), providers.CreateOptions{})
	if err == nil {
		_, err = upload.Commit(t.Context(), sums(content(large)))
	}
	if err == nil || errors.Is(err, providers.ErrTemporary) || !strings.Contains(err.Error(), "503") {
		t.Errorf("got %v", err)
	}
	if err := upload.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	if strings.Contains(fmt.Sprint(err), "secret-session") {
		t.Errorf("the error shows the session: %v", err)
	}
}

// TestStoreThatAltersBytes removes an object that is not what was written.
func TestStoreThatAltersBytes(t *testing.T) {
	for _, size := range []int{small, large} {
		s := newStrict(t)
		s.Corrupt(func(data []byte) { data[len(data)/2] ^= 1 })
		upload, err := begin(t, s.destination(t), "object", content(size), providers.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := commit(t, upload, content(size)); err == nil || !strings.Contains(err.Error(), "CRC-32C") {
			t.Errorf("got %v", err)
		}
		if left := s.Names(); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
	}
}
