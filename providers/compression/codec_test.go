package compression

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/providers"
)

func TestNewCodec(t *testing.T) {
	tests := []struct {
		method    string
		level     int
		inForce   int
		extension string
		wrong     string
	}{
		{method: "gzip", level: providers.DefaultLevel, inForce: 6, extension: ".gz"},
		{method: "gzip", level: 9, inForce: 9, extension: ".gz"},
		{method: "zstd", level: providers.DefaultLevel, inForce: 1, extension: ".zst"},
		{method: "zstd", level: 22, inForce: 22, extension: ".zst"},
		{method: "xz", level: providers.DefaultLevel, inForce: 6, extension: ".xz"},
		{method: "bzip2", level: providers.DefaultLevel, inForce: 9, extension: ".bz2"},
		{method: "none", level: providers.DefaultLevel},
		{method: "none", level: 0},
		{method: "none", level: 3, wrong: "compression method none has no levels, but level 3 is given: leave the level out"},
		{method: "gzip", level: 0, wrong: "level 0 is out of range for gzip: choose 1 to 9, or leave it out for 6"},
		{method: "gzip", level: 10, wrong: "level 10 is out of range for gzip: choose 1 to 9"},
		{method: "zstd", level: 23, wrong: "level 23 is out of range for zstd: choose 1 to 22"},
		{method: "xz", level: -2, wrong: "level -2 is out of range for xz: choose 1 to 9"},
		{method: "bzip2", level: 0, wrong: "level 0 is out of range for bzip2: choose 1 to 9"},
		{method: "auto", level: providers.DefaultLevel, wrong: `"auto", which chooses by measuring the data, has no codec of its own: choose one of gzip, zstd, xz, bzip2, none`},
		{method: "gz", level: 6, wrong: `unknown compression method "gz" (did you mean "gzip"?): choose one of gzip, zstd, xz, bzip2, none`},
		{method: "zst", level: 6, wrong: `did you mean "zstd"?`},
		{method: "zsdt", level: 6, wrong: `did you mean "zstd"?`},
		{method: "bzip", level: 6, wrong: `did you mean "bzip2"?`},
		{method: "XZ", level: 6, wrong: `did you mean "xz"?`},
		{method: "lz4", level: 6, wrong: `unknown compression method "lz4": choose one of`},
		{method: "", level: 6, wrong: `unknown compression method "": choose one of`},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s %d", test.method, test.level), func(t *testing.T) {
			codec, err := NewCodec(test.method, test.level)
			if test.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), test.wrong) {
					t.Fatalf("error %v, want one with %q", err, test.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if codec.Method() != test.method || codec.Level() != test.inForce || codec.Extension() != test.extension {
				t.Errorf("got %s %d %q", codec.Method(), codec.Level(), codec.Extension())
			}
		})
	}
}

func TestProfiles(t *testing.T) {
	want := []Profile{{"maximum", "xz", 9}, {"balanced", "gzip", 6}, {"fast", "gzip", 1}}
	if diff := cmp.Diff(want, Profiles()); diff != "" {
		t.Error(diff)
	}
	for _, profile := range Profiles() {
		mustCodec(t, profile.Method, profile.Level)
		if profile.Name == Auto {
			t.Errorf("%s is a profile, but it is reserved", Auto)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	inputs := map[string][]byte{
		"empty":          {},
		"one byte":       {'x'},
		"incompressible": noise(300_000),
		"zeros":          make([]byte, 3<<20),
		"dump":           dump(2 << 20),
	}
	levels := map[string][]int{"gzip": {1, 6, 9}, "zstd": {1, 3, 7, 19}, "xz": {1, 6}, "bzip2": {1, 9}, "none": {0}}
	for method, list := range levels {
		for _, level := range list {
			codec := mustCodec(t, method, level)
			for name, input := range inputs {
				t.Run(fmt.Sprintf("%s %d %s", method, level, name), func(t *testing.T) {
					t.Parallel()
					stored := compress(t, codec, input)
					got, err := decompress(codec, bytes.NewReader(stored))
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(got, input) {
						t.Fatalf("%d bytes came back as %d others", len(input), len(got))
					}
				})
			}
		}
	}
}

func TestRoundTripOfLargeDump(t *testing.T) {
	input := dump(20 << 20)
	for _, method := range []string{"gzip", "zstd", "none"} {
		t.Run(method, func(t *testing.T) {
			codec := mustCodec(t, method, providers.DefaultLevel)
			stored := compress(t, codec, input)
			if method != "none" && len(stored) > len(input)*35/100 {
				t.Errorf("%d bytes are stored as %d", len(input), len(stored))
			}
			got, err := decompress(codec, bytes.NewReader(stored))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, input) {
				t.Fatal("other bytes came back")
			}
		})
	}
}

// A codec is shared; its writers and readers are not.
func TestConcurrentUse(t *testing.T) {
	for _, method := range formats() {
		codec := mustCodec(t, method, 1)
		for i := range 4 {
			t.Run(method, func(t *testing.T) {
				t.Parallel()
				input := dump(100_000 + i)
				got, err := decompress(codec, bytes.NewReader(compress(t, codec, input)))
				if err != nil || !bytes.Equal(got, input) {
					t.Fatalf("%d bytes, %v", len(got), err)
				}
			})
		}
	}
}

func TestReadsAfterTheEndAndAfterClose(t *testing.T) {
	for _, method := range append(formats(), "none") {
		codec := mustCodec(t, method, providers.DefaultLevel)
		reader, err := codec.NewReader(bytes.NewReader(compress(t, codec, []byte("abc"))))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(reader); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		if n, err := reader.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("%s: a read after the end gives %d, %v", method, n, err)
		}
		if err := reader.Close(); err != nil {
			t.Errorf("%s: %v", method, err)
		}
		if n, err := reader.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
			t.Errorf("%s: a read after Close gives %d, %v", method, n, err)
		}
		if err := reader.Close(); err != nil {
			t.Errorf("%s: the second Close: %v", method, err)
		}
	}
}
