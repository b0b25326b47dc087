package compression

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
)

// aheadReader decompresses the pieces of a file on all processors and gives them out in order. Its input is read by whoever calls Read,
// and pieces are decoded by goroutines that have all of theirs in memory: nobody but the caller waits for the input. There are at
// most as many pieces on their way as processors, and one that is given out.
type aheadReader struct {
	// next reads the next piece, until an error, which is io.EOF at the end.
	next   func() (*piece, error)
	ctx    context.Context
	cancel context.CancelFunc
	// last is the error of next.
	last    error
	pending []*piece
	current *piece
	running sync.WaitGroup
}

// piece is a part of a file that is decoded apart from the others.
type piece struct {
	// decode gives all that the piece becomes.
	decode func(context.Context) ([]byte, error)
	// stream is read instead, when it is the piece's turn, where decode is nil. Nothing behind it is read before it has ended.
	stream io.Reader
	// instead, where it is not nil, is read from instead of the piece and all that follows it, when it could not be decoded.
	instead func(behind []*piece) io.Reader
	// input is what the piece was read from, where instead needs it.
	input []byte

	out  []byte
	err  error
	done chan struct{}
}

func newAheadReader(next func() (*piece, error)) *aheadReader {
	ctx, cancel := context.WithCancel(context.Background())
	return &aheadReader{next: next, ctx: ctx, cancel: cancel}
}

// Read implements io.Reader.
func (r *aheadReader) Read(p []byte) (int, error) {
	for {
		if r.current != nil {
			n, err := r.current.read(p)
			if err == io.EOF {
				r.current, err = nil, nil
			}
			if n > 0 || err != nil {
				return n, err
			}
			continue
		}
		r.fill()
		if len(r.pending) == 0 {
			return 0, r.last
		}
		if err := r.turn(); err != nil {
			return 0, err
		}
	}
}

// read gives out what has become of a piece.
func (c *piece) read(p []byte) (int, error) {
	if c.stream != nil {
		return c.stream.Read(p)
	}
	if len(c.out) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

// fill reads pieces and has them decoded.
func (r *aheadReader) fill() {
	for r.last == nil && len(r.pending) < runtime.GOMAXPROCS(0) {
		if count := len(r.pending); count > 0 && r.pending[count-1].stream != nil {
			return
		}
		next, err := r.next()
		if err != nil {
			r.last = err
			return
		}
		r.pending = append(r.pending, next)
		if next.stream == nil {
			next.done = make(chan struct{})
			r.running.Go(func() { next.run(r.ctx) })
		}
	}
}

// run decodes the piece.
func (c *piece) run(ctx context.Context) {
	defer close(c.done)
	// See reader.Read.
	defer func() {
		if cause := recover(); cause != nil {
			c.out, c.err = nil, fmt.Errorf("the data is damaged: %v", cause)
		}
	}()
	c.out, c.err = c.decode(ctx)
}

// turn makes the first piece the current one, and goes on reading, so that the processors have something to do while it is given out.
func (r *aheadReader) turn() error {
	first := r.pending[0]
	if first.stream == nil {
		<-first.done
	}
	r.pending = r.pending[1:]
	switch {
	case first.err == nil:
		r.current = first
		if first.stream == nil {
			r.fill()
		}
	case first.instead != nil:
		for _, piece := range r.pending {
			<-piece.done
		}
		r.current = &piece{stream: first.instead(r.pending)}
		r.pending, r.last = nil, io.EOF
	default:
		return first.err
	}
	return nil
}

// Close implements io.Closer. It waits for what is being decoded, which ends soon.
func (r *aheadReader) Close() error {
	r.cancel()
	r.running.Wait()
	r.pending, r.current, r.last = nil, nil, errClosed
	return nil
}

// errTooLarge is why a piece is not decoded in memory.
var errTooLarge = errors.New("it becomes more than is kept in memory")

// readPiece reads all of a decoder's output, at most limit bytes of it, until ctx ends.
func readPiece(ctx context.Context, decoder io.Reader, size, limit int) ([]byte, error) {
	out := make([]byte, 0, size)
	for {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if len(out) == cap(out) {
			out = append(out, 0)[:len(out)]
		}
		n, err := decoder.Read(out[len(out):min(cap(out), len(out)+writeSize)])
		out = out[:len(out)+n]
		switch {
		case len(out) > limit:
			return nil, errTooLarge
		case err == io.EOF:
			return out, nil
		case err != nil:
			return nil, err
		}
	}
}
