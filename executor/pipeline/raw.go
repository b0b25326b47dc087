package pipeline

import (
	"context"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
)

// rawStream is what the source writes to. It cuts the stream into chunks, hashes them and looks for the marks of the
// format in the source's goroutine, and hands them to the codec's.
type rawStream struct {
	ctx      context.Context
	pool     *pool
	out      chan *chunk
	current  *chunk
	tally    *tally
	marks    *marks
	progress Progress
	clock    clock.Clock
	// waited is how long the source has waited for what comes after it.
	waited time.Duration
	err    error
}

func newRawStream(ctx context.Context, pool *pool, job Job) *rawStream {
	return &rawStream{
		ctx: ctx, pool: pool, out: make(chan *chunk, rawChunks), tally: newTally(), marks: newMarks(job.Source.Format()),
		progress: job.Progress, clock: job.Clock,
	}
}

// Write implements io.Writer. Its first error is its last word.
func (r *rawStream) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		if r.err != nil {
			return written, r.err
		}
		if r.current == nil {
			r.current = r.pool.get()
		}
		written += r.current.fill(p[written:])
		if r.current.full() {
			r.err = r.pass()
		}
	}
	return written, r.err
}

// pass hands the current chunk on.
func (r *rawStream) pass() error {
	c := r.current
	r.current = nil
	r.tally.add(c.data)
	if r.progress != nil {
		r.progress.Read(r.tally.size)
	}
	if err := r.marks.observe(c.data); err != nil {
		c.release()
		return err
	}
	select {
	case r.out <- c:
		return nil
	default:
	}
	begun := r.clock.Now()
	select {
	case r.out <- c:
		r.waited += r.clock.Now().Sub(begun)
		return nil
	case <-r.ctx.Done():
		c.release()
		return context.Cause(r.ctx)
	}
}

// finish passes on what is left and judges the whole.
func (r *rawStream) finish() error {
	if r.err == nil && r.current != nil {
		r.err = r.pass()
	}
	if r.err == nil {
		r.err = r.marks.conclude()
	}
	return r.err
}
