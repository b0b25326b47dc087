package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/castrolanda/imsctl/providers"
)

// Run reads the job's source once, compresses it, stores it at every branch and decompresses it again on the way. No
// branch commits before all of this is true: the source has said that it is complete, its format's marks are there, and the
// decompressed stream has the size and the SHA-256 of what the source wrote.
//
// A branch that fails, or that keeps the others waiting longer than the stall limit, is given up, its upload aborted and its
// error put into the outcome; the others go on. A commit may take ten stall limits. Run fails when the stream does, or when
// all branches do; then nothing can be seen at any destination. An error says at which stage; it wraps ErrIncomplete,
// ErrNotReproduced, ErrStalled or the error of the source or the destinations.
//
// When ctx ends, the source is stopped, the uploads are aborted, and Run returns within five seconds with an error that
// wraps ctx's. If a branch has committed by then, Run returns the outcome instead, with ctx's error for the others.
//
// A destination that does not return when its context ends breaks its contract. Run leaves it behind after four and a half
// seconds, with an error in its outcome: its goroutine aborts the upload and ends as soon as the destination returns. Only
// if it hangs inside Commit may its object still appear. A source that does not return is waited for.
//
// Run uses about 10 MiB besides what the codec, the source and the uploads need for themselves.
func Run(ctx context.Context, job Job) (Outcome, error) {
	if len(job.Branches) == 0 {
		return Outcome{}, errors.New("there is no destination to write to")
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := newStream(inner, cancel, job)
	stored, err := r.flow()
	if err == nil && inner.Err() != nil {
		err = context.Cause(inner)
	}
	if err != nil {
		cancel(err)
		r.to.verdict.reach(stored, errNotKept)
	} else {
		r.to.verdict.reach(stored, nil)
	}
	branches, untidy := r.to.wait()
	if r.check != nil {
		<-r.check.done
	}
	for _, branch := range branches {
		if branch.Err == nil {
			r.outcome.Branches, r.outcome.Stored = branches, stored
			return r.outcome, nil
		}
	}
	return Outcome{}, failure(ctx, err, branches, untidy)
}

// failure says why nothing was stored.
func failure(ctx context.Context, err error, branches []BranchOutcome, untidy error) error {
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return errors.Join(fmt.Errorf("interrupted: %w", err), untidy)
	case ctx.Err() != nil:
		return errors.Join(fmt.Errorf("interrupted: %w", ctx.Err()), err, untidy)
	case err != nil && !errors.Is(err, errAllFailed):
		return errors.Join(err, untidy)
	}
	var problems []error
	for _, branch := range branches {
		problems = append(problems, fmt.Errorf("%s: %w", branch.Name, branch.Err))
	}
	return fmt.Errorf("no destination took the data: %w", errors.Join(problems...))
}

// stream is one Run: the source's goroutine is the caller's, the codec has one, the check one and every branch one.
type stream struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	job     Job
	raw     *rawStream
	check   *check
	to      *distribution
	outcome Outcome
}

func newStream(ctx context.Context, cancel context.CancelCauseFunc, job Job) *stream {
	pool := newPool()
	s := &stream{ctx: ctx, cancel: cancel, job: job}
	s.raw = newRawStream(ctx, pool, newMarks(job.Source.Format()), job.Progress)
	var receiver *receiver
	if job.Codec.Extension() != "" {
		s.check = newCheck(ctx, job.Codec)
		receiver = s.check.receiver
		go s.check.run(func(err error) { cancel(err) })
	}
	s.to = distribute(ctx, pool, delivery{
		branches: job.Branches, key: job.Key, options: providers.CreateOptions{Size: job.ExpectedSize},
		stallLimit: job.StallLimit, progress: job.Progress,
	}, receiver, func() { cancel(errAllFailed) })
	return s
}

// flow moves the whole stream and proves it. It returns what was stored.
func (s *stream) flow() (providers.Checksums, error) {
	encoded := make(chan encoding, 1)
	go func() { encoded <- s.encode() }()
	err := s.read()
	if err != nil {
		s.cancel(err)
	}
	close(s.raw.out)
	encoding := <-encoded
	if err == nil {
		err = encoding.err
	}
	if err != nil {
		// The first failure is the cause of the others.
		s.cancel(err)
		return providers.Checksums{}, context.Cause(s.ctx)
	}
	s.outcome.Raw = s.raw.tally.sums()
	if s.check != nil {
		return encoding.stored, s.check.compare(s.raw.tally)
	}
	if encoding.stored.Size != s.outcome.Raw.Size || encoding.stored.SHA256 != s.outcome.Raw.SHA256 {
		return encoding.stored, ErrNotReproduced
	}
	return encoding.stored, nil
}

// read has the source write the whole of itself.
func (s *stream) read() error {
	s.outcome.StartedAt = s.job.Clock.Now().UTC()
	reading, err := s.job.Source.Read(s.ctx, s.job.Run, s.raw)
	s.outcome.EndedAt = s.job.Clock.Now().UTC()
	s.outcome.Reading = reading
	if err == nil {
		return s.raw.finish()
	}
	err = fmt.Errorf("reading the source: %w", err)
	if s.raw.err != nil && !errors.Is(err, s.raw.err) {
		err = errors.Join(s.raw.err, err)
	}
	return err
}

// encoding is what came of compressing the stream.
type encoding struct {
	stored providers.Checksums
	err    error
}

// encode compresses the raw chunks into the distribution, until there are no more or the stream is given up.
func (s *stream) encode() encoding {
	failed := func(err error) encoding {
		err = fmt.Errorf("compressing with %s: %w", s.job.Codec.Method(), err)
		s.cancel(err)
		return encoding{err: err}
	}
	writer, err := s.job.Codec.NewWriter(s.to)
	if err != nil {
		return failed(err)
	}
	if err := s.feed(writer.Write); err != nil {
		failure := failed(err)
		// Closing ends the codec's goroutines; what it writes goes nowhere any more.
		_ = writer.Close()
		return failure
	}
	if err := writer.Close(); err != nil {
		return failed(err)
	}
	stored, err := s.to.end()
	if err != nil {
		return failed(err)
	}
	return encoding{stored: stored}
}

// feed passes the raw chunks to the codec.
func (s *stream) feed(write func([]byte) (int, error)) error {
	for {
		select {
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		case c, open := <-s.raw.out:
			if !open {
				return context.Cause(s.ctx)
			}
			_, err := write(c.data)
			c.release()
			if err != nil {
				return err
			}
		}
	}
}
