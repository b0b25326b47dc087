package compression

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// dump returns n bytes that look like a database dump: the same for the same n.
func dump(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"created", "updated", "deleted", "purchase", "refund", "transfer", "count"}
	var buffer bytes.Buffer
	buffer.WriteString("-- PostgreSQL database dump\n")
	for i := 0; buffer.Len() < n; i++ {
		fmt.Fprintf(&buffer, "%d\t%d\t{\"event\": %q, \"item\": %d, \"price\": %d.%02d}\t2026-11-%02d %02d:%02d:%02d+00\n", i, random.IntN(5000),
			words[random.IntN(len(words))], random.IntN(20000), random.IntN(1000), random.IntN(100),
			1+random.IntN(28), random.IntN(24), random.IntN(60), random.IntN(60))
		if i%3 == 0 {
			fmt.Fprintf(&buffer, "%d\t%032x\tuser%d@example.com\tt\n", i, random.Uint64(), random.IntN(100000))
		}
	}
	return buffer.Bytes()[:n]
}

// noise returns n bytes that cannot be compressed.
func noise(n int) []byte {
	random := rand.NewChaCha8([32]byte{7})
	data := make([]byte, n)
	if _, err := random.Read(data); err != nil {
		panic(err)
	}
	return data
}

// formats are the methods that have a format of their own.
func formats() []string { return []string{"gzip", "zstd", "xz", "bzip2"} }

func mustCodec(t testing.TB, method string, level int) providers.Codec {
	t.Helper()
	codec, err := NewCodec(method, level)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// compress writes data in uneven pieces.
func compress(t testing.TB, codec providers.Codec, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	writer, err := codec.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1; len(data) > 0; size = (size*3 + 1) % 100_000 {
		piece := data[:min(size, len(data))]
		if n, err := writer.Write(piece); err != nil || n != len(piece) {
			t.Fatalf("Write of %d bytes: %d, %v", len(piece), n, err)
		}
		data = data[len(piece):]
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// decompress reads everything there is, once as it comes and once ahead: both must agree.
func decompress(codec providers.Codec, r io.Reader) ([]byte, error) {
	input, broken := io.ReadAll(r)
	again := func() io.Reader {
		if broken == nil {
			return bytes.NewReader(input)
		}
		return &brokenReader{data: bytes.NewReader(input), err: broken}
	}
	data, err := readAll(codec, again())
	ahead, other := readAll(codec, atRest{again()})
	switch {
	case (err == nil) != (other == nil), err == nil && !bytes.Equal(data, ahead), broken != nil && err != other:
		return data, fmt.Errorf("as it comes: %d bytes, %v; ahead: %d bytes, %v", len(data), err, len(ahead), other)
	case err != nil && errors.Is(err, io.ErrUnexpectedEOF) != errors.Is(other, io.ErrUnexpectedEOF):
		return data, fmt.Errorf("as it comes: %w, ahead: %v", err, other)
	}
	return data, err
}

// atRest is an input that may be read ahead.
type atRest struct{ io.Reader }

// Settled implements providers.Settled.
func (atRest) Settled() {}

func readAll(codec providers.Codec, r io.Reader) ([]byte, error) {
	reader, err := codec.NewReader(r)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(reader)
	if closing := reader.Close(); err == nil {
		err = closing
	}
	return data, err
}
