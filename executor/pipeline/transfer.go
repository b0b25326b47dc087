package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// ErrAltered means that stored bytes are not what was stored. It says nothing about a destination that cannot be reached.
var ErrAltered = errors.New("not what was stored")

// transferSize is what is read at once when stored bytes are moved or compared.
const transferSize = 256 << 10

// CopyJob is the copying of one object between destinations.
type CopyJob struct {
	From providers.Destination
	To   Branch
	Key  string
	// Expected are the sums of the object.
	Expected state.Sums
	// Replace permits the target's object to be replaced.
	Replace bool
	// Progress may be nil.
	Progress Progress
}

// Copy copies an object and commits the copy only when every byte of it is what is expected. ErrAltered when the
// original is not.
func Copy(ctx context.Context, job CopyJob) (object providers.Object, err error) {
	progress := job.Progress
	if progress == nil {
		progress = unheard{}
	}
	reader, err := job.From.Open(ctx, job.Key)
	if err != nil {
		return providers.Object{}, fmt.Errorf("opening the original: %w", err)
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	upload, err := job.To.Destination.Create(ctx, job.Key, providers.CreateOptions{Size: job.Expected.Size, Replace: job.Replace})
	if err != nil {
		return providers.Object{}, err
	}
	defer func() {
		if err != nil {
			lasting, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
			defer cancel()
			err = errors.Join(err, upload.Abort(lasting))
			progress.Branch(job.To.Name, 0, StageFailed)
		}
	}()
	sums := newStoredSums()
	err = pump(ctx, reader, func(p []byte) error {
		sums.add(p)
		if _, err := upload.Write(p); err != nil {
			return err
		}
		progress.Branch(job.To.Name, sums.size, StageWriting)
		return nil
	})
	if err != nil {
		return providers.Object{}, err
	}
	if err := sums.differs(job.Expected, "the original"); err != nil {
		return providers.Object{}, err
	}
	progress.Branch(job.To.Name, sums.size, StageCommitting)
	object, err = upload.Commit(ctx, sums.checksums())
	if err == nil {
		progress.Branch(job.To.Name, sums.size, StageDone)
	}
	return object, err
}

// pump reads to the end in pieces and stops when ctx ends.
func pump(ctx context.Context, reader io.Reader, take func([]byte) error) error {
	buffer := make([]byte, transferSize)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := reader.Read(buffer)
		if n > 0 {
			if err := take(buffer[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading: %w", err)
		}
	}
}

// VerifyJob is the reading back of one object.
type VerifyJob struct {
	From  Branch
	Key   string
	Codec providers.Codec
	// Stored and Raw are the sums of the object as it lies there and of what it decompresses to.
	Stored, Raw state.Sums
	// Progress may be nil.
	Progress Progress
}

// Verify reads an object back, whole, and compares the stored bytes and what they decompress to. ErrAltered when
// anything differs; other errors mean that it could not be read.
func Verify(ctx context.Context, job VerifyJob) (err error) {
	reader, err := Open(ctx, job)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	return pump(ctx, reader, func([]byte) error { return nil })
}

// Open returns the uncompressed content of an object. Its reader ends with io.EOF only when every stored byte and every
// uncompressed byte is what was backed up; with ErrAltered when not; with another error when it could not be read.
func Open(ctx context.Context, job VerifyJob) (io.ReadCloser, error) {
	progress := job.Progress
	if progress == nil {
		progress = unheard{}
	}
	source, err := job.From.Destination.Open(ctx, job.Key)
	if err != nil {
		return nil, err
	}
	stored := &storedReader{ctx: ctx, source: source, sums: newRawSums()}
	verified := &verifiedReader{job: job, progress: progress, stored: stored, raw: newRawSums()}
	decoder, err := job.Codec.NewReader(stored)
	if err != nil {
		err = verified.judge(err)
		return nil, errors.Join(err, source.Close())
	}
	verified.decoder = decoder
	return verified, nil
}

// storedReader sums the stored bytes on their way to the decoder and remembers why reading them failed.
type storedReader struct {
	ctx    context.Context
	source io.ReadCloser
	sums   *summing
	err    error
}

// Read implements io.Reader.
func (s *storedReader) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.source.Read(p)
	s.sums.add(p[:n])
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// verifiedReader gives out the uncompressed bytes and proves them at the end.
type verifiedReader struct {
	job      VerifyJob
	progress Progress
	stored   *storedReader
	decoder  io.ReadCloser
	raw      *summing
	end      error
}

// Read implements io.Reader.
func (v *verifiedReader) Read(p []byte) (int, error) {
	if v.end != nil {
		return 0, v.end
	}
	n, err := v.decoder.Read(p)
	v.raw.add(p[:n])
	v.progress.Read(v.raw.size)
	if err != nil {
		v.end = v.judge(err)
		return n, v.end
	}
	return n, nil
}

// judge turns the end of the decoder into the truth about the object. Trouble with reading is not damage; any trouble
// with what was read is.
func (v *verifiedReader) judge(err error) error {
	if v.stored.err != nil {
		return fmt.Errorf("reading %s: %w", v.job.Key, v.stored.err)
	}
	if _, drainErr := io.Copy(io.Discard, v.stored); drainErr != nil {
		return fmt.Errorf("reading %s: %w", v.job.Key, drainErr)
	}
	if differs := v.stored.sums.differs(v.job.Stored, v.job.Key); differs != nil {
		return differs
	}
	if err != io.EOF {
		return fmt.Errorf("%w: %s cannot be decompressed: %w", ErrAltered, v.job.Key, err)
	}
	if differs := v.raw.differs(v.job.Raw, "the content of "+v.job.Key); differs != nil {
		return differs
	}
	return io.EOF
}

// Close implements io.Closer.
func (v *verifiedReader) Close() error {
	return errors.Join(v.decoder.Close(), v.stored.source.Close())
}
