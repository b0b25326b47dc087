package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

type checksums = providers.Checksums

// branch is one destination of a job. Its goroutine owns the upload.
type branch struct {
	name   string
	chunks chan *chunk
	// failed is closed when the branch takes no more chunks.
	failed chan struct{}
	// given is set by the fan-out when it has given the branch up.
	given   bool
	cancel  context.CancelCauseFunc
	verdict chan verdict
	done    chan struct{}
	result  BranchOutcome
}

// verdict is what a branch waits for when it has all the bytes.
type verdict struct {
	err  error
	sums checksums
}

// abortError is a clean-up that failed: something may be left at the destination.
type abortError struct{ cause error }

// Error implements error.
func (e *abortError) Error() string { return "giving up the upload: " + e.cause.Error() }

// Unwrap returns the cause.
func (e *abortError) Unwrap() error { return e.cause }

func startBranch(ctx context.Context, job Job, target Branch) *branch {
	ctx, cancel := context.WithCancelCause(ctx)
	b := &branch{
		name: target.Name, chunks: make(chan *chunk, ringSize), failed: make(chan struct{}), cancel: cancel,
		verdict: make(chan verdict, 1), done: make(chan struct{}), result: BranchOutcome{Name: target.Name},
	}
	go func() {
		defer close(b.done)
		defer cancel(nil)
		job.Progress.Branch(b.name, 0, StageWriting)
		b.result.Object, b.result.Err = b.run(ctx, job, target.Destination)
	}()
	return b
}

// run uploads what comes and commits it when the verdict is good.
func (b *branch) run(ctx context.Context, job Job, destination providers.Destination) (object providers.Object, err error) {
	var written int64
	defer func() {
		stage := StageDone
		if err != nil {
			stage = StageFailed
		}
		job.Progress.Branch(b.name, written, stage)
	}()
	upload, err := destination.Create(ctx, job.Key, providers.CreateOptions{Size: job.ExpectedSize})
	if err != nil {
		b.drain()
		return providers.Object{}, b.explain(ctx, err)
	}
	abort := func(cause error) error {
		b.drain()
		lasting, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
		defer cancel()
		if err := upload.Abort(lasting); err != nil {
			return errors.Join(cause, &abortError{err})
		}
		return cause
	}
	for next := range b.chunks {
		_, err := upload.Write(next.data)
		written += int64(len(next.data))
		next.release()
		if err != nil {
			return providers.Object{}, abort(b.explain(ctx, err))
		}
		job.Progress.Branch(b.name, written, StageWriting)
	}
	decided := <-b.verdict
	if decided.err != nil {
		return providers.Object{}, abort(decided.err)
	}
	job.Progress.Branch(b.name, written, StageCommitting)
	object, err = upload.Commit(ctx, decided.sums)
	if err != nil {
		return providers.Object{}, abort(b.explain(ctx, err))
	}
	return object, nil
}

// drain takes no more chunks and gives back those that wait.
func (b *branch) drain() {
	close(b.failed)
	for next := range b.chunks {
		next.release()
	}
}

// explain prefers the reason for which the branch was stopped to the error that it led to.
func (b *branch) explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, ctx.Err()) {
		return cause
	}
	return err
}

// giveUp stops a branch that holds up the others.
func (b *branch) giveUp(limit time.Duration) {
	b.cancel(fmt.Errorf("stalled: it took no byte for %s while the others waited", units.Duration(limit)))
}

// decide ends the stream and tells the verdict.
func (b *branch) decide(err error, sums checksums) {
	b.verdict <- verdict{err: err, sums: sums}
	close(b.chunks)
}

// outcome waits for the branch.
func (b *branch) outcome() BranchOutcome {
	<-b.done
	return b.result
}
