package ssh

import (
	"io"
	"sync"
)

// outputs are the writers for both outputs, io.Discard where nobody wants one. Where both are the same writer, as for a
// combined output, it gets one Write at a time.
func outputs(stdout, stderr io.Writer) (io.Writer, io.Writer) {
	switch {
	case stdout != nil && same(stdout, stderr):
		shared := &lockedWriter{w: stdout}
		return shared, shared
	case stdout == nil && stderr == nil:
		return io.Discard, io.Discard
	case stdout == nil:
		return io.Discard, stderr
	case stderr == nil:
		return stdout, io.Discard
	}
	return stdout, stderr
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

// tailSize is how much of a command's standard error is kept, in bytes.
const tailSize = 4 << 10

// tail keeps the last tailSize bytes that were written to it.
type tail struct {
	mu    sync.Mutex
	bytes []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes = append(t.bytes, p...)
	if excess := len(t.bytes) - tailSize; excess > 0 {
		t.bytes = append(t.bytes[:0], t.bytes[excess:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.bytes)
}
