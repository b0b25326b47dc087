package compression

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
)

// lent makes a pipe that is written to as that of a program is.
func lent(t *testing.T, size int) (io.WriteCloser, *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	widen(writer, size)
	return newLender(writer), reader
}

// What is lent to a pipe is not written over before it has been read: by a reader that waits for the pipe to be full, by one that takes
// little at a time, and with pieces of all sizes among each other.
func TestLentMemory(t *testing.T) {
	data := dump(9 << 20)
	for name, pieces := range map[string][]int{
		"large": {3 << 20}, "chunks": {256 << 10}, "small": {100, 4000}, "mixed": {1 << 20, 10, 70_000, 32 << 10, 4096, 31 << 10, 2<<20 + 1},
	} {
		for take, least := range map[int]int{4096: 0, 128 << 10: 0, 1 << 20: 1 << 20, 3 << 20: 1 << 20} {
			t.Run(name, func(t *testing.T) {
				to, from := lent(t, pipeSize)
				written := make(chan error, 1)
				go func() {
					var err error
					rest := data
					for i := 0; len(rest) > 0 && err == nil; i++ {
						n := min(len(rest), pieces[i%len(pieces)])
						_, err = to.Write(rest[:n])
						rest = rest[n:]
					}
					written <- errors.Join(err, to.Close())
				}()
				var got bytes.Buffer
				buffer := make([]byte, take)
				for {
					n, err := io.ReadAtLeast(from, buffer, max(1, min(least, take)))
					got.Write(buffer[:n])
					if err != nil {
						break
					}
				}
				if err := errors.Join(<-written, from.Close()); err != nil {
					t.Error(err)
				}
				if !bytes.Equal(got.Bytes(), data) {
					t.Error("other bytes came out")
				}
			})
		}
	}
}

// Nobody who reads is the error of a write, also of one that waits for room.
func TestLendingToNobody(t *testing.T) {
	to, from := lent(t, pipeSize)
	result := make(chan error)
	go func() {
		_, err := to.Write(make([]byte, 8<<20))
		result <- err
	}()
	if _, err := io.ReadFull(from, make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	if err := from.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, syscall.EPIPE) {
		t.Error(err)
	}
	if _, err := to.Write(make([]byte, 1<<20)); !errors.Is(err, syscall.EPIPE) {
		t.Error(err)
	}
	if err := to.Close(); err != nil {
		t.Error(err)
	}
}
