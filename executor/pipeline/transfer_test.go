package pipeline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// stored makes a destination that holds a good object, and what is recorded of it.
func stored(t *testing.T, method string, data []byte) (*memory, state.Sums, state.Sums) {
	t.Helper()
	destination := newMemory()
	outcome, err := Run(t.Context(), job(t, method, pieces(data, 1<<20), destination))
	if err != nil {
		t.Fatal(err)
	}
	return destination, SumsOf(outcome.Stored), SumsOf(outcome.Raw)
}

// trouble is something that happens to an object or on the way from it.
type trouble struct {
	happens func(*memory)
	// altered: the object itself is not what was stored.
	altered bool
	is      error
	text    string
}

func troubles() map[string]trouble {
	reset := errors.New("connection reset by peer")
	change := func(alter func([]byte) []byte) func(*memory) {
		return func(m *memory) { m.objects[testKey] = alter(bytes.Clone(m.objects[testKey])) }
	}
	return map[string]trouble{
		"gone":                  {func(m *memory) { delete(m.objects, testKey) }, false, providers.ErrNotExist, "opening " + testKey},
		"empty":                 {change(func([]byte) []byte { return nil }), true, nil, "the stored bytes: 0 bytes, recorded are"},
		"cut":                   {change(func(b []byte) []byte { return b[:len(b)-1] }), true, nil, "the stored bytes: "},
		"cut early":             {change(func(b []byte) []byte { return b[:1000] }), true, nil, "the stored bytes: 1000 bytes, recorded are"},
		"longer":                {change(func(b []byte) []byte { return append(b, 0) }), true, nil, "the stored bytes: "},
		"much longer":           {change(func(b []byte) []byte { return append(b, b...) }), true, nil, "the stored bytes: "},
		"flipped first byte":    {change(func(b []byte) []byte { b[0] ^= 1; return b }), true, nil, "SHA-256"},
		"flipped byte":          {change(func(b []byte) []byte { b[len(b)/2] ^= 1; return b }), true, nil, "SHA-256"},
		"flipped last byte":     {change(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), true, nil, "SHA-256"},
		"another object":        {change(func([]byte) []byte { return noise(10) }), true, nil, "the stored bytes"},
		"a broken connection":   {func(m *memory) { m.cut, m.brokenWith = 5000, reset }, false, reset, "reading " + testKey},
		"broken at the end":     {func(m *memory) { m.brokenWith = io.ErrUnexpectedEOF }, false, io.ErrUnexpectedEOF, "reading " + testKey},
		"broken at the start":   {func(m *memory) { m.cut, m.brokenWith = 0, reset }, false, reset, "reading " + testKey},
		"ended early in secret": {func(m *memory) { m.cut = 5000 }, false, io.ErrUnexpectedEOF, "after 5000 of"},
	}
}

func TestVerify(t *testing.T) {
	data := dump(2 << 20)
	for _, method := range []string{"zstd", "gzip", "none"} {
		for name, trouble := range troubles() {
			t.Run(method+" "+name, func(t *testing.T) {
				watch(t)
				from, sums, raw := stored(t, method, data)
				verification := VerifyJob{From: Branch{Name: "a", Destination: from}, Key: testKey, Codec: codecOf(t, method), Stored: sums, Raw: raw}
				if err := Verify(t.Context(), verification); err != nil {
					t.Fatal(err)
				}
				trouble.happens(from)
				err := Verify(t.Context(), verification)
				says(t, err, trouble.is, trouble.text)
				if errors.Is(err, ErrAltered) != trouble.altered {
					t.Errorf("altered is %v, want %v: %v", !trouble.altered, trouble.altered, err)
				}
			})
		}
	}
}

// Bytes that are what was stored, but whose record of the content is another.
func TestVerifyOfContent(t *testing.T) {
	from, sums, raw := stored(t, "zstd", dump(1<<20))
	verification := VerifyJob{From: Branch{Destination: from}, Key: testKey, Codec: codecOf(t, "zstd"), Stored: sums, Raw: raw}
	for _, test := range []struct {
		change func(*VerifyJob)
		text   string
	}{
		{func(v *VerifyJob) { v.Raw.Size++ }, "the decompressed bytes: "},
		{func(v *VerifyJob) { v.Raw.Size-- }, "there is more than was stored"},
		{func(v *VerifyJob) { v.Raw.SHA256 = sums.SHA256 }, "the decompressed bytes: SHA-256"},
		{func(v *VerifyJob) { v.Codec = codecOf(t, "gzip") }, "do not decompress to what was backed up"},
	} {
		changed := verification
		test.change(&changed)
		says(t, Verify(t.Context(), changed), ErrAltered, test.text)
	}
	for _, change := range []func(*VerifyJob){
		func(v *VerifyJob) { v.Raw.SHA256 = "" }, func(v *VerifyJob) { v.Stored.SHA256 = "zz" }, func(v *VerifyJob) { v.Stored.Size = -1 },
	} {
		changed := verification
		change(&changed)
		if err := Verify(t.Context(), changed); err == nil || errors.Is(err, ErrAltered) {
			t.Errorf("a record that is none gives %v", err)
		}
	}
}

func TestOpen(t *testing.T) {
	data := dump(2 << 20)
	from, sums, raw := stored(t, "zstd", data)
	heard := &recorder{t: t}
	opening := VerifyJob{From: Branch{Destination: from}, Key: testKey, Codec: codecOf(t, "zstd"), Stored: sums, Raw: raw, Progress: heard}
	reader, err := Open(t.Context(), opening)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(reader)
	if err != nil || !bytes.Equal(got, data) || heard.raw != int64(len(data)) {
		t.Errorf("%d bytes, heard of %d, %v", len(got), heard.raw, err)
	}
	if n, err := reader.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("a read after the end gives %d, %v", n, err)
	}
	if err := errors.Join(reader.Close(), reader.Close()); err != nil {
		t.Error(err)
	}
	if _, err := reader.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("a read after Close gives %v", err)
	}

	opening.Progress = nil
	ctx, cancel := context.WithCancel(t.Context())
	reader, err = Open(ctx, opening)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(reader, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(reader); !errors.Is(err, context.Canceled) || errors.Is(err, ErrAltered) {
		t.Errorf("after an interrupt: %v", err)
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
}

// What is stored may be read ahead, encrypted or not. What a check reads may not: who writes it waits for the check.
func TestWhatMayBeReadAhead(t *testing.T) {
	for input, want := range map[io.Reader]bool{&storedReader{}: true, atRest{}: true, queueReader{}: false} {
		if _, is := input.(providers.Settled); is != want {
			t.Errorf("%T: %v", input, is)
		}
	}
	data := dump(3 << 20)
	for _, method := range []string{"xz", "bzip2"} {
		from, sums, raw := stored(t, method, data)
		opening := VerifyJob{From: Branch{Destination: from}, Key: testKey, Codec: codecOf(t, method), Stored: sums, Raw: raw}
		reader, err := Open(t.Context(), opening)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(reader); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", method, len(got), err)
		}
		opening.Raw.Size-- // a bomb, by what is recorded
		says(t, Verify(t.Context(), opening), ErrAltered, "there is more than was stored")
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCopy(t *testing.T) {
	data := dump(3 << 20)
	for name, trouble := range troubles() {
		t.Run(name, func(t *testing.T) {
			watch(t)
			from, sums, _ := stored(t, "zstd", data)
			to := newMemory()
			copying := CopyJob{From: from, To: Branch{Name: "b", Destination: to}, Key: testKey, Expected: sums}
			object, err := Copy(t.Context(), copying)
			if err != nil || object.Size != sums.Size || !bytes.Equal(to.object(), from.object()) {
				t.Fatal(object, err)
			}
			if _, err := Copy(t.Context(), copying); !errors.Is(err, providers.ErrExists) {
				t.Errorf("copying over an object gives %v", err)
			}
			copying.Replace = true
			to.objects[testKey] = []byte("damaged")
			if _, err := Copy(t.Context(), copying); err != nil || !bytes.Equal(to.object(), from.object()) {
				t.Errorf("replacing an object gives %v", err)
			}
			to.objects[testKey] = []byte("damaged")
			trouble.happens(from)
			_, err = Copy(t.Context(), copying)
			says(t, err, trouble.is, trouble.text)
			if errors.Is(err, ErrAltered) != trouble.altered {
				t.Errorf("altered is %v, want %v: %v", !trouble.altered, trouble.altered, err)
			}
			if string(to.object()) != "damaged" || to.unfinished() != 0 {
				t.Errorf("the target was changed: %d bytes, %d open uploads", len(to.object()), to.unfinished())
			}
		})
	}
}

func TestCopyToFaultyTargets(t *testing.T) {
	from, sums, _ := stored(t, "none", noise(13<<20))
	for name, fault := range faults() {
		t.Run(name, func(t *testing.T) {
			watch(t)
			to := newMemory()
			fault(to)
			_, err := Copy(t.Context(), CopyJob{From: from, To: Branch{Name: "b", Destination: to}, Key: testKey, Expected: sums})
			says(t, err, errBucket, "b: ")
			empty(t, to)
		})
	}
	for name, stall := range stalls() {
		if name == "the last write" {
			continue
		}
		bubble(t, "stalled in "+name, func(t *testing.T) {
			to := newMemory()
			stall(to)
			copying := CopyJob{From: from, To: Branch{Name: "b", Destination: to}, Key: testKey, Expected: sums, StallLimit: 50 * time.Millisecond}
			_, err := Copy(t.Context(), copying)
			says(t, err, ErrStalled, "b: ")
			empty(t, to)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			copying.StallLimit = time.Hour
			_, err = Copy(ctx, copying)
			says(t, err, context.DeadlineExceeded, "interrupted")
			empty(t, to)
		})
	}
}
