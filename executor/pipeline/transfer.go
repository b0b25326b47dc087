package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// CopyJob is the copying of one object between destinations.
type CopyJob struct {
	From providers.Destination
	To   Branch
	Key  string
	// Expected is what is recorded of the object; its size and SHA-256 are compared.
	Expected state.Sums
	// Replace permits an object at the target to be replaced.
	Replace bool
	// StallLimit is as in Job.
	StallLimit time.Duration
	// Progress may be nil.
	Progress Progress
}

// Copy copies an object and commits the copy only when every byte of it is what is recorded. It wraps ErrAltered when the
// original is not, ErrUnreadable with the error of the origin when it cannot be read, ErrStalled when the target takes
// nothing, and otherwise the error of the target. When
// it fails nothing can be seen at the target that was not there before. It ends as Run does when ctx ends.
func Copy(ctx context.Context, job CopyJob) (providers.Object, error) {
	if err := checkRecord("object", job.Expected); err != nil {
		return providers.Object{}, err
	}
	origin, err := openStored(ctx, job.From, job.Key)
	if err != nil {
		return providers.Object{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	to := distribute(inner, newPool(), delivery{
		branches: []Branch{job.To}, key: job.Key, options: providers.CreateOptions{Size: job.Expected.Size, Replace: job.Replace},
		stallLimit: job.StallLimit, progress: job.Progress,
	}, nil, func() { cancel(errAllFailed) })
	sums, err := transfer(to, origin, job)
	err = errors.Join(err, origin.close())
	if err != nil {
		cancel(err)
		to.verdict.reach(sums, errNotKept)
	} else {
		to.verdict.reach(sums, nil)
	}
	outcomes, untidy := to.wait(nil)
	if outcomes[0].Err == nil {
		return outcomes[0].Object, nil
	}
	return providers.Object{}, failure(ctx, err, outcomes, untidy)
}

// transfer passes the whole object on and compares it with the record.
func transfer(to *distribution, origin *storedReader, job CopyJob) (providers.Checksums, error) {
	buffer := make([]byte, chunkSize)
	for {
		n, err := origin.Read(buffer)
		if _, err := to.Write(buffer[:n]); err != nil {
			return providers.Checksums{}, err
		}
		if n > 0 && job.Progress != nil {
			job.Progress.Read(origin.tally.size)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return providers.Checksums{}, fmt.Errorf("%w: reading %s: %w", ErrUnreadable, job.Key, err)
		}
	}
	if err := origin.compare(job.Expected); errors.Is(err, ErrAltered) {
		return providers.Checksums{}, err
	} else if err != nil {
		return providers.Checksums{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return to.end()
}

// storedReader reads an object as it lies at a destination, and remembers all that is needed to judge it.
type storedReader struct {
	ctx         context.Context
	destination providers.Destination
	key         string
	object      io.ReadCloser
	tally       *tally
	// err is why reading failed; io.EOF when it did not.
	err error
}

func openStored(ctx context.Context, destination providers.Destination, key string) (*storedReader, error) {
	object, err := destination.Open(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", key, err)
	}
	return &storedReader{ctx: ctx, destination: destination, key: key, object: object, tally: newTally()}, nil
}

// Read implements io.Reader.
func (s *storedReader) Read(p []byte) (int, error) {
	if s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.object.Read(p)
	s.tally.add(p[:n])
	s.err = err
	return n, err
}

// Settled implements providers.Settled: a store does not wait for what is made of its bytes.
func (s *storedReader) Settled() {}

// unreadable is why the object could not be read; nil when it could, as far as was asked for.
func (s *storedReader) unreadable() error {
	if s.err == nil || s.err == io.EOF {
		return nil
	}
	return fmt.Errorf("reading %s: %w", s.key, s.err)
}

// finish reads what is left, but no more than shows that there is too much.
func (s *storedReader) finish(recorded state.Sums) error {
	limit := max(0, recorded.Size-s.tally.size) + 1
	if _, err := io.Copy(io.Discard, io.LimitReader(s, limit)); err != nil {
		return s.unreadable()
	}
	return nil
}

// compare judges an object that was read to its end. An object that ended early may only have been cut on the way: it is
// altered if the store itself says that it is no longer.
func (s *storedReader) compare(recorded state.Sums) error {
	difference := s.tally.difference("the stored bytes", recorded)
	if difference == nil {
		return nil
	}
	if s.tally.size < recorded.Size {
		object, err := s.destination.Stat(s.ctx, s.key)
		if err != nil {
			return fmt.Errorf("reading %s ended after %d of %d bytes, and it cannot be looked at: %w", s.key, s.tally.size, recorded.Size, err)
		}
		if object.Size > s.tally.size {
			return fmt.Errorf("reading %s: %w after %d of %d bytes", s.key, io.ErrUnexpectedEOF, s.tally.size, object.Size)
		}
	}
	return fmt.Errorf("%w: %w", ErrAltered, difference)
}

func (s *storedReader) close() error {
	if err := s.object.Close(); err != nil {
		return fmt.Errorf("closing %s: %w", s.key, err)
	}
	return nil
}
