package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

const (
	// slowShare is which part of the time that a stream has taken a slow branch may hold it up, besides the slow limit.
	slowShare = 20
	// followShare is which part of what a branch may hold the source up in all is enough where it can follow another one, which
	// costs next to nothing.
	followShare = 4
	// paceShare is which part of that a branch may hold the source up and be one that keeps pace.
	paceShare = 2
	// lookAgain is the longest time between two looks at those that are waited for.
	lookAgain = 100 * time.Millisecond
)

// arrival is the end of a chunk's waiting for room in a branch.
type arrival struct {
	branch *branch
	at     time.Time
	// taken: the branch has the chunk. Otherwise it is gone, falls behind, or the stream is given up.
	taken bool
}

// waiting is a chunk for which some branches had no room when it was offered.
type waiting struct {
	*distribution
	chunk    *chunk
	arrivals chan arrival
	pending  []*branch
	// since is when the waiting for branches, and for nobody else, began.
	since time.Time
}

// hold waits until all branches have room for a chunk, or are left behind. Each of them waits by itself: the time at which it
// found room is its own, whoever is waited for at the same time, and a place that becomes free between the offer and the waiting
// counts at once.
func (d *distribution) hold(c *chunk, full []*branch) error {
	w := &waiting{distribution: d, chunk: c, arrivals: make(chan arrival, len(full)), pending: slices.Clone(full)}
	for _, b := range full {
		b.wait()
		b.yield = make(chan struct{})
		go func() { w.arrivals <- d.deliver(b, c) }()
	}
	var err error
	if d.check != nil {
		// The source would wait for the check too: only what comes after it is owed to the branches.
		err = d.give(d.check, c)
	}
	w.since = time.Now()
	w.wait()
	if err == nil && d.ctx.Err() != nil {
		err = context.Cause(d.ctx)
	}
	return err
}

// deliver waits for room in a branch.
func (d *distribution) deliver(b *branch, c *chunk) arrival {
	c.retain()
	select {
	case b.queue <- c:
		return arrival{b, time.Now(), true}
	case <-b.gone:
	case <-b.yield:
	case <-d.ctx.Done():
	}
	c.release()
	return arrival{branch: b, at: time.Now()}
}

// wait takes the arrivals, and leaves behind who takes too long.
func (w *waiting) wait() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for len(w.pending) > 0 {
		select {
		case a := <-w.arrivals:
			w.arrive(a)
		case <-timer.C:
		}
		timer.Reset(w.look(time.Now()))
	}
}

// arrive notes that a branch is waited for no longer.
func (w *waiting) arrive(a arrival) {
	b := a.branch
	b.heldUp += w.waitedFor(b, a.at)
	w.pending = slices.DeleteFunc(w.pending, func(other *branch) bool { return other == b })
	b.ready()
	if b.trail == nil {
		return
	}
	if b.trail.from = w.digest.size; !a.taken {
		b.trail.from -= int64(len(w.chunk.data))
	}
	close(b.queue)
}

// waitedFor is for how long a branch that is pending has kept another one from its work with this chunk. While all the others
// still have something to do, the source would soon have to wait for one of them as well, and nothing is lost.
func (w *waiting) waitedFor(b *branch, now time.Time) time.Duration {
	if !slices.Contains(w.pending, b) {
		return 0
	}
	var longest time.Duration
	for _, other := range w.branches {
		if other == b || !other.keepsUp() {
			continue
		}
		if since, idle := other.idleSince(); idle {
			longest = max(longest, now.Sub(later(since, w.since)))
		}
	}
	return longest
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// look leaves behind the branches that have held the source up for too long, and says when to look again.
func (w *waiting) look(now time.Time) time.Duration {
	allowed := w.slowLimit + now.Sub(w.begun)/slowShare
	next := lookAgain
	for _, b := range w.pending {
		held := b.heldUp + w.waitedFor(b, now)
		switch {
		case b.trail != nil || b.isGone():
		case held > allowed/followShare && w.lead(b, allowed, now):
		case held <= allowed/followShare:
			next = min(next, allowed/followShare-held)
		case held <= allowed:
			next = min(next, allowed-held)
		case w.paceIsKept(b, allowed, now):
			b.cancel(fmt.Errorf("%w: it has held it up for %s, of %s in all", ErrSlow,
				held.Round(time.Millisecond), now.Sub(w.begun).Round(time.Millisecond)))
			b.leave()
		}
	}
	return max(next, time.Millisecond)
}

// paceIsKept reports whether a branch other than b goes on with the source.
func (w *waiting) paceIsKept(b *branch, allowed time.Duration, now time.Time) bool {
	return slices.ContainsFunc(w.branches, func(other *branch) bool { return other != b && w.keepsPace(other, allowed, now) })
}

func (w *waiting) keepsPace(b *branch, allowed time.Duration, now time.Time) bool {
	return b.keepsUp() && b.heldUp+w.waitedFor(b, now) <= allowed/paceShare
}

// lead finds a branch that b can follow, and has it do so.
func (w *waiting) lead(b *branch, allowed time.Duration, now time.Time) bool {
	for _, leader := range w.branches {
		if leader == b || !w.keepsPace(leader, allowed, now) {
			continue
		}
		upload := leader.begun()
		if upload == nil {
			continue
		}
		// An error means that it cannot be followed, as most cannot: waiting for it goes on as before.
		if content, err := providers.RereadUpload(upload); err == nil {
			b.trail = &trail{leader: leader, content: content, ended: w.ended, size: &w.size}
			close(b.yield)
			return true
		}
	}
	return false
}
