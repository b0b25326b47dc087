package azblob

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"github.com/castrolanda/imsctl/internal/blobstorage"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

const (
	// blockSize is how much is sent in one request, in bytes. An upload keeps atOnce and one more in memory.
	blockSize = 8 << 20
	// mostBlocks is how many blocks a blob may have.
	mostBlocks = 50_000
)

// stage is how far an upload is.
type stage int

const (
	writing stage = iota
	unsure        // Commit has asked for the blob, and has no answer
	failed        // only Abort is useful
	committed
	aborted
)

// upload implements providers.Upload.
type upload struct {
	destination *destination
	ctx         context.Context
	cancel      context.CancelFunc
	key         string
	id          [16]byte
	options     providers.CreateOptions
	conditions  *blob.AccessConditions
	stage       stage
	ended       bool // whether it no longer counts as one in progress

	rest    []byte     // what came and is not sent
	sent    []*sending // the blocks on their way, in order
	spare   [][]byte   // buffers for blocks
	blocks  []string   // the ids of what is staged or on its way, in order
	sums    [][16]byte // the MD5s of what is, also of blocks that will be written again
	staged  bool       // whether anything may have been
	asked   bool       // whether the store was asked to make the blob
	written int64
	crc     uint32
}

// Create begins an upload. Nothing is sent yet, but the name is looked at.
func (d *destination) Create(ctx context.Context, key string, options providers.CreateOptions) (providers.Upload, error) {
	conditions, err := d.prepare(ctx, key, options)
	if err != nil {
		return nil, fmt.Errorf("creating %s: %w", d.url(key), err)
	}
	running, cancel := context.WithCancel(ctx)
	u := &upload{destination: d, ctx: running, cancel: cancel, key: key, options: options, conditions: conditions}
	if _, err := io.ReadFull(d.random, u.id[:]); err != nil {
		cancel()
		return nil, fmt.Errorf("creating %s: %w", d.url(key), err)
	}
	d.begin(key)
	return u, nil
}

// prepare looks at what is under a key, and returns the conditions under which an upload may put something there.
func (d *destination) prepare(ctx context.Context, key string, options providers.CreateOptions) (*blob.AccessConditions, error) {
	if most := int64(d.blockSize) * mostBlocks; options.Size > most {
		return nil, fmt.Errorf("it has %s, and a blob can have %s", units.Bytes(options.Size), units.Bytes(most))
	}
	there, err := d.properties(ctx, key)
	switch {
	case errors.Is(err, providers.ErrNotExist):
		return ifAbsent(), nil
	case err != nil:
		return nil, err
	case there.discarded():
		return ifAbsent(), d.removeDiscarded(ctx, there)
	case !options.Replace:
		return nil, providers.ErrExists
	}
	return ifMatch(there.etag), nil
}

// Write collects a block, and has it sent while the next ones are collected. An error may be that of a block which was written
// before: it is kept, and goes again when p is written again. Of a p that is more than a block, what was staged is not sent again;
// other bytes are, under the same ids.
func (u *upload) Write(p []byte) (int, error) {
	if u.stage != writing {
		return 0, fmt.Errorf("writing %s: the upload is over", u.name())
	}
	if err := u.append(p); err != nil {
		if !errors.Is(err, providers.ErrTemporary) {
			u.stage = failed
		}
		return 0, fmt.Errorf("writing %s: %w", u.name(), err)
	}
	u.written += int64(len(p))
	u.crc = crc32.Update(u.crc, castagnoli(), p)
	return len(p), nil
}

func (u *upload) append(p []byte) error {
	if err := u.ctx.Err(); err != nil {
		return err
	}
	if err := u.reap(u.ctx); err != nil {
		return err
	}
	size := u.destination.blockSize
	switch {
	case len(p) > size:
		return u.appendBlocks(p)
	case len(u.rest)+len(p) <= size:
		u.rest = append(u.rest, p...)
		return nil
	}
	// A full block waits for the byte after it, so that a blob of one block needs no list.
	if err := u.room(u.ctx); err != nil {
		return err
	}
	head := size - len(u.rest)
	u.begin(append(u.rest, p[:head]...))
	u.rest = append(u.buffer(), p[head:]...)
	return nil
}

// appendBlocks takes more than a block at once, one after the other.
func (u *upload) appendBlocks(p []byte) error {
	if err := u.settle(u.ctx); err != nil {
		return err
	}
	size, before, staged := u.destination.blockSize, len(u.rest), len(u.blocks)
	for len(u.rest)+len(p) > size {
		block := p[:min(size, len(p))]
		if len(u.rest) > 0 {
			head := size - len(u.rest)
			u.rest = append(u.rest, p[:head]...)
			block, p = u.rest, p[head:]
		} else {
			p = p[size:]
		}
		if err := u.stageBlock(u.ctx, block); err != nil {
			u.rest, u.blocks = u.rest[:before], u.blocks[:staged] // the bytes before p are still there
			return err
		}
		u.rest = u.rest[:0]
	}
	u.rest = append(u.rest, p...)
	return nil
}

// explain turns an error of an upload's request into one of the contract's.
func (u *upload) explain(ctx context.Context, err error) error {
	err = u.destination.explain(ctx, err, blobstorage.NeedWrite)
	if errors.Is(err, providers.ErrNotExist) {
		return errors.New("the store does not know the place: it answered 404") // must not be taken for an object that is not there
	}
	if errors.Is(err, providers.ErrChanged) && !u.options.Replace {
		return providers.ErrExists
	}
	return err
}

// name is the object the upload is to become.
func (u *upload) name() string { return u.destination.url(u.key) }

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }
