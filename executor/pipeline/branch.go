package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

const (
	// abortTimeout is how long giving up an upload may take.
	abortTimeout = 4 * time.Second
	// abandonAfter is how long after it was told to stop a branch is waited for.
	abandonAfter = 4500 * time.Millisecond
	// commitPatience is how many stall limits a commit may take: making a large object durable takes a time that grows
	// with its size, and nothing can be seen of it meanwhile.
	commitPatience = 10
)

// branch is one destination of a stream. One goroutine owns its upload, from Create to Commit or Abort.
type branch struct {
	Branch
	*receiver
	key      string
	options  providers.CreateOptions
	progress Progress
	clock    clock.Clock
	// took is how long the destination was busy. It belongs to the owner.
	took time.Duration
	// ctx ends when the whole stream is given up, or this branch of it.
	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{}

	// heldUp is how long the source has waited for this branch while another one could go on. It belongs, as trail does until the
	// queue is closed, to the goroutine that passes the stream on.
	heldUp time.Duration
	// trail is where the branch reads on after its queue is closed; nil for one that keeps pace.
	trail *trail
	// yield is closed to end the waiting for room in the queue.
	yield chan struct{}

	mu     sync.Mutex
	stage  Stage
	stored int64
	// grown is closed, and made anew, whenever stored grows.
	grown  chan struct{}
	upload providers.Upload
	// following is the name of the branch whose upload the owner reads.
	following string
	// limited: the owner waits because of a limit that was declared, which is no stall.
	limited bool
	// resting: the owner waits for others, for a chunk or for the verdict.
	resting bool
	outcome BranchOutcome
	// untidy is the error of giving the upload up: something may be left at the destination.
	untidy error
	over   bool
	// moved is when the branch last took a chunk or began a stage, awaited since when others wait for it, stopped when it
	// was told to stop; zero for never.
	moved, awaited, stopped time.Time
}

// run is the owner's whole life. lost is called when it ends in an error.
func (b *branch) run(verdict *verdict, lost func()) {
	defer close(b.done)
	defer b.cancel(nil)
	release := context.AfterFunc(b.ctx, b.stop)
	defer release()
	object, untidy, err := b.store(verdict)
	b.leave()
	b.finish(object, untidy, err)
	if err != nil {
		lost()
	}
}

// store takes the stream and waits for the verdict on it.
func (b *branch) store(verdict *verdict) (object providers.Object, untidy, err error) {
	b.enter(StageWriting)
	upload, err := b.Destination.Create(b.ctx, b.key, b.options)
	if err != nil {
		return object, nil, b.explain("beginning the upload", err)
	}
	b.begin(upload)
	if err = b.write(upload); err == nil {
		err = verdict.wait(b.ctx)
	}
	if err == nil {
		b.enter(StageCommitting)
		begun := b.now()
		if object, err = upload.Commit(b.ctx, verdict.sums); err == nil {
			b.took += b.now().Sub(begun)
			return object, nil, nil
		}
		err = b.explain("committing the upload", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), abortTimeout)
	defer cancel()
	if untidy = upload.Abort(ctx); untidy != nil {
		untidy = fmt.Errorf("giving up the upload: %w", untidy)
	}
	return providers.Object{}, untidy, err
}

// write passes the chunks on until the stream ends.
func (b *branch) write(upload providers.Upload) error {
	for {
		select {
		case <-b.ctx.Done():
			return context.Cause(b.ctx)
		case c, open := <-b.queue:
			if !open && b.trail != nil {
				return b.follow(upload)
			}
			if !open {
				return nil
			}
			b.work()
			begun := b.now()
			n, err := upload.Write(c.data)
			b.took += b.now().Sub(begun)
			if err == nil && n < len(c.data) {
				err = io.ErrShortWrite
			}
			c.release()
			if err != nil {
				return b.explain("writing", err)
			}
			b.advance(int64(n))
		}
	}
}

// now reads the clock, if there is one.
func (b *branch) now() time.Time {
	if b.clock == nil {
		return time.Time{}
	}
	return b.clock.Now()
}

// explain says what the branch was doing. When it was told to stop, the reason for that is the better explanation.
func (b *branch) explain(doing string, err error) error {
	if b.ctx.Err() == nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	cause := context.Cause(b.ctx)
	if errors.Is(err, cause) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", doing, cause)
	}
	return fmt.Errorf("%s: %w (%w)", doing, cause, err)
}

// enter notes the beginning of a stage.
func (b *branch) enter(stage Stage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stage, b.moved, b.resting = stage, time.Now(), false
	b.tell()
}

// begin notes the upload, into which the owner waits for others to give it something.
func (b *branch) begin(upload providers.Upload) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.upload, b.moved, b.resting = upload, time.Now(), true
}

// hold notes that the owner begins or ends to wait because of a limit.
func (b *branch) hold(limited bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limited, b.moved = limited, time.Now()
}

// work and rest note whose turn it is: the destination's, or the others'.
func (b *branch) work() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.moved, b.resting = time.Now(), false
}

func (b *branch) rest() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.moved, b.resting = time.Now(), true
}

// advance notes bytes that the destination took.
func (b *branch) advance(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stored += n
	b.moved, b.resting = time.Now(), true
	close(b.grown)
	b.grown = make(chan struct{})
	b.tell()
}

// tell reports the progress, unless nobody waits for this branch any more.
func (b *branch) tell() {
	if b.progress != nil && !b.over {
		b.progress.Branch(b.Name, b.stored, b.stage)
	}
}

// finish notes what came of the branch.
func (b *branch) finish(object providers.Object, untidy, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	b.stage = StageDone
	if err != nil {
		b.stage = StageFailed
	}
	b.tell()
	b.outcome, b.untidy, b.over = BranchOutcome{Name: b.Name, Followed: b.following, Object: object, Took: b.took, Err: errors.Join(err, untidy)}, untidy, true
}

// wait is called since others wait for the branch, ready when they do no longer.
func (b *branch) wait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.awaited = time.Now()
}

func (b *branch) ready() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.awaited = time.Time{}
}

// idleSince is since when the destination could take more and gets nothing; false when it has something to do.
func (b *branch) idleSince() (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.moved, b.resting && !b.over && len(b.queue) == 0
}

// stop notes the time at which the branch was told to stop, for whatever reason.
func (b *branch) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped.IsZero() {
		b.stopped = time.Now()
	}
}

// stalled says why the branch keeps others waiting beyond the limit; nil when it does not.
func (b *branch) stalled(now time.Time, limit time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over || b.limited || b.awaited.IsZero() || b.resting && len(b.queue) == 0 {
		return nil
	}
	since := b.awaited
	if b.moved.After(since) {
		since = b.moved
	}
	switch waited := now.Sub(since); {
	case b.stage == StageCommitting && waited > limit*commitPatience:
		return fmt.Errorf("%w: its commit is not done after %s", ErrStalled, limit*commitPatience)
	case b.stage == StageWriting && waited > limit:
		return fmt.Errorf("%w: it took nothing for more than %s while others waited", ErrStalled, limit)
	}
	return nil
}

// await returns what came of the branch: when its owner has ended, or when it has not although it was told to long ago.
func (b *branch) await() (BranchOutcome, error) {
	select {
	case <-b.done:
	case <-b.ctx.Done():
		b.stop()
		b.mu.Lock()
		grace := time.NewTimer(time.Until(b.stopped.Add(abandonAfter)))
		b.mu.Unlock()
		defer grace.Stop()
		select {
		case <-b.done:
		case <-grace.C:
			b.abandon()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.outcome, b.untidy
}

// settle waits for what comes of the branch, which has a place among others.
func (b *branch) settle(index int) settled {
	outcome, untidy := b.await()
	if b.trail != nil {
		// It may have ended before it began to follow. What cannot be closed was only read.
		_ = b.trail.close()
	}
	return settled{index, outcome, untidy}
}

// abandon stops waiting for a destination that does not do what its contract says.
func (b *branch) abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	untidy := fmt.Errorf("%w from %s although it was told to stop; something may be left there", ErrAbandoned, b.stage)
	b.stage = StageFailed
	b.tell()
	b.over, b.untidy = true, untidy
	b.outcome = BranchOutcome{Name: b.Name, Followed: b.following, Err: fmt.Errorf("%w: %w", context.Cause(b.ctx), untidy)}
}
