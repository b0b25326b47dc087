package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// defaultStallLimit is how long a branch may hold up the others.
const defaultStallLimit = time.Minute

// abortTimeout bounds the clean-up of one branch after the job's context has ended.
const abortTimeout = 4 * time.Second

// Run reads the job's source once, compresses it once, and writes it to all branches at once, while what was compressed
// is decompressed again and compared. Nothing is committed before the source has said that it is complete, its marks were
// found, and the decoder has reproduced what was read; then every branch commits on its own. A branch that fails or stalls
// is given up without touching the others. The error is for jobs of which nothing was committed.
func Run(ctx context.Context, job Job) (Outcome, error) {
	if job.Progress == nil {
		job.Progress = unheard{}
	}
	if job.StallLimit <= 0 {
		job.StallLimit = defaultStallLimit
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	stream := newFanout(ctx, job)
	outcome := Outcome{StartedAt: job.Clock.Now().UTC()}
	reading, raw, err := stream.read(ctx)
	outcome.EndedAt = job.Clock.Now().UTC()
	if err == nil {
		err = ctx.Err()
	}
	outcome.Reading, outcome.Raw, outcome.Stored = reading, raw, stream.stored.checksums()
	outcome.Branches = stream.settle(err, outcome.Stored)
	if err != nil && !errors.Is(err, errNobody) {
		return Outcome{}, errors.Join(err, leftovers(outcome.Branches))
	}
	if err := allFailed(outcome.Branches); err != nil {
		return Outcome{}, err
	}
	return outcome, nil
}

// read pumps the source through the codec into the fan-out and proves the result.
func (f *fanout) read(ctx context.Context) (providers.Reading, providers.Checksums, error) {
	proof := newProof(f.job.Codec, f)
	encoder, err := f.job.Codec.NewWriter(f)
	if err != nil {
		return providers.Reading{}, providers.Checksums{}, errors.Join(err, proof.abandon(err))
	}
	raw := newRawStream(f.job, encoder)
	reading, err := f.job.Source.Read(ctx, f.job.Run, raw)
	switch {
	case raw.err != nil:
		err = fmt.Errorf("storing: %w", raw.err)
	case err != nil:
		err = fmt.Errorf("reading the source: %w", err)
	default:
		err = raw.check(f.job.Source.Format())
	}
	if closeErr := encoder.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("compressing: %w", closeErr)
	}
	if flushErr := f.flush(); err == nil {
		err = flushErr
	}
	if err != nil {
		return reading, providers.Checksums{}, errors.Join(err, proof.abandon(err))
	}
	sums := raw.sums.checksums()
	return reading, sums, proof.finish(sums)
}

// allFailed returns the branches' errors when no branch has an object.
func allFailed(branches []BranchOutcome) error {
	var problems []error
	for _, branch := range branches {
		if branch.Err == nil {
			return nil
		}
		problems = append(problems, fmt.Errorf("%s: %w", branch.Name, branch.Err))
	}
	return errors.Join(problems...)
}

// leftovers returns the errors of branches whose clean-up failed.
func leftovers(branches []BranchOutcome) error {
	var problems []error
	for _, branch := range branches {
		var failed *abortError
		if errors.As(branch.Err, &failed) {
			problems = append(problems, fmt.Errorf("%s: %w", branch.Name, failed))
		}
	}
	return errors.Join(problems...)
}

// unheard is the Progress of nobody.
type unheard struct{}

func (unheard) Read(int64)                  {}
func (unheard) Branch(string, int64, Stage) {}

var _ io.Writer = (*fanout)(nil)
