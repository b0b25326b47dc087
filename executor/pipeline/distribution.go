package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

const (
	// defaultStallLimit is the stall limit of jobs that name none.
	defaultStallLimit = time.Minute
	// defaultSlowLimit is the slow limit of jobs that name none.
	defaultSlowLimit = time.Second
)

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

	// begun is when the stream began, and slowLimit how long one branch alone may hold it up.
	begun     time.Time
	slowLimit time.Duration
	// ended is closed when the stream is over, size is how long it is then.
	ended chan struct{}
	size  int64

	supervisor sync.WaitGroup
	finished   chan struct{}
}

// delivery says where a stream goes.
type delivery struct {
	// clock measures how long the branches take; nil does not.
	clock      clock.Clock
	branches   []Branch
	key        string
	options    providers.CreateOptions
	stallLimit time.Duration
	slowLimit  time.Duration
	progress   Progress
}

// distribute starts the branches. allLost is called when the last of them has failed. The caller writes the stream, then
// calls end or gives ctx up, reaches the verdict, and waits; waiting ends everything that was started.
func distribute(ctx context.Context, pool *pool, to delivery, check *receiver, allLost func()) *distribution {
	d := &distribution{
		ctx: ctx, pool: pool, check: check, verdict: newVerdict(), digest: newDigest(), begun: time.Now(), slowLimit: to.slowLimit,
		ended: make(chan struct{}), finished: make(chan struct{}),
	}
	if d.slowLimit <= 0 {
		d.slowLimit = defaultSlowLimit
	}
	var left atomic.Int64
	left.Store(int64(len(to.branches)))
	lost := func() {
		if left.Add(-1) == 0 {
			allLost()
		}
	}
	for _, target := range to.branches {
		b := &branch{
			Branch: target, receiver: newReceiver(), key: to.key, options: to.options, progress: to.progress, clock: to.clock, done: make(chan struct{}),
			grown: make(chan struct{}),
		}
		b.options.Held = b.hold
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
		if b.trail == nil && !b.offer(c) {
			waiting = append(waiting, b)
		}
	}
	if len(waiting) > 0 {
		return d.hold(c, waiting)
	}
	if d.check != nil {
		return d.give(d.check, c)
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
	d.size = d.digest.size
	close(d.ended)
	for _, b := range d.branches {
		b.wait()
		if b.trail == nil {
			close(b.queue)
		}
	}
	if d.check != nil {
		close(d.check.queue)
	}
	return d.digest.sums(), nil
}

// settled is what came of a branch.
type settled struct {
	index   int
	outcome BranchOutcome
	untidy  error
}

// wait returns what came of the branches once the verdict is reached. untidy says where something may be left. kept, which may
// be nil, is called with what is known so far when only branches that follow another one are left, and whenever one of these has
// ended, if there is a committed one.
func (d *distribution) wait(kept func([]BranchOutcome)) (outcomes []BranchOutcome, untidy error) {
	outcomes = make([]BranchOutcome, len(d.branches))
	committed := false
	settle := func(s settled) {
		outcomes[s.index] = s.outcome
		committed = committed || s.outcome.Err == nil
		if s.untidy != nil {
			untidy = errors.Join(untidy, fmt.Errorf("%s: %w", s.outcome.Name, s.untidy))
		}
	}
	late, ended := 0, make(chan settled, len(d.branches))
	for i, b := range d.branches {
		if b.trail == nil {
			settle(b.settle(i))
			continue
		}
		late++
		outcomes[i] = BranchOutcome{Name: b.Name, Followed: b.trail.leader.Name, Pending: true}
		go func() { ended <- b.settle(i) }()
	}
	for ; late > 0; late-- {
		if committed && kept != nil {
			kept(slices.Clone(outcomes))
		}
		settle(<-ended)
	}
	close(d.finished)
	d.supervisor.Wait()
	return outcomes, untidy
}
