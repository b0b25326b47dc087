package compression

import (
	"bytes"
	"io"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// fuzzReader feeds a method's reader with whatever comes. It must end, keep its last word and agree with itself when it
// reads from a source that gives one byte at a time.
func fuzzReader(f *testing.F, method string) {
	codec := mustCodec(f, method, 1)
	for _, input := range [][]byte{{}, {'x'}, dump(2000), noise(500)} {
		stored := compress(f, codec, input)
		f.Add(stored)
		f.Add(stored[:len(stored)/2])
		f.Add(append(bytes.Clone(stored), stored...))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 8 << 20
		once := func(r io.Reader) ([]byte, error) {
			reader, err := codec.NewReader(r)
			if err != nil {
				return nil, err
			}
			got, err := io.ReadAll(io.LimitReader(reader, most))
			if len(got) < most {
				if _, again := reader.Read(make([]byte, 1)); again != err && !(err == nil && again == io.EOF) {
					t.Errorf("the reader says %v, then %v", err, again)
				}
			}
			if closing := reader.Close(); closing != nil {
				t.Error(closing)
			}
			return got, err
		}
		got, err := once(bytes.NewReader(data))
		slow, slowErr := once(oneByte{bytes.NewReader(data)})
		if (err == nil) != (slowErr == nil) || err == nil && !bytes.Equal(got, slow) {
			t.Errorf("read at once: %d bytes, %v; byte by byte: %d bytes, %v", len(got), err, len(slow), slowErr)
		}
		ahead, aheadErr := once(atRest{bytes.NewReader(data)})
		if (err == nil) != (aheadErr == nil) || err == nil && !bytes.Equal(got, ahead) {
			t.Errorf("read at once: %d bytes, %v; ahead: %d bytes, %v", len(got), err, len(ahead), aheadErr)
		}
	})
}

// oneByte gives one byte at a time.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

func FuzzGzipReader(f *testing.F)  { fuzzReader(f, "gzip") }
func FuzzZstdReader(f *testing.F)  { fuzzReader(f, "zstd") }
func FuzzXZReader(f *testing.F)    { fuzzReader(f, "xz") }
func FuzzBzip2Reader(f *testing.F) { fuzzReader(f, "bzip2") }

// FuzzXZBlockHeader goes past the checksum, behind which FuzzXZReader hardly gets.
func FuzzXZBlockHeader(f *testing.F) {
	f.Add([]byte{2, 0, 0x21, 1, 22, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{3, 0xC0, 0x80, 0x01, 0x05, 0x21, 1, 22, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, header []byte) {
		if len(header) < 8 || len(header) > 1024 || len(header)%4 != 0 {
			return
		}
		sealXZHeader(header)
		parsed, err := parseXZBlockHeader(header)
		if err == nil && (parsed.dictionary < 4096 || parsed.dictionary > xzDecoderDictionary || parsed.compressed < -1 || parsed.uncompressed < -1) {
			t.Errorf("%+v", parsed)
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("some text, some text"), uint8(0))
	f.Add([]byte{}, uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		codec := mustCodec(t, formats()[int(which)%len(formats())], providers.DefaultLevel)
		got, err := decompress(codec, bytes.NewReader(compress(t, codec, data)))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes came back as %d, %v", codec.Method(), len(data), len(got), err)
		}
	})
}

// FuzzTools lets the reference tools read what is written here, and reads what they write.
func FuzzTools(f *testing.F) {
	for which := range formats() {
		f.Add([]byte("some text, some text"), uint8(which))
		f.Add(dump(5000), uint8(which))
		f.Add(noise(5000), uint8(which))
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		method := formats()[int(which)%len(formats())]
		for _, codec := range []*codec{{method: smallMethod(method, newTool(method)), level: 1}, {method: smallMethod(method, noProgram()), level: 1}} {
			if got := tool(t, compress(t, codec, data), method, "-dc"); !bytes.Equal(got, data) {
				t.Errorf("%s reads %d bytes as %d others", method, len(data), len(got))
			}
			got, err := decompress(codec, bytes.NewReader(tool(t, data, method, "-c")))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %d bytes are read as %d, %v", method, len(data), len(got), err)
			}
		}
	})
}
