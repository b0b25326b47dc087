package retry

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/castrolanda/imsctl/providers"
)

// reader is the reading of one object. Where it breaks it opens the object again and skips what was read, if that is still the
// same, by a hash with a random seed: what is read to the end is then exactly the object that was opened last, although it
// may have been replaced in between by another that begins as it did.
type reader struct {
	destination *destination
	ctx         context.Context
	key         string

	opened io.ReadCloser // nil after a failure
	read   int64
	hash   maphash.Hash
	// reopened counts how often it was opened again, for all breaks of one object together.
	reopened int
	err      error
}

// errReplaced is never temporary: what was given out cannot be taken back.
var errReplaced = errors.New("the connection broke, and the object is another one now than the one whose beginning was read")

// errClosed is the error of a read after Close.
var errClosed = errors.New("the reader is closed")

// open opens the object from its first byte.
func (r *reader) open() error {
	return r.destination.call("open", r.key).run(r.ctx, func() (err error) {
		r.opened, err = r.destination.inner.Open(r.ctx, r.key)
		return err
	})
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.opened.Read(p)
	r.read += int64(n)
	r.hash.Write(p[:n])
	if err == nil || err == io.EOF || !errors.Is(err, providers.ErrTemporary) {
		return n, err
	}
	if r.err = r.resume(err); r.err != nil {
		return n, r.err
	}
	if n == 0 && len(p) > 0 {
		return r.Read(p)
	}
	return n, nil
}

// resume opens the object again after a break, and skips what was read of it.
func (r *reader) resume(broken error) error {
	r.shut()
	call := r.destination.call("read", r.key)
	begun := call.policy.Clock.Now()
	for {
		r.reopened++
		again, err := call.again(r.ctx, r.reopened, begun, broken)
		if !again {
			return err
		}
		if err = r.skip(); err == nil {
			return nil
		}
		r.shut()
		broken = err
	}
}

// skip opens the object once and reads what was read before.
func (r *reader) skip() (err error) {
	if r.opened, err = r.destination.inner.Open(r.ctx, r.key); err != nil {
		return err
	}
	var hash maphash.Hash
	hash.SetSeed(r.hash.Seed())
	switch n, err := io.CopyN(&hash, r.opened, r.read); {
	case err == io.EOF:
		return fmt.Errorf("%w: it has %d bytes, and %d were read", errReplaced, n, r.read)
	case err != nil:
		return err
	case hash.Sum64() != r.hash.Sum64():
		return errReplaced
	}
	return nil
}

// shut closes what broke. It may say once more that it did, which is no reason to stop.
func (r *reader) shut() {
	if r.opened != nil {
		_ = r.opened.Close()
		r.opened = nil
	}
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.err == nil {
		r.err = errClosed
	}
	if r.opened == nil {
		return nil
	}
	opened := r.opened
	r.opened = nil
	return opened.Close()
}
