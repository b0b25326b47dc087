package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/castrolanda/imsctl/providers"
)

// Run reads the job's source once, compresses it, decompresses it again on the way, encrypts it where that is asked for, and
// stores it at every branch. No branch commits before all of this is true: the source has said that it is complete, its
// format's marks are there, the decompressed stream has the size and the SHA-256 of what the source wrote, and what was
// encrypted, its end included, decrypts to what was compressed.
//
// A branch that fails, or that keeps the others waiting longer than the stall limit, is given up, its upload aborted and its
// error put into the outcome; the others go on. A commit may take ten stall limits. Run fails when the stream does, or when
// all branches do; then nothing can be seen at any destination. An error says at which stage; it wraps ErrIncomplete,
// ErrNotReproduced, ErrNotSealed, ErrStalled or the error of the source or the destinations.
//
// A branch that is only slow does not hold the source up for long either: past the slow limit it is left behind, if another one
// keeps pace. Where the upload of one that does can be reread (providers.Rereadable), the slow one follows it and goes on in its
// own time; Run waits for it, and tells Kept of the others before. Otherwise it is given up with ErrSlow.
//
// When ctx ends, the source is stopped, the uploads are aborted, and Run returns within five seconds with an error that
// wraps ctx's. If a branch has committed by then, Run returns the outcome instead, with ctx's error for the others.
//
// A destination that does not return when its context ends breaks its contract. Run leaves it behind after four and a half
// seconds, with an error in its outcome: its goroutine aborts the upload and ends as soon as the destination returns. Only
// if it hangs inside Commit may its object still appear. A source that does not return is waited for.
//
// Run uses about 10 MiB, 18 where it encrypts, besides what the codec, the source and the uploads need for themselves.
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
	branches, untidy := r.to.wait(func(branches []BranchOutcome) {
		if job.Kept != nil {
			kept := r.outcome
			kept.Branches, kept.Stored = branches, stored
			job.Kept(kept)
		}
	})
	for _, check := range r.checks() {
		<-check.done
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

// stream is one Run: the source's goroutine is the caller's, the codec and the encryption have one, each check one and every
// branch one.
type stream struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	job    Job
	raw    *rawStream
	// check is nil for codecs that change nothing, seal for what is not encrypted.
	check   *check
	seal    *seal
	to      *distribution
	outcome Outcome
}

func newStream(ctx context.Context, cancel context.CancelCauseFunc, job Job) *stream {
	pool := newPool()
	s := &stream{ctx: ctx, cancel: cancel, job: job}
	s.raw = newRawStream(ctx, pool, job)
	var receiver *receiver
	if job.Codec.Extension() != "" {
		s.check = newCheck(ctx, job.Codec.NewReader, ErrNotReproduced)
		receiver = s.check.receiver
	}
	if job.Encryption != nil {
		s.seal = newSeal(ctx, pool, job.Encryption, receiver)
		receiver = s.seal.proof.receiver
	}
	for _, check := range s.checks() {
		go check.run(func(err error) { cancel(err) })
	}
	s.to = distribute(ctx, pool, delivery{
		clock: job.Clock, branches: job.Branches, key: job.Key, options: providers.CreateOptions{Size: job.ExpectedSize},
		stallLimit: job.StallLimit, slowLimit: job.SlowLimit, progress: job.Progress,
	}, receiver, func() { cancel(errAllFailed) })
	return s
}

// checks are what reads the stream again.
func (s *stream) checks() []*check {
	var list []*check
	if s.check != nil {
		list = append(list, s.check)
	}
	if s.seal != nil {
		list = append(list, s.seal.proof)
	}
	return list
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
	return encoding.stored, s.prove(encoding)
}

// prove holds what was read again against what was read.
func (s *stream) prove(encoding encoding) error {
	switch {
	case s.check != nil:
		if err := s.check.compare(s.raw.tally); err != nil {
			return err
		}
	case encoding.coded.Size != s.outcome.Raw.Size || encoding.coded.SHA256 != s.outcome.Raw.SHA256:
		return ErrNotReproduced
	}
	if s.seal != nil {
		return s.seal.compare()
	}
	return nil
}

// read has the source write the whole of itself.
func (s *stream) read() error {
	begun := s.job.Clock.Now().UTC()
	s.outcome.StartedAt = begun
	if peeked, ok := s.job.Source.(*Peeked); ok {
		s.outcome.StartedAt = peeked.BeganAt
	}
	reading, err := s.job.Source.Read(s.ctx, s.job.Run, s.raw)
	s.outcome.EndedAt = s.job.Clock.Now().UTC()
	s.outcome.SourceTook = s.outcome.EndedAt.Sub(begun) - s.raw.waited
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

// encoding is what came of compressing and encrypting the stream.
type encoding struct {
	// coded is what the codec wrote; of an encrypted stream size and SHA-256 only.
	coded, stored providers.Checksums
	err           error
}

// encode compresses the raw chunks into the distribution, until there are no more or the stream is given up.
func (s *stream) encode() encoding {
	failed := func(err error) encoding {
		err = fmt.Errorf("compressing with %s: %w", s.job.Codec.Method(), err)
		s.cancel(err)
		return encoding{err: err}
	}
	var to io.Writer = s.to
	if s.seal != nil {
		if err := s.seal.begin(s.to); err != nil {
			s.cancel(err)
			return encoding{err: err}
		}
		to = s.seal
	}
	writer, err := s.job.Codec.NewWriter(to)
	if err != nil {
		return failed(err)
	}
	if aborter, can := writer.(providers.Aborter); can {
		// A codec may compress for minutes without writing anything, and so without meeting an error.
		defer context.AfterFunc(s.ctx, func() { aborter.Abort(context.Cause(s.ctx)) })()
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
	return s.finish()
}

// finish ends the encryption, then the stored stream.
func (s *stream) finish() encoding {
	if s.seal != nil {
		if err := s.seal.end(); err != nil {
			s.cancel(err)
			return encoding{err: err}
		}
	}
	stored, err := s.to.end()
	if err != nil {
		s.cancel(err)
		return encoding{err: err}
	}
	if s.seal != nil {
		return encoding{coded: s.seal.tally.sums(), stored: stored}
	}
	return encoding{coded: stored, stored: stored}
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
