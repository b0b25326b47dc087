package compression

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// readBuffer is how much of the compressed input is read at once, in bytes.
const readBuffer = 64 << 10

// sink is where an encoder writes to. After its first failure it takes nothing more, because an encoder that forgets an
// error would go on and put a valid end behind a hole. Encoders write from goroutines of their own.
type sink struct {
	w io.Writer

	mu  sync.Mutex
	err error
}

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	if err := s.failure(); err != nil {
		return 0, err
	}
	n, err := s.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		s.fail(err)
	}
	return n, err
}

// fail makes every later Write fail with the first error it was given.
func (s *sink) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

// failure is the error that the sink failed with, nil while it is well.
func (s *sink) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// writer is what NewWriter returns: an encoder whose first error is its last word.
type writer struct {
	inner  io.WriteCloser
	out    *sink
	cancel context.CancelCauseFunc
	method string
	err    error
	closed bool
}

// errClosed is the error of a write after Close.
var errClosed = errors.New("the stream is closed already")

// Write implements io.Writer.
func (w *writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.closed {
		return 0, errClosed
	}
	n, err := w.inner.Write(p)
	if err = w.note(err); err != nil {
		return n, err
	}
	return n, nil
}

// Close implements io.Closer. Closing again returns the same result.
func (w *writer) Close() error {
	if w.closed {
		return w.err
	}
	w.closed = true
	defer w.cancel(nil)
	return w.note(w.inner.Close())
}

// Abort implements providers.Aborter.
func (w *writer) Abort(err error) {
	w.out.fail(err)
	w.cancel(err)
}

// note keeps the first error. What the sink says explains more than what the encoder makes of it, and an encoder's own
// error poisons the sink, so that closing it cannot finish a file that is not whole.
func (w *writer) note(err error) error {
	if failure := w.out.failure(); failure != nil {
		err = failure
	} else if err != nil {
		err = fmt.Errorf("compressing with %s: %w", w.method, err)
		w.out.fail(err)
	}
	if w.err == nil {
		w.err = err
	}
	return w.err
}

// input is where a decoder reads from. It remembers how the input ended, because some decoders take any error at the
// boundary of two members, also that of a broken connection, for the end.
type input struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (i *input) Read(p []byte) (int, error) {
	if i.err != nil {
		return 0, i.err
	}
	n, err := i.r.Read(p)
	i.err = err
	return n, err
}

// reader is what NewReader returns: a decoder that is begun by the first Read and held to the contract of its end.
type reader struct {
	in     *input
	buffer *bufio.Reader
	method method
	// ahead: the input may be read ahead of what is given out.
	ahead bool
	inner io.Reader
	err   error
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (n int, err error) {
	if r.err != nil || len(p) == 0 {
		return 0, r.err
	}
	// The decoders of other projects were not all written for hostile input; a panic in one is damage found late.
	defer func() {
		if cause := recover(); cause != nil {
			n, err = 0, r.fail(fmt.Errorf("the data is damaged: %v", cause))
		}
	}()
	if r.inner == nil {
		if r.inner, err = r.begin(); err != nil {
			return 0, r.fail(err)
		}
	}
	n, err = r.inner.Read(p)
	if err == io.EOF {
		err = r.end()
	}
	if err != nil {
		err = r.fail(err)
	}
	return n, err
}

// begin starts the decoder. Only for none is nothing at all a file.
func (r *reader) begin() (io.Reader, error) {
	_, err := r.buffer.Peek(1)
	if err == io.EOF && r.method.extension != "" {
		return nil, fmt.Errorf("the input is empty: %w", io.ErrUnexpectedEOF)
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	if r.ahead && r.method.newAheadReader != nil {
		return r.method.newAheadReader(r.buffer), nil
	}
	return r.method.newReader(r.buffer)
}

// end checks that the input ended where the decoder did, and returns io.EOF then.
func (r *reader) end() error {
	_, err := r.buffer.Peek(1)
	switch {
	case err == nil:
		return errors.New("there is other data after the end")
	case r.in.err != io.EOF:
		return r.in.err
	}
	return io.EOF
}

// fail keeps the first error as that of every later Read. The input's own error is passed on as it is: it says nothing
// about the data.
func (r *reader) fail(err error) error {
	switch {
	case err == io.EOF:
		r.err = io.EOF
	case r.in.err != nil && r.in.err != io.EOF:
		r.err = r.in.err
	default:
		r.err = fmt.Errorf("decompressing %s: %w", r.method.name, err)
	}
	return r.err
}

// Close implements io.Closer. Reads after it fail.
func (r *reader) Close() error {
	r.err = errClosed
	if closer, ok := r.inner.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}
