package local

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

const (
	// pieceSize is how much is written between two looks at the context, in bytes.
	pieceSize = 1 << 20
	// flushEvery is how much is written between two starts of write-back, so that the sync of a commit is short.
	flushEvery = 8 << 20
	// spaceEvery is how much is written between two looks at the free space.
	spaceEvery = 16 << 20
)

// stage is how far an upload is.
type stage int

const (
	writing stage = iota
	durable       // the content is, and Commit may be called again: the connection to the host broke
	failed        // only Abort is useful
	committed
	aborted
)

// upload implements providers.Upload.
type upload struct {
	destination *destination
	ctx         context.Context
	key         string
	options     providers.CreateOptions
	temporary   string
	made        []string // folders that were made for it, the topmost first
	file        providers.WriteFile
	closed      bool
	stage       stage
	// named says that the name may have been given without the answer having come.
	named bool

	written, flushed, looked int64
	crc                      uint32
}

// Write appends to the temporary file.
func (u *upload) Write(p []byte) (int, error) {
	if u.stage != writing {
		return 0, fmt.Errorf("writing %s: the upload is over", u.name())
	}
	total := 0
	for len(p) > 0 {
		n, err := u.writePiece(p[:min(len(p), pieceSize)])
		total += n
		if err != nil {
			u.stage = failed
			return total, fmt.Errorf("writing %s: %w", u.name(), final(err))
		}
		p = p[n:]
	}
	return total, nil
}

// writePiece writes up to pieceSize bytes.
func (u *upload) writePiece(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	if u.written-u.looked >= spaceEvery {
		u.looked = u.written
		if err := u.destination.checkSpace(u.key, 0); err != nil {
			return 0, fmt.Errorf("after %s: %w", units.Bytes(u.written), err)
		}
	}
	n, err := u.file.Write(p)
	u.written += int64(n)
	u.crc = crc32.Update(u.crc, castagnoli(), p[:n])
	if err != nil {
		return n, u.explain(err)
	}
	if u.written-u.flushed >= flushEvery {
		u.flushed = u.written
		u.file.Flush()
	}
	return n, nil
}

// explain says of an error for want of space that it is one, and how much there was.
func (u *upload) explain(err error) error {
	if !isFull(err) {
		return err
	}
	left := "an unknown amount"
	if free, err := u.destination.files.Space(u.destination.root); err == nil {
		left = units.Bytes(free)
	}
	return fmt.Errorf("%w: the file system or the quota of %s was full after %s, with %s free now: %w",
		providers.ErrNoSpace, u.destination.root, units.Bytes(u.written), left, err)
}

// Commit makes the content durable, gives it its name and makes that durable. On any error nothing can be seen under the
// key, except where an object was replaced, for a rename cannot be taken back, and where the connection to the host broke:
// then it may be called again, unless the content was not durable yet, and Abort takes the name away again.
func (u *upload) Commit(ctx context.Context, sums providers.Checksums) (providers.Object, error) {
	if u.stage != writing && u.stage != durable {
		return providers.Object{}, fmt.Errorf("committing %s: the upload is over", u.name())
	}
	object, err := u.commit(ctx, sums)
	if err != nil {
		if u.stage == writing || !errors.Is(err, providers.ErrTemporary) {
			u.stage, err = failed, final(err)
		}
		return providers.Object{}, fmt.Errorf("committing %s: %w", u.name(), err)
	}
	u.stage = committed
	u.destination.end(u.temporary)
	return object, nil
}

func (u *upload) commit(ctx context.Context, sums providers.Checksums) (providers.Object, error) {
	if err := sums.Confirm(u.written, u.crc); err != nil {
		return providers.Object{}, err
	}
	if !u.closed {
		if err := u.finish(); err != nil {
			return providers.Object{}, err
		}
	}
	for _, running := range []context.Context{u.ctx, ctx} {
		if err := running.Err(); err != nil {
			return providers.Object{}, err
		}
	}
	return u.publish()
}

// finish makes the content durable and closes the temporary file.
func (u *upload) finish() error {
	info, err := u.file.Stat()
	if err != nil {
		return err
	}
	if info.Size != u.written {
		return fmt.Errorf("the temporary file %s has %d bytes, %d were written", u.temporary, info.Size, u.written)
	}
	if err := u.file.Sync(); err != nil {
		return u.explain(err)
	}
	u.stage, u.closed = durable, true
	return u.explain(u.file.Close())
}

// final is an error of what cannot be done again: the file is not open any more, and nobody knows what is in it.
func final(err error) error {
	if !errors.Is(err, providers.ErrTemporary) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), providers.ErrTemporary.Error()+": ", ""))
}

// Abort removes the temporary file and the folders that were made for it. It may be called again after an error.
func (u *upload) Abort(context.Context) error {
	if u.stage == committed || u.stage == aborted {
		return nil
	}
	u.stage = failed
	if !u.closed {
		u.closed = true
		u.file.Close() // what could not be written is not wanted any more
	}
	if err := u.unname(); err != nil {
		return fmt.Errorf("taking back the name of an upload that was given up: %w", err)
	}
	err := u.destination.files.Remove(u.temporary)
	u.destination.end(u.temporary) // what could not be removed is a remnant from here on
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the temporary file %s of an upload that was given up: %w", u.temporary, err)
	}
	if err := u.destination.removeMade(u.made); err != nil {
		return err
	}
	u.stage = aborted
	return nil
}

// Reread implements providers.Rereadable for folders on the machine imsctl runs on.
func (u *upload) Reread() (providers.Reread, error) {
	if !u.destination.here {
		return nil, errors.ErrUnsupported
	}
	file, err := u.destination.files.Open(u.temporary)
	if err != nil {
		return nil, fmt.Errorf("reading %s back: %w", u.temporary, err)
	}
	if reread, ok := file.(providers.Reread); ok {
		return reread, nil
	}
	return nil, errors.Join(errors.ErrUnsupported, file.Close())
}

// name is the file the upload is to become.
func (u *upload) name() string { return u.destination.path(u.key) }

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }
