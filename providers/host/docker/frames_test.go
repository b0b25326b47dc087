package docker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// frame is one frame of the engine's format.
func frame(stream byte, text string) string {
	header := make([]byte, frameHeader)
	header[0] = stream
	binary.BigEndian.PutUint32(header[4:], uint32(len(text)))
	return string(header) + text
}

func TestDemultiplex(t *testing.T) {
	full := errors.New("full")
	both := frame(frameStdout, "one\n") + frame(frameStderr, "two\n") + frame(frameStdout, "") + frame(frameStdin, "three\n")
	for name, test := range map[string]struct {
		text    string
		out     string
		err     string
		failure string
	}{
		"nothing":         {"", "", "", ""},
		"both":            {both, "one\nthree\n", "two\n", ""},
		"cut header":      {both + "\x01\x00", "one\nthree\n", "two\n", "unexpected EOF"},
		"cut frame":       {frame(frameStdout, "one\n")[:10], "on", "", "unexpected EOF"},
		"no content":      {frame(frameStdout, "one\n")[:8], "", "", "unexpected EOF"},
		"the engine":      {frame(frameStdout, "one\n") + frame(frameEngine, "the disk is full"), "one\n", "", "the engine said: the disk is full"},
		"something else":  {frame(9, "x"), "", "", "no stream of a container (9)"},
		"a broken writer": {frame(frameStdout, "fail"), "", "", "full"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, err bytes.Buffer
			stdout := writerFunc(func(p []byte) (int, error) {
				if strings.Contains(string(p), "fail") {
					return 0, full
				}
				return out.Write(p)
			})
			failure := demultiplex(strings.NewReader(test.text), stdout, &err)
			if out.String() != test.out || err.String() != test.err {
				t.Errorf("got %q and %q", out.String(), err.String())
			}
			if (failure == nil) != (test.failure == "") || failure != nil && !strings.Contains(failure.Error(), test.failure) {
				t.Errorf("got %v, want %q", failure, test.failure)
			}
		})
	}
}

func FuzzDemultiplex(f *testing.F) {
	f.Add(frame(frameStdout, "one\n") + frame(frameStderr, "two\n"))
	f.Add(frame(frameEngine, "broken") + "\x01")
	f.Fuzz(func(t *testing.T, text string) {
		var out, err, slowOut, slowErr bytes.Buffer
		failure := demultiplex(strings.NewReader(text), &out, &err)
		slow := demultiplex(iotest.OneByteReader(strings.NewReader(text)), &slowOut, &slowErr)
		if out.String() != slowOut.String() || err.String() != slowErr.String() || (failure == nil) != (slow == nil) {
			t.Errorf("in one piece %q, %q, %v, byte by byte %q, %q, %v", out.String(), err.String(), failure, slowOut.String(), slowErr.String(), slow)
		}
		if out.Len()+err.Len() > len(text) {
			t.Error("there is more than there was")
		}
	})
}

func TestMarked(t *testing.T) {
	const mark = "imsctl:XY:"
	for name, test := range map[string]struct {
		text, plain string
		lines       []string
	}{
		"nothing":       {"", "", nil},
		"plain":         {"a\nb", "a\nb", nil},
		"a line":        {mark + "ready 7\n", "", []string{"ready 7"}},
		"between":       {"a" + mark + "ready 7\nb\n" + mark + "end 0 \n", "ab\n", []string{"ready 7", "end 0 "}},
		"nearly a mark": {"imsctl:imsctl:XY" + mark + "x\nimsctl:X", "imsctl:imsctl:XY", []string{"x"}},
		"twice":         {mark + "x\n" + mark + "y\n", "", []string{"x", "y"}},
	} {
		for _, size := range []int{1, 2, 3, 7, 1000} {
			var out bytes.Buffer
			var lines []string
			m := &marked{mark: []byte(mark), w: &out, line: func(line string) { lines = append(lines, line) }}
			if _, err := io.CopyBuffer(struct{ io.Writer }{m}, struct{ io.Reader }{strings.NewReader(test.text)}, make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			if out.String() != test.plain || strings.Join(lines, "|") != strings.Join(test.lines, "|") {
				t.Errorf("%s in pieces of %d: got %q and %q", name, size, out.String(), lines)
			}
		}
	}
}

func TestNothingIsKeptBack(t *testing.T) {
	var out bytes.Buffer
	m := &marked{mark: []byte("imsctl:XY:"), w: &out, line: func(string) {}}
	for _, text := range []string{"? ", "im", "sctl!", "imsctl:XX:"} {
		if _, err := io.WriteString(m, text); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(text, "im") {
			continue // it may be the beginning of the mark
		}
		if len(m.kept) > 0 {
			t.Errorf("after %q, %q is kept back", text, m.kept)
		}
	}
	if out.String() != "? imsctl!imsctl:XX:" {
		t.Errorf("got %q", out.String())
	}
}

func FuzzMarked(f *testing.F) {
	f.Add("aimsctl:XY:ready\nb", uint8(3))
	f.Fuzz(func(t *testing.T, text string, at uint8) {
		const mark = "imsctl:XY:"
		var whole, parts bytes.Buffer
		var linesWhole, linesParts []string
		one := &marked{mark: []byte(mark), w: &whole, line: func(line string) { linesWhole = append(linesWhole, line) }}
		two := &marked{mark: []byte(mark), w: &parts, line: func(line string) { linesParts = append(linesParts, line) }}
		cut := min(int(at), len(text))
		for _, piece := range []string{text[:cut], text[cut:]} {
			if _, err := io.WriteString(two, piece); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.WriteString(one, text); err != nil {
			t.Fatal(err)
		}
		if whole.String() != parts.String() || strings.Join(linesWhole, "|") != strings.Join(linesParts, "|") {
			t.Errorf("%q, %q in one piece, %q, %q in two", whole.String(), linesWhole, parts.String(), linesParts)
		}
	})
}
