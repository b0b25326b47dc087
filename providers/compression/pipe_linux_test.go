package compression

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Where the system does not lend, here to a file that is no pipe, what is written is copied.
func TestLendingRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	to := newLender(file)
	data := dump(3 << 20)
	if n, err := to.Write(data); n != len(data) || err != nil {
		t.Error(n, err)
	}
	if n, err := to.Write(data[:100]); n != 100 || err != nil {
		t.Error(n, err)
	}
	if err := to.Close(); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, append(data, data[:100]...)) {
		t.Error(err)
	}
}

// Memory that is still to be read is not used, whatever is written meanwhile.
func TestLentMemoryIsKept(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	widen(writer, pipeSize)
	l := newLender(writer)
	first := dump(500_000)
	if _, err := l.Write(first); err != nil {
		t.Fatal(err)
	}
	// As if all of one half and of the other had been lent since.
	l.at, l.half, l.until = lentHalf, 1, [2]int64{l.sent, l.sent}
	if l.room() {
		t.Error("there is room in memory that nobody has read")
	}
	if _, err := l.Write(make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(first))
	if _, err := io.ReadFull(reader, got); err != nil || !bytes.Equal(got, first) {
		t.Error(err)
	}
	if !l.room() {
		t.Error("there is no room in memory that was read")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
