package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// defaultStallLimit is the stall limit of jobs that name none.
const defaultStallLimit = time.Minute

// verdict is the decision on a stream, made once, that every branch waits for before it commits.
type verdict struct {
	reached chan struct{}
	sums    providers.Checksums
	err     error
}

func newVerdict() *verdict { return &verdict{reached: make(chan struct{})} }

// reach makes the decision: nil to keep what has these sums.
func (v *verdict) reach(sums providers.Checksums, err error) {
	v.sums, v.err = sums, err
	close(v.reached)
}

// wait returns the decision.
func (v *verdict) wait(ctx context.Context) error {
	select {
	case <-v.reached:
		return v.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// distribution carries one stored stream to several branches at once, and to the check of it.
type distribution struct {
	ctx      context.Context
	pool     *pool
	branches []*branch
	// check is nil for streams that are not read again on the way.
	check   *receiver
	verdict *verdict
	current *chunk
	digest  *digest

	supervisor sync.WaitGroup
	finished   chan struct{}
}

// delivery says where a stream goes.
type delivery struct {
	branches   []Branch
	key        string
	options    providers.CreateOptions
	stallLimit time.Duration
	progress   Progress
}

// distribute starts the branches. allLost is called when the last of them has failed. The caller writes the stream, then
// calls end or gives ctx up, reaches the verdict, and waits; waiting ends everything that was started.
func distribute(ctx context.Context, pool *pool, to delivery, check *receiver, allLost func()) *distribution {
	d := &distribution{ctx: ctx, pool: pool, check: check, verdict: newVerdict(), digest: newDigest(), finished: make(chan struct{})}
	var left atomic.Int64
	left.Store(int64(len(to.branches)))
	lost := func() {
		if left.Add(-1) == 0 {
			allLost()
		}
	}
	for _, target := range to.branches {
		b := &branch{
			Branch: target, receiver: newReceiver(), key: to.key, options: to.options, progress: to.progress, done: make(chan struct{}),
		}
		b.ctx, b.cancel = context.WithCancelCause(ctx)
		d.branches = append(d.branches, b)
		go b.run(d.verdict, lost)
	}
	limit := to.stallLimit
	if limit <= 0 {
		limit = defaultStallLimit
	}
	d.supervisor.Add(1)
	go d.supervise(limit)
	return d
}

// supervise gives up the branches that keep others waiting too long.
func (d *distribution) supervise(limit time.Duration) {
	defer d.supervisor.Done()
	ticker := time.NewTicker(min(max(limit/8, time.Millisecond), time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-d.finished:
			return
		case now := <-ticker.C:
			for _, b := range d.branches {
				if stall := b.stalled(now, limit); stall != nil {
					b.cancel(stall)
					b.leave()
				}
			}
		}
	}
}

// Write implements io.Writer for the stored stream.
func (d *distribution) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		if d.ctx.Err() != nil {
			return written, context.Cause(d.ctx)
		}
		if d.current == nil {
			d.current = d.pool.get()
		}
		written += d.current.fill(p[written:])
		if d.current.full() {
			if err := d.pass(); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

// pass gives the current chunk to everyone.
func (d *distribution) pass() error {
	c := d.current
	d.current = nil
	defer c.release()
	d.digest.add(c.data)
	var waiting []*branch
	for _, b := range d.branches {
		if !b.offer(c) {
			waiting = append(waiting, b)
			b.wait()
		}
	}
	if d.check != nil {
		if err := d.give(d.check, c); err != nil {
			return err
		}
	}
	for _, b := range waiting {
		if err := d.give(b.receiver, c); err != nil {
			return err
		}
		b.ready()
	}
	return nil
}

// give waits until a receiver has room or is gone.
func (d *distribution) give(to *receiver, c *chunk) error {
	c.retain()
	return to.give(d.ctx, c)
}

// end passes on what is left and tells everyone that the stream is over. It returns what was written.
func (d *distribution) end() (providers.Checksums, error) {
	if d.ctx.Err() != nil {
		return providers.Checksums{}, context.Cause(d.ctx)
	}
	if d.current != nil {
		if err := d.pass(); err != nil {
			return providers.Checksums{}, err
		}
	}
	for _, b := range d.branches {
		b.wait()
		close(b.queue)
	}
	if d.check != nil {
		close(d.check.queue)
	}
	return d.digest.sums(), nil
}

// wait returns what came of the branches once the verdict is reached. untidy says where something may be left.
func (d *distribution) wait() (outcomes []BranchOutcome, untidy error) {
	for _, b := range d.branches {
		outcome, err := b.await()
		outcomes = append(outcomes, outcome)
		if err != nil {
			untidy = errors.Join(untidy, fmt.Errorf("%s: %w", b.Name, err))
		}
	}
	close(d.finished)
	d.supervisor.Wait()
	return outcomes, untidy
}
