package compression

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// tool runs a program over data.
func tool(t *testing.T, data []byte, name string, arguments ...string) []byte {
	t.Helper()
	command := exec.Command(testenv.Need(t, name), arguments...)
	command.Stdin = bytes.NewReader(data)
	var out, complaint bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaint
	if err := command.Run(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(arguments, " "), err, complaint.String())
	}
	return out.Bytes()
}

func TestReferenceToolsReadOurs(t *testing.T) {
	inputs := map[string][]byte{"empty": {}, "one byte": {'x'}, "noise": noise(200_000), "dump": dump(500_000)}
	levels := map[string][]int{"gzip": {1, 6, 9}, "zstd": {1, 3, 22}, "xz": {1, 6, 9}, "bzip2": {1, 9}}
	for method, list := range levels {
		for _, level := range list {
			for name, input := range inputs {
				stored := compress(t, mustCodec(t, method, level), input)
				if got := tool(t, stored, method, "-dc"); !bytes.Equal(got, input) {
					t.Errorf("%s -d of %s at level %d: other bytes", method, name, level)
				}
				tool(t, stored, method, "-t")
			}
		}
	}
}

func TestWeReadReferenceTools(t *testing.T) {
	tests := []struct{ method, arguments string }{
		{"gzip", "-1"}, {"gzip", "-9"}, {"gzip", "--rsyncable"},
		{"zstd", "-1"}, {"zstd", "-3"}, {"zstd", "-19"}, {"zstd", "--ultra -22"}, {"zstd", "--long=27"}, {"zstd", "--no-check"},
		{"zstd", "-T2 -3"}, {"zstd", "--fast=5"},
		{"xz", "-0"}, {"xz", "-6"}, {"xz", "-9e"}, {"xz", "-T2 --block-size=100KiB"}, {"xz", "--check=crc32"}, {"xz", "--check=sha256"},
		{"xz", "--check=none"}, {"xz", "--block-size=64KiB"},
		{"bzip2", "-1"}, {"bzip2", "-9"},
	}
	inputs := map[string][]byte{"empty": {}, "one byte": {'x'}, "noise": noise(150_000), "dump": dump(400_000)}
	for _, test := range tests {
		t.Run(test.method+" "+test.arguments, func(t *testing.T) {
			codec := mustCodec(t, test.method, providers.DefaultLevel)
			for name, input := range inputs {
				stored := tool(t, input, test.method, append(strings.Fields(test.arguments), "-c")...)
				got, err := decompress(codec, bytes.NewReader(stored))
				if err != nil || !bytes.Equal(got, input) {
					t.Errorf("%s: %d bytes, %v", name, len(got), err)
				}
			}
		})
	}
}

// Files that are put behind each other are one file in all four formats.
func TestConcatenatedMembers(t *testing.T) {
	first, second := dump(300_000), noise(1000)
	for _, method := range formats() {
		codec := mustCodec(t, method, providers.DefaultLevel)
		stored := tool(t, first, method, "-c")
		stored = append(stored, compress(t, codec, second)...)
		stored = append(stored, tool(t, nil, method, "-c")...)
		got, err := decompress(codec, bytes.NewReader(stored))
		if err != nil || !bytes.Equal(got, append(bytes.Clone(first), second...)) {
			t.Errorf("%s: %d bytes, %v", method, len(got), err)
		}
		if got := tool(t, stored, method, "-dc"); len(got) != len(first)+len(second) {
			t.Errorf("%s -d: %d bytes", method, len(got))
		}
	}
}

// Zeros between and behind xz streams, four at a time, are a part of the format.
func TestXZStreamPadding(t *testing.T) {
	codec := mustCodec(t, "xz", 1)
	stored := compress(t, codec, []byte("one"))
	stored = append(stored, make([]byte, 8)...)
	stored = append(stored, compress(t, codec, []byte("two"))...)
	stored = append(stored, make([]byte, 4)...)
	got, err := decompress(codec, bytes.NewReader(stored))
	if err != nil || string(got) != "onetwo" {
		t.Errorf("%q, %v", got, err)
	}
	if got := tool(t, stored, "xz", "-dc"); string(got) != "onetwo" {
		t.Errorf("xz -d: %q", got)
	}
}

// Every cut of a file of many blocks is found, those between blocks too.
func TestTruncationOfXZBlocks(t *testing.T) {
	stored := tool(t, dump(5000), "xz", "-c", "--lzma2=preset=0,dict=4KiB", "--block-size=1KiB")
	codec := mustCodec(t, "xz", 1)
	for cut := range len(stored) {
		if _, err := decompress(codec, bytes.NewReader(stored[:cut])); err == nil {
			t.Errorf("cut to %d of %d bytes: no error", cut, len(stored))
		}
	}
}

// Whoever asks for a level gets what they know it to give.
func TestGzipLevels(t *testing.T) {
	input := dump(3 << 20)
	for level := 1; level <= 9; level++ {
		ours, theirs := len(compress(t, mustCodec(t, "gzip", level), input)), len(tool(t, input, "gzip", fmt.Sprintf("-%d", level), "-c"))
		if ours > theirs+theirs/100 {
			t.Errorf("level %d: %d bytes, gzip writes %d", level, ours, theirs)
		}
	}
}

// The levels whose parameters are ours too.
func TestZstdLevels(t *testing.T) {
	input := dump(zstdAlone + 2<<20)
	for _, level := range []int{3, 5, 9} {
		ours, theirs := len(compress(t, mustCodec(t, "zstd", level), input)), len(tool(t, input, "zstd", fmt.Sprintf("-%d", level), "-q", "-c"))
		if ours > theirs+theirs/100 {
			t.Errorf("level %d: %d bytes, zstd writes %d", level, ours, theirs)
		}
	}
}
