package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

func TestRun(t *testing.T) {
	inputs := map[string][]byte{"small": dump(100), "one chunk": noise(chunkSize - len(testHeader) - len(testMarker)), "large": dump(6 << 20)}
	for _, method := range []string{"zstd", "gzip", "none", "bzip2"} {
		for name, data := range inputs {
			for _, size := range []int{1 << 20, 4096, 333} {
				if method == "bzip2" && len(data) > 1<<20 {
					continue // nothing is different but the time it takes
				}
				t.Run(fmt.Sprintf("%s %s %d", method, name, size), func(t *testing.T) {
					watch(t)
					one, two := newMemory(), newMemory()
					outcome, err := Run(t.Context(), job(t, method, pieces(data, size), one, two))
					if err != nil {
						t.Fatal(err)
					}
					for i, destination := range []*memory{one, two} {
						holds(t, destination, codecOf(t, method), data)
						if b := outcome.Branches[i]; b.Err != nil || b.Name != fmt.Sprintf("destination.%d", i) || b.Object.Size != outcome.Stored.Size {
							t.Errorf("branch %d: %+v", i, b)
						}
					}
					if outcome.Raw.Size != int64(len(data)) || outcome.Raw.SHA256 != sha256.Sum256(data) {
						t.Errorf("raw: %+v", outcome.Raw)
					}
					if stored := one.object(); outcome.Stored.Size != int64(len(stored)) || outcome.Stored.SHA256 != sha256.Sum256(stored) {
						t.Errorf("stored: %+v", outcome.Stored)
					}
					if outcome.StartedAt.IsZero() || outcome.EndedAt.IsZero() || outcome.Reading.Versions["run"] != "imsctl-test" {
						t.Errorf("%+v", outcome)
					}
				})
			}
		}
	}
}

// Sources that are not whole, each in its own way: nothing may be stored.
func TestIncompleteSources(t *testing.T) {
	whole := noise(3 << 20)
	crashed := errors.New("pg_dump: exit status 1")
	tests := map[string]struct {
		read   func(ctx context.Context, w io.Writer) error
		target error
		text   string
	}{
		"an error after some bytes": {func(ctx context.Context, w io.Writer) error {
			return errors.Join(writePieces(ctx, w, whole[:1<<20], 5000), crashed)
		}, crashed, "reading the source: pg_dump"},
		"an error after everything": {func(ctx context.Context, w io.Writer) error {
			return errors.Join(writePieces(ctx, w, whole, 5000), crashed)
		}, crashed, "reading the source"},
		"an error before anything": {func(context.Context, io.Writer) error { return crashed }, crashed, "reading the source"},
		"nothing at all":           {func(context.Context, io.Writer) error { return nil }, ErrIncomplete, "it wrote nothing at all"},
		"cut without an error": {func(ctx context.Context, w io.Writer) error {
			return writePieces(ctx, w, whole[:2<<20], 5000)
		}, ErrIncomplete, "has no end marker"},
		"the marker cut by one byte": {func(ctx context.Context, w io.Writer) error {
			return writePieces(ctx, w, whole[:len(whole)-1], 5000)
		}, ErrIncomplete, "has no end marker"},
		"the marker too early": {func(ctx context.Context, w io.Writer) error {
			return writePieces(ctx, w, append(bytes.Clone(whole), make([]byte, providers.TrailerWindow)...), 5000)
		}, ErrIncomplete, "has no end marker"},
		"another beginning": {func(ctx context.Context, w io.Writer) error {
			return writePieces(ctx, w, append([]byte("OCI runtime exec failed"), whole[len(testHeader):]...), 5000)
		}, ErrIncomplete, "does not begin as one"},
		"the beginning too late": {func(ctx context.Context, w io.Writer) error {
			return writePieces(ctx, w, append(make([]byte, providers.HeaderWindow), whole...), 5000)
		}, ErrIncomplete, "does not begin as one"},
		"a short one with another beginning": {func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, "hello")
			return err
		}, ErrIncomplete, "does not begin as one"},
		"a source that does not mind errors": {func(_ context.Context, w io.Writer) error {
			for range 10 {
				_, _ = w.Write(make([]byte, chunkSize))
			}
			return nil
		}, ErrIncomplete, "does not begin as one"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			watch(t)
			one, two := newMemory(), newMemory()
			_, err := Run(t.Context(), job(t, "zstd", source{dumpFormat(), test.read}, one, two))
			says(t, err, test.target, test.text)
			empty(t, one, two)
		})
	}
}

// The marker is found wherever the chunks and the source's pieces cut it, also with a line behind it.
func TestMarkerAcrossBorders(t *testing.T) {
	watch(t)
	body := bytes.Repeat([]byte("row\n"), chunkSize/4)
	for shift := range len(testMarker) + 2 {
		for _, tail := range []string{"", "\n--\n\n\\unrestrict 5Vx2\n", strings.Repeat("x", providers.TrailerWindow-len(testMarker))} {
			data := append([]byte(testHeader), body[:chunkSize-len(testHeader)-shift]...)
			data = append(data, testMarker+tail...)
			destination := newMemory()
			if _, err := Run(t.Context(), job(t, "none", pieces(data, 7919), destination)); err != nil {
				t.Fatalf("marker %d bytes before the border, %d bytes behind it: %v", shift, len(tail), err)
			}
			holds(t, destination, codecOf(t, "none"), data)
		}
	}
}

// A format without marks says nothing about its content, so nothing is a content too.
func TestFormatWithoutMarks(t *testing.T) {
	for _, data := range []string{"", "x"} {
		destination := newMemory()
		from := source{providers.Format{Extension: ".log"}, func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, data)
			return err
		}}
		if _, err := Run(t.Context(), job(t, "gzip", from, destination)); err != nil {
			t.Fatal(err)
		}
		holds(t, destination, codecOf(t, "gzip"), []byte(data))
	}
}

func TestRunWithoutDestinations(t *testing.T) {
	_, err := Run(t.Context(), job(t, "zstd", pieces(dump(10), 10)))
	says(t, err, nil, "no destination")
}

// faultyCodec is a codec that does not do what it should.
type faultyCodec struct {
	providers.Codec
	// alter changes what is written at the n-th write of the compressed stream.
	alter func(n int, p []byte) []byte
	// fail makes the n-th write of the raw stream fail.
	fail func(n int) error
	// drop leaves raw writes out in silence.
	drop func(n int) bool
	// begin and read fail at the beginning.
	begin, read error
}

func (f faultyCodec) NewReader(r io.Reader) (io.ReadCloser, error) {
	if f.read != nil {
		return nil, f.read
	}
	return f.Codec.NewReader(r)
}

func (f faultyCodec) NewWriter(w io.Writer) (io.WriteCloser, error) {
	if f.begin != nil {
		return nil, f.begin
	}
	inner, err := f.Codec.NewWriter(&alteringWriter{w: w, alter: f.alter})
	return &faultyWriter{inner: inner, codec: f}, err
}

type alteringWriter struct {
	w     io.Writer
	n     int
	alter func(int, []byte) []byte
}

func (a *alteringWriter) Write(p []byte) (int, error) {
	a.n++
	if a.alter == nil {
		return a.w.Write(p)
	}
	_, err := a.w.Write(a.alter(a.n, bytes.Clone(p)))
	return len(p), err
}

type faultyWriter struct {
	inner io.WriteCloser
	codec faultyCodec
	n     int
}

func (f *faultyWriter) Write(p []byte) (int, error) {
	f.n++
	if f.codec.fail != nil {
		if err := f.codec.fail(f.n); err != nil {
			return 0, err
		}
	}
	if f.codec.drop != nil && f.codec.drop(f.n) {
		return len(p), nil
	}
	return f.inner.Write(p)
}

func (f *faultyWriter) Close() error { return f.inner.Close() }

func TestFaultyCodecs(t *testing.T) {
	broken := errors.New("out of memory")
	flip := func(at int) func(int, []byte) []byte {
		return func(n int, p []byte) []byte {
			if n == at {
				p[len(p)/2] ^= 4
			}
			return p
		}
	}
	tests := map[string]struct {
		method string
		codec  faultyCodec
		target error
		text   string
	}{
		"cannot begin":                  {"zstd", faultyCodec{begin: broken}, broken, "compressing with zstd: out of memory"},
		"fails on the way":              {"zstd", faultyCodec{fail: func(n int) error { return map[int]error{5: broken}[n] }}, broken, "compressing with zstd"},
		"flips a bit early":             {"zstd", faultyCodec{alter: flip(2)}, ErrNotReproduced, "does not decompress to what was read"},
		"flips a bit late":              {"zstd", faultyCodec{alter: flip(40)}, ErrNotReproduced, "does not decompress to what was read"},
		"flips a bit, gzip":             {"gzip", faultyCodec{alter: flip(3)}, ErrNotReproduced, ""},
		"flips a bit, none":             {"none", faultyCodec{alter: flip(3)}, ErrNotReproduced, ""},
		"loses a piece":                 {"zstd", faultyCodec{drop: func(n int) bool { return n == 4 }}, ErrNotReproduced, "SHA-256"},
		"loses everything":              {"zstd", faultyCodec{drop: func(int) bool { return true }}, ErrNotReproduced, "became 0 bytes"},
		"writes a part of the end":      {"zstd", faultyCodec{alter: func(_ int, p []byte) []byte { return p[:len(p)-len(p)/100] }}, ErrNotReproduced, ""},
		"cannot begin to decompress":    {"zstd", faultyCodec{read: broken}, broken, "does not decompress"},
		"writes something after itself": {"gzip", faultyCodec{alter: func(_ int, p []byte) []byte { return append(p, 0) }}, ErrNotReproduced, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			watch(t)
			one, two := newMemory(), newMemory()
			j := job(t, test.method, pieces(noise(8<<20), 100_000), one, two)
			test.codec.Codec = j.Codec
			j.Codec = test.codec
			_, err := Run(t.Context(), j)
			says(t, err, test.target, test.text)
			empty(t, one, two)
		})
	}
}
