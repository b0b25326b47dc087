package pipeline

import (
	"context"
	"sync"
	"sync/atomic"
)

// The sizes that bound the memory of a pipeline. All branches share the chunks, and the source waits for the slowest of
// them, so that about storedChunks chunks are in use whatever the number of branches: 8 MiB, and rawChunks more before
// the codec; where it is encrypted, as many again between the codec and the check. A branch that was given up may keep what
// it holds until its destination returns.
const (
	chunkSize    = 256 << 10
	storedChunks = 32
	rawChunks    = 4
)

// pool keeps chunks for reuse.
type pool struct{ free chan *chunk }

func newPool() *pool { return &pool{free: make(chan *chunk, storedChunks+rawChunks)} }

// get returns an empty chunk with one reference.
func (p *pool) get() *chunk {
	var c *chunk
	select {
	case c = <-p.free:
	default:
		c = &chunk{pool: p, data: make([]byte, 0, chunkSize)}
	}
	c.data = c.data[:0]
	c.references.Store(1)
	return c
}

// chunk is a piece of a stream. It is written by one goroutine before it is shared, and only read after.
type chunk struct {
	pool       *pool
	data       []byte
	references atomic.Int32
}

// fill takes as much of p as there is room for, and says how much that was.
func (c *chunk) fill(p []byte) int {
	n := min(len(p), cap(c.data)-len(c.data))
	c.data = append(c.data, p[:n]...)
	return n
}

func (c *chunk) full() bool { return len(c.data) == cap(c.data) }

func (c *chunk) retain() { c.references.Add(1) }

// release gives one reference back; with the last one the chunk can be used again.
func (c *chunk) release() {
	if c.references.Add(-1) > 0 {
		return
	}
	select {
	case c.pool.free <- c:
	default:
	}
}

// receiver is one end of a stream: a bounded ring of chunks that one goroutine takes from.
type receiver struct {
	queue chan *chunk
	// gone is closed when nothing is taken from the queue any more.
	gone    chan struct{}
	leaving sync.Once
}

func newReceiver() *receiver {
	return &receiver{queue: make(chan *chunk, storedChunks), gone: make(chan struct{})}
}

// leave says that no more chunks are wanted and gives those in the queue back. It may be called more than once.
func (r *receiver) leave() {
	r.leaving.Do(func() { close(r.gone) })
	for {
		select {
		case c, open := <-r.queue:
			if !open {
				return
			}
			c.release()
		default:
			return
		}
	}
}

// give puts a chunk into the queue, together with the caller's reference to it, and waits for room. A receiver that is gone
// takes nothing.
func (r *receiver) give(ctx context.Context, c *chunk) error {
	select {
	case r.queue <- c:
		return nil
	case <-r.gone:
		c.release()
		return nil
	case <-ctx.Done():
		c.release()
		return context.Cause(ctx)
	}
}

// offer puts a chunk into the queue if there is room or nobody wants it. Otherwise it returns false.
func (r *receiver) offer(c *chunk) bool {
	select {
	case <-r.gone:
		return true
	default:
	}
	c.retain()
	select {
	case r.queue <- c:
		return true
	default:
		c.release()
		return false
	}
}
