package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// VerifyJob is the reading back of one object.
type VerifyJob struct {
	From Branch
	Key  string
	// Codec is the one that it was written with; the level does not matter.
	Codec providers.Codec
	// Encrypted is set when it was encrypted. Decryption then reads it; nil when there is no identity.
	Encrypted  bool
	Decryption providers.Decryption
	// Stored and Raw are what is recorded of the object and of what it decompresses to; sizes and SHA-256 are compared.
	Stored, Raw state.Sums
	// Progress hears of the decompressed bytes; it may be nil.
	Progress Progress
}

// Verify reads an object back, every byte of it, and compares the stored and the decompressed bytes with the record. Of an
// encrypted object without a Decryption it compares the stored bytes only. It wraps ErrAltered and says what differs when
// they do; any other error means that the object could not be read, and says nothing about it.
func Verify(ctx context.Context, job VerifyJob) (err error) {
	if job.Encrypted && job.Decryption == nil {
		return verifyStored(ctx, job)
	}
	reader, err := Open(ctx, job)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	_, err = io.CopyBuffer(onlyWriter{io.Discard}, reader, make([]byte, chunkSize))
	return err
}

// verifyStored compares the stored bytes alone.
func verifyStored(ctx context.Context, job VerifyJob) (err error) {
	if err := checkRecord("stored bytes", job.Stored); err != nil {
		return err
	}
	stored, err := openStored(ctx, job.From.Destination, job.Key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stored.close()) }()
	buffer := make([]byte, chunkSize)
	// More than is recorded is altered, however much more.
	for stored.tally.size <= job.Stored.Size {
		n, err := stored.Read(buffer)
		if job.Progress != nil && n > 0 {
			job.Progress.Read(stored.tally.size)
		}
		if err != nil {
			break
		}
	}
	if err := stored.unreadable(); err != nil {
		return err
	}
	return stored.compare(job.Stored)
}

// onlyWriter hides a writer's other methods, so that a copy uses its own buffer.
type onlyWriter struct{ io.Writer }

// Open returns the uncompressed content of an object. Reading it ends with io.EOF only when every stored and every
// decompressed byte is what is recorded. Otherwise it ends with ErrAltered, or with another error when the object could
// not be read; what was read before is then worth nothing. The caller closes the reader. It is not for concurrent use. An
// encrypted object needs a Decryption: without one, or with one that has no identity for it, the error wraps ErrNoIdentity.
func Open(ctx context.Context, job VerifyJob) (io.ReadCloser, error) {
	if err := errors.Join(checkRecord("stored bytes", job.Stored), checkRecord("decompressed bytes", job.Raw)); err != nil {
		return nil, err
	}
	if job.Encrypted && job.Decryption == nil {
		return nil, fmt.Errorf("%s is encrypted: %w", job.Key, providers.ErrNoIdentity)
	}
	stored, err := openStored(ctx, job.From.Destination, job.Key)
	if err != nil {
		return nil, err
	}
	reader := &provenReader{job: job, stored: stored, raw: newTally()}
	if reader.decoder, err = reader.decode(); err != nil {
		return nil, errors.Join(err, stored.close())
	}
	return reader, nil
}

// decode begins to decrypt and to decompress.
func (r *provenReader) decode() (io.ReadCloser, error) {
	plain := io.Reader(r.stored)
	if r.job.Encrypted {
		decrypted, err := r.job.Decryption.NewReader(r.stored)
		if err != nil {
			// An altered header fits no identity either: the bytes say which it is.
			return nil, r.judge(fmt.Errorf("decrypting: %w", err))
		}
		plain = atRest{decrypted}
	}
	decoder, err := r.job.Codec.NewReader(plain)
	if err != nil {
		return nil, fmt.Errorf("beginning to decompress %s: %w", r.job.Key, err)
	}
	return decoder, nil
}

// atRest is what is decrypted of what is stored.
type atRest struct{ io.Reader }

// Settled implements providers.Settled.
func (atRest) Settled() {}

// provenReader gives out what it cannot vouch for yet, and vouches for all of it at the end.
type provenReader struct {
	job     VerifyJob
	stored  *storedReader
	decoder io.ReadCloser
	raw     *tally
	err     error
}

// errClosed is the error of a read after Close.
var errClosed = errors.New("the reader is closed")

// Read implements io.Reader.
func (r *provenReader) Read(p []byte) (int, error) {
	if r.err != nil || len(p) == 0 {
		return 0, r.err
	}
	n, err := r.decoder.Read(p)
	r.raw.add(p[:n])
	if r.job.Progress != nil && n > 0 {
		r.job.Progress.Read(r.raw.size)
	}
	if err == nil && r.raw.size > r.job.Raw.Size {
		err = errors.New("there is more than was stored")
	}
	if err != nil {
		r.err = r.judge(err)
	}
	return n, r.err
}

// judge says what the decoder's last word means. Trouble with reading the object is not damage; any trouble with what was
// read is.
func (r *provenReader) judge(last error) error {
	if err := r.stored.unreadable(); err != nil {
		return err
	}
	if err := r.stored.finish(r.job.Stored); err != nil {
		return err
	}
	if err := r.stored.compare(r.job.Stored); err != nil {
		return err
	}
	if errors.Is(last, providers.ErrNoIdentity) {
		return last
	}
	if last != io.EOF {
		return fmt.Errorf("%w: the stored bytes are those recorded, but they do not decompress to what was backed up: %w", ErrAltered, last)
	}
	if err := r.raw.difference("the decompressed bytes", r.job.Raw); err != nil {
		return fmt.Errorf("%w: %w", ErrAltered, err)
	}
	return io.EOF
}

// Close implements io.Closer.
func (r *provenReader) Close() error {
	if r.err == errClosed {
		return nil
	}
	r.err = errClosed
	return errors.Join(r.decoder.Close(), r.stored.close())
}
