package output

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
)

// overlapping notices two writes at once.
type overlapping struct {
	mu      sync.Mutex
	overlap bool
	bytes.Buffer
}

func (o *overlapping) Write(p []byte) (int, error) {
	if !o.mu.TryLock() {
		o.overlap = true
		return len(p), nil
	}
	defer o.mu.Unlock()
	return o.Buffer.Write(p)
}

func TestWriters(t *testing.T) {
	var one, two bytes.Buffer
	for name, test := range map[string]struct{ stdout, stderr, wantOut, wantErr io.Writer }{
		"both":        {&one, &two, &one, &two},
		"only output": {&one, nil, &one, io.Discard},
		"only errors": {nil, &two, io.Discard, &two},
		"none":        {nil, nil, io.Discard, io.Discard},
	} {
		if out, err := Writers(test.stdout, test.stderr); out != test.wantOut || err != test.wantErr {
			t.Errorf("%s: %v, %v", name, out, err)
		}
	}
	// Writers that cannot be compared are taken for different ones.
	if out, _ := Writers(uncomparable{}, uncomparable{}); out == nil {
		t.Error("no writer")
	}
}

type uncomparable []byte

func (uncomparable) Write(p []byte) (int, error) { return len(p), nil }

func TestCombinedOutputGetsOneWriteAtATime(t *testing.T) {
	target := new(overlapping)
	out, err := Writers(target, target)
	var writing sync.WaitGroup
	for _, w := range []io.Writer{out, err} {
		writing.Go(func() {
			for range 1_000 {
				if _, err := w.Write([]byte("x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	if target.overlap || target.Len() != 2_000 {
		t.Errorf("overlap %v, %d bytes", target.overlap, target.Len())
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	for _, pieces := range [][]string{
		{""},
		{"short"},
		{strings.Repeat("a", TailSize), "end"},
		{strings.Repeat("a", 3*TailSize) + "end"},
		{"begin", strings.Repeat("b", TailSize-1), "cd"},
	} {
		var tail Tail
		for _, piece := range pieces {
			if n, err := tail.Write([]byte(piece)); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		whole := strings.Join(pieces, "")
		if want := whole[max(0, len(whole)-TailSize):]; tail.String() != want {
			t.Errorf("%d bytes, want %d", len(tail.String()), len(want))
		}
	}
}
