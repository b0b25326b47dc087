package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/limit"
)

// paced is a destination that takes so long for each chunk.
func paced(delay time.Duration) *memory {
	m := newMemory()
	m.delay = delay
	return m
}

// timed is a source that says how long its reading took.
func timed(data []byte, took *time.Duration) source {
	return source{dumpFormat(), func(ctx context.Context, w io.Writer) error {
		begun := time.Now()
		defer func() { *took = time.Since(begun) }()
		return writePieces(ctx, w, data, 50_000)
	}}
}

// A branch that is slow holds the source up for its limit and no longer, however much is still to come.
func TestSlowBranchIsLeftBehind(t *testing.T) {
	for name, test := range map[string]struct {
		delays []time.Duration
		// slow says of each branch whether it is left behind.
		slow     []bool
		from, to time.Duration
	}{
		"one":              {[]time.Duration{0, time.Second}, []bool{false, true}, 2 * time.Second, 4 * time.Second},
		"two":              {[]time.Duration{0, time.Second, 700 * time.Millisecond}, []bool{false, true, true}, 3 * time.Second, 8 * time.Second},
		"slower than slow": {[]time.Duration{100 * time.Millisecond, 2 * time.Second}, []bool{false, true}, 4 * time.Second, 9 * time.Second},
		"equally slow":     {[]time.Duration{time.Second, time.Second}, []bool{false, false}, 10 * time.Second, 16 * time.Second},
		"alone":            {[]time.Duration{time.Second}, []bool{false}, 10 * time.Second, 16 * time.Second},
		"not for long":     {[]time.Duration{0, 30 * time.Millisecond}, []bool{false, false}, 200 * time.Millisecond, time.Second},
		"nobody slow":      {[]time.Duration{0, 0}, []bool{false, false}, 0, 0},
		// Whoever is a little faster has something to do nearly all of the time.
		"a little slower": {[]time.Duration{time.Second, 1010 * time.Millisecond}, []bool{false, false}, 10 * time.Second, 16 * time.Second},
		"slower than two": {[]time.Duration{100 * time.Millisecond, 100 * time.Millisecond, 5 * time.Second}, []bool{false, false, true}, 4 * time.Second, 12 * time.Second},
	} {
		bubble(t, name, func(t *testing.T) {
			data := noise(12 << 20)
			var destinations []providers.Destination
			for _, delay := range test.delays {
				destinations = append(destinations, paced(delay))
			}
			var took time.Duration
			j := job(t, "none", timed(data, &took), destinations...)
			j.SlowLimit = 2 * time.Second
			outcome, err := Run(t.Context(), j)
			if err != nil {
				t.Fatal(err)
			}
			for i, slow := range test.slow {
				if !slow && outcome.Branches[i].Err != nil {
					t.Errorf("branch %d: %v", i, outcome.Branches[i].Err)
				}
				if slow {
					says(t, outcome.Branches[i].Err, ErrSlow, "it has held it up for ")
					empty(t, destinations[i].(*memory))
				} else {
					holds(t, destinations[i].(*memory), j.Codec, data)
				}
			}
			if took < test.from || took > test.to {
				t.Errorf("the reading took %s", took)
			}
		})
	}
}

// Whoever is left when the others have failed is waited for, however slow it is.
func TestLastBranchIsNeverLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := noise(12 << 20)
		slow, failing := paced(time.Second), newMemory()
		failing.fail, failing.failAfter = errBucket, 1<<20
		j := job(t, "none", pieces(data, 50_000), slow, failing)
		j.SlowLimit = 2 * time.Second
		outcome, err := Run(t.Context(), j)
		if err != nil || outcome.Branches[0].Err != nil || !errors.Is(outcome.Branches[1].Err, errBucket) {
			t.Fatal(err, outcome.Branches)
		}
		holds(t, slow, j.Codec, data)
	})
}

// held makes a distribution to branches that nobody takes from; queue says how many chunks lie in each.
func held(t *testing.T, queues ...int) (*distribution, *chunk) {
	d := &distribution{ctx: t.Context(), pool: newPool(), digest: newDigest(), begun: time.Now(), slowLimit: time.Hour}
	c := d.pool.get()
	for i, queued := range queues {
		b := &branch{Branch: Branch{Name: fmt.Sprint(i)}, receiver: newReceiver(), grown: make(chan struct{})}
		for range queued {
			b.offer(c)
		}
		b.rest() // its owner takes nothing
		d.branches = append(d.branches, b)
	}
	return d, c
}

// Each branch is blamed for its own delay: not for that of another one which is waited for at the same time, and not when it had
// room again before the waiting began.
func TestHoldBlamesTheRightBranch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c := held(t, storedChunks, storedChunks, storedChunks, 0)
		slow, soon, raced, ready := d.branches[0], d.branches[1], d.branches[2], d.branches[3]
		for _, b := range d.branches {
			if b.offer(c) != (b == ready) {
				t.Fatalf("the offer to branch %s", b.Name)
			}
		}
		<-ready.queue
		ready.rest()
		<-raced.queue // a place becomes free between the offer and the waiting
		over := make(chan error)
		go func() { over <- d.hold(c, []*branch{slow, soon, raced}) }()
		synctest.Wait()
		time.Sleep(10 * time.Millisecond)
		<-soon.queue
		time.Sleep(5 * time.Second)
		<-slow.queue
		if err := <-over; err != nil {
			t.Error(err)
		}
		for b, want := range map[*branch]time.Duration{slow: 5010 * time.Millisecond, soon: 10 * time.Millisecond, raced: 0, ready: 0} {
			if b.heldUp != want || !b.awaited.IsZero() {
				t.Errorf("branch %s has held the source up for %s, want %s", b.Name, b.heldUp, want)
			}
		}
	})
}

// Nobody is blamed while all others have something to do.
func TestHoldBlamesNobodyAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c := held(t, storedChunks, storedChunks)
		one, two := d.branches[0], d.branches[1]
		over := make(chan error)
		go func() { over <- d.hold(c, d.branches) }()
		time.Sleep(3 * time.Second)
		<-one.queue
		one.work()
		time.Sleep(time.Second)
		for range storedChunks {
			<-one.queue
		}
		one.advance(1) // and has nothing to do from now on
		time.Sleep(2 * time.Second)
		<-two.queue
		if err := <-over; err != nil || one.heldUp != 0 || two.heldUp != 2*time.Second {
			t.Errorf("held up for %s and %s: %v", one.heldUp, two.heldUp, err)
		}
	})
}

// Whoever waits because of a limit has not stalled, and neither has one that waits for its turn.
func TestLimitedBranchIsNotStalled(t *testing.T) {
	data := noise(10 << 20)
	bubble(t, "upload limit", func(t *testing.T) {
		target := newMemory()
		j := job(t, "none", pieces(data, 50_000), limit.Destination(target, limit.Limits{Rate: 16 << 10, Clock: clock.System{}}))
		j.StallLimit = time.Second // and each chunk takes 16
		if _, err := Run(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		holds(t, target, j.Codec, data)
	})
	bubble(t, "concurrency", func(t *testing.T) {
		target := newMemory()
		limited := limit.Destination(target, limit.Limits{Concurrency: 1, Clock: clock.System{}})
		other, err := limited.Create(t.Context(), "other", providers.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Minute)
			other.Abort(t.Context())
		}()
		j := job(t, "none", pieces(data, 50_000), limited)
		j.StallLimit = time.Second
		if _, err := Run(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		holds(t, target, j.Codec, data)
	})
	bubble(t, "dead behind a limit", func(t *testing.T) {
		dead := newMemory()
		dead.blockIn, dead.blockAfter = "write", 4<<20
		j := job(t, "none", pieces(data, 50_000), limit.Destination(dead, limit.Limits{Rate: 16 << 10, Clock: clock.System{}}))
		j.StallLimit = time.Second
		_, err := Run(t.Context(), j)
		says(t, err, ErrStalled, "took nothing")
		empty(t, dead)
	})
}

// Two backups to the same two destinations, each of which takes one upload at a time: neither waits for the other for ever.
func TestTurnsDoNotLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := noise(12 << 20)
		one := limit.Destination(paced(time.Millisecond), limit.Limits{Concurrency: 1, Clock: clock.System{}})
		two := limit.Destination(paced(time.Millisecond), limit.Limits{Concurrency: 1, Clock: clock.System{}})
		results := make(chan error)
		for i, to := range [][]providers.Destination{{one, two}, {two, one}} {
			go func() {
				j := job(t, "none", source{dumpFormat(), func(ctx context.Context, w io.Writer) error {
					time.Sleep(time.Second) // both have begun their first uploads by now
					return writePieces(ctx, w, data, 50_000)
				}}, to...)
				j.Key = fmt.Sprint("key", i)
				j.SlowLimit = time.Second
				outcome, err := Run(t.Context(), j)
				for _, branch := range outcome.Branches {
					if branch.Err != nil && !errors.Is(branch.Err, ErrSlow) {
						err = errors.Join(err, branch.Err)
					}
				}
				results <- err
			}()
		}
		for range 2 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}
