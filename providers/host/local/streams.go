package local

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"github.com/castrolanda/imsctl/providers"
)

// streams are the pipes of a command: our ends by name, theirs to be closed once the command has them.
type streams struct {
	stdin, stdout, stderr *os.File
	theirs                []*os.File
}

// connect makes the pipes a command needs. A stream nobody is interested in is the null device, except standard error,
// whose last words are always kept.
func connect(cmd *exec.Cmd, command providers.Command) (*streams, error) {
	s := &streams{}
	if command.Stdin != nil {
		theirs, ours, err := os.Pipe()
		if err != nil {
			return nil, s.giveUp(err)
		}
		cmd.Stdin, s.stdin = theirs, ours
		s.theirs = append(s.theirs, theirs)
	}
	if command.Stdout != nil {
		ours, theirs, err := os.Pipe()
		if err != nil {
			return nil, s.giveUp(err)
		}
		widen(ours)
		cmd.Stdout, s.stdout = theirs, ours
		s.theirs = append(s.theirs, theirs)
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, s.giveUp(err)
	}
	cmd.Stderr, s.stderr = theirs, ours
	s.theirs = append(s.theirs, theirs)
	return s, nil
}

func (s *streams) giveUp(err error) error {
	s.closeTheirs()
	s.closeOurs()
	return fmt.Errorf("making its pipes: %w", err)
}

func (s *streams) closeTheirs() {
	for _, file := range s.theirs {
		file.Close()
	}
}

func (s *streams) closeOurs() {
	for _, file := range []*os.File{s.stdin, s.stdout, s.stderr} {
		if file != nil {
			file.Close()
		}
	}
}

// serialised returns the two writers, with standard error discarded where nobody wants it. Where both are the same writer,
// as for a combined output, it gets one Write at a time.
func serialised(stdout, stderr io.Writer) (io.Writer, io.Writer) {
	if stderr == nil {
		return stdout, io.Discard
	}
	if same(stdout, stderr) {
		shared := &lockedWriter{w: stdout}
		return shared, shared
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
type tail struct{ bytes []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.bytes = append(t.bytes, p...)
	if excess := len(t.bytes) - tailSize; excess > 0 {
		t.bytes = append(t.bytes[:0], t.bytes[excess:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.bytes) }
