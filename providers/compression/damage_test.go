package compression

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// A flipped bit either is found or was in a place that says nothing about the data, such as a time of day in a header.
func TestFlippedBits(t *testing.T) {
	// Each flip decompresses all of it.
	input := dump(20_000)
	for _, method := range formats() {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			codec := mustCodec(t, method, 1)
			stored := compress(t, codec, input)
			random := rand.New(rand.NewPCG(3, 4))
			harmless := 0
			const flips = 900
			for i := range flips {
				bit := random.IntN(len(stored) * 8)
				if i < 400 { // headers and trailers are where the decoders are weakest
					bit = i % 200
					if i >= 200 {
						bit = len(stored)*8 - 1 - bit
					}
				}
				damaged := bytes.Clone(stored)
				damaged[bit/8] ^= 1 << (bit % 8)
				got, err := decompress(codec, bytes.NewReader(damaged))
				switch {
				case err == nil && !bytes.Equal(got, input):
					t.Errorf("bit %d of byte %d: %d other bytes came out without an error", bit%8, bit/8, len(got))
				case err == nil:
					harmless++
				}
			}
			if harmless > flips/10 {
				t.Errorf("%d of %d flips changed nothing", harmless, flips)
			}
		})
	}
}

// Cuts are tried at every single place, of a file of one member and of one of two.
func TestTruncation(t *testing.T) {
	for _, method := range formats() {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			codec := mustCodec(t, method, 1)
			first := compress(t, codec, dump(1500))
			stored := append(bytes.Clone(first), compress(t, codec, dump(700))...)
			for cut := range len(stored) {
				got, err := decompress(codec, bytes.NewReader(stored[:cut]))
				if cut == len(first) {
					if err != nil || !bytes.Equal(got, dump(1500)) {
						t.Errorf("the first of two members alone: %d bytes, %v", len(got), err)
					}
					continue
				}
				if err == nil {
					t.Errorf("cut to %d of %d bytes: no error", cut, len(stored))
				}
			}
			got, err := decompress(codec, bytes.NewReader(stored))
			if err != nil || !bytes.Equal(got, append(dump(1500), dump(700)...)) {
				t.Errorf("both members: %d bytes, %v", len(got), err)
			}
		})
	}
}

// A name in the header of a later gzip member, cut in its middle.
func TestTruncationInAGzipName(t *testing.T) {
	codec := mustCodec(t, "gzip", 6)
	stored := compress(t, codec, []byte("first"))
	stored = append(stored, 0x1f, 0x8b, 8, 0x08, 0, 0, 0, 0, 0, 3, 'n', 'a', 'm')
	if got, err := decompress(codec, bytes.NewReader(stored)); err == nil {
		t.Errorf("%q came out without an error", got)
	}
}

func TestTrailingData(t *testing.T) {
	tails := map[string][]byte{
		"a byte": {1}, "a zero": {0}, "three zeros": {0, 0, 0}, "text": []byte("and more"), "noise": noise(5000),
		"half a gzip magic": {0x1f}, "half a bzip2 magic": {'B'}, "half a zstd magic": {0x28, 0xb5},
	}
	for _, method := range formats() {
		codec := mustCodec(t, method, 1)
		stored := compress(t, codec, dump(5000))
		for name, tail := range tails {
			if _, err := decompress(codec, bytes.NewReader(append(bytes.Clone(stored), tail...))); err == nil {
				t.Errorf("%s followed by %s: no error", method, name)
			}
		}
	}
}

// brokenReader gives its bytes and then an error that is not io.EOF.
type brokenReader struct {
	data io.Reader
	err  error
}

func (b *brokenReader) Read(p []byte) (int, error) {
	n, err := b.data.Read(p)
	if err == io.EOF {
		err = b.err
	}
	return n, err
}

// The error of a connection that breaks is passed on as it is, wherever it breaks, also behind the last byte: it is not
// damage, and it is not the end.
func TestInputErrors(t *testing.T) {
	for _, method := range []string{"none", "gzip", "zstd", "xz", "bzip2"} {
		level := 1
		if method == "none" {
			level = 0
		}
		codec := mustCodec(t, method, level)
		stored := compress(t, codec, dump(1000))
		for _, broken := range []error{io.ErrUnexpectedEOF, errors.New("connection reset")} {
			for cut := range len(stored) + 1 {
				_, err := decompress(codec, &brokenReader{data: bytes.NewReader(stored[:cut]), err: broken})
				if err != broken {
					t.Fatalf("%s: broken after %d of %d bytes with %v: %v", method, cut, len(stored), broken, err)
				}
			}
		}
	}
}

func TestEmptyInput(t *testing.T) {
	for _, method := range formats() {
		if _, err := decompress(mustCodec(t, method, 1), strings.NewReader("")); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: nothing at all gives %v", method, err)
		}
	}
	if got, err := decompress(mustCodec(t, "none", 0), strings.NewReader("")); err != nil || len(got) != 0 {
		t.Errorf("none: %v", err)
	}
}

// Files that would need a lot of memory are refused before any is used.
func TestDecoderLimits(t *testing.T) {
	// A frame header with a window of 2 GiB, then an empty last block.
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0, 0}
	if _, err := decompress(mustCodec(t, "zstd", 3), bytes.NewReader(frame)); err == nil || !strings.Contains(err.Error(), "window above 128 MiB") {
		t.Errorf("zstd: %v", err)
	}
	codec := mustCodec(t, "xz", 1)
	stored := compress(t, codec, []byte("x"))
	header := stored[12 : 12+(int(stored[12])+1)*4]
	i := bytes.Index(header, []byte{0x21, 1})
	header[i+2] = 40 // 4 GiB - 1
	sealXZHeader(header)
	if _, err := decompress(codec, bytes.NewReader(stored)); err == nil || !strings.Contains(err.Error(), "above the limit of 128 MiB") {
		t.Errorf("xz: %v", err)
	}
}

// A small file of a lot of nothing is handed out as it is read, and takes no more memory than another. How much of it is
// wanted is for the caller to say.
func TestBombs(t *testing.T) {
	zeros := make([]byte, 64<<20)
	for i := range 2 * len(formats()) {
		method := formats()[i/2]
		stored := tool(t, zeros, method, "-c", "-6")
		before := liveHeap()
		var input io.Reader = bytes.NewReader(stored)
		if i%2 == 1 {
			input = atRest{input}
		}
		reader, err := mustCodec(t, method, providers.DefaultLevel).NewReader(input)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.CopyN(io.Discard, reader, 10<<20); err != nil {
			t.Errorf("%s: %d bytes, %v", method, n, err)
		}
		if used := liveHeap() - before; used > 32<<20 {
			t.Errorf("%s: %d bytes use %d MiB", method, len(stored), used>>20)
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}
}
