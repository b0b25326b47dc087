// Package output has what hosts need for the output of the commands that they run.
package output

import (
	"io"
	"sync"
)

// Writers are the writers for standard output and standard error: io.Discard where nobody wants one. Where both are the same
// writer, as for a combined output, it gets one Write at a time.
func Writers(stdout, stderr io.Writer) (io.Writer, io.Writer) {
	if stdout != nil && same(stdout, stderr) {
		shared := &lockedWriter{w: stdout}
		return shared, shared
	}
	return orDiscard(stdout), orDiscard(stderr)
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

// same compares two writers; those of types that cannot be compared are different.
func same(a, b io.Writer) (equal bool) {
	defer func() {
		if recover() != nil {
			equal = false
		}
	}()
	return a == b
}

// lockedWriter serialises the writes to w.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// TailSize is how much a Tail keeps, in bytes.
const TailSize = 4 << 10

// Tail keeps the last TailSize bytes that were written to it. It is safe for concurrent use.
type Tail struct {
	mu    sync.Mutex
	bytes []byte
}

// Write implements io.Writer. It never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes = append(t.bytes, p...)
	if excess := len(t.bytes) - TailSize; excess > 0 {
		t.bytes = append(t.bytes[:0], t.bytes[excess:]...)
	}
	return len(p), nil
}

// String is what was kept.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.bytes)
}
