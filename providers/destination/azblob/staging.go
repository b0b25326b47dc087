package azblob

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/castrolanda/imsctl/internal/units"
)

// atOnce is how many blocks of an upload are on their way at once. One more is being collected.
const atOnce = 3

// sending is a block on its way. Whoever owns the upload waits for it, at the latest in Commit or Abort.
type sending struct {
	number int
	block  []byte
	done   chan struct{}
	// err is why it was not staged; valid when done is closed.
	err error
	// told: a caller knows of err, so that the block goes again when it comes back.
	told bool
}

// begin sends a full block, which is the upload's from here on, while more is collected. There must be room.
func (u *upload) begin(block []byte) {
	s := &sending{number: len(u.blocks), block: block, done: make(chan struct{})}
	u.staged = true
	u.blocks = append(u.blocks, u.blockID(s.number))
	u.sums = append(u.sums[:s.number], [16]byte{}) // nobody writes this block again
	u.sent = append(u.sent, s)
	go func() {
		defer close(s.done)
		s.err = u.sendBlock(u.ctx, s.number, s.block, md5.Sum(s.block))
	}()
}

// sendBlock stages a block under the id of its number.
func (u *upload) sendBlock(ctx context.Context, number int, block []byte, sum [16]byte) error {
	client, err := u.destination.blob(ctx, u.key)
	if err != nil {
		return err
	}
	_, err = client.StageBlock(ctx, u.blockID(number), streaming.NopCloser(bytes.NewReader(block)),
		&blockblob.StageBlockOptions{TransactionalValidation: blob.TransferValidationTypeMD5(sum[:])})
	return u.explain(ctx, err)
}

// reap collects the sendings that are over. Its error is the first failure of one: temporary if that was, and the next call sends
// that block again.
func (u *upload) reap(ctx context.Context) error {
	for _, s := range slices.Clone(u.sent) {
		select {
		case <-s.done:
			if err := u.collect(ctx, s); err != nil {
				return err
			}
		default:
		}
	}
	return nil
}

// room waits until one more block may be on its way.
func (u *upload) room(ctx context.Context) error {
	if err := u.checkCount(); err != nil {
		return err
	}
	if len(u.sent) < atOnce {
		return nil
	}
	return u.await(ctx, u.sent[0])
}

// settle waits until all blocks are staged.
func (u *upload) settle(ctx context.Context) error {
	for len(u.sent) > 0 {
		if err := u.await(ctx, u.sent[0]); err != nil {
			return err
		}
	}
	return nil
}

// await waits for one sending.
func (u *upload) await(ctx context.Context, s *sending) error {
	select {
	case <-s.done:
		return u.collect(ctx, s)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// collect ends a sending that is over, after another attempt if the caller knows that the one before failed.
func (u *upload) collect(ctx context.Context, s *sending) error {
	if s.err != nil && s.told {
		s.err = u.sendBlock(ctx, s.number, s.block, md5.Sum(s.block))
	}
	if s.err != nil {
		s.told = true
		return s.err
	}
	u.sent = slices.DeleteFunc(u.sent, func(other *sending) bool { return other == s })
	u.spare = append(u.spare, s.block[:0])
	return nil
}

// waitForAll waits until nothing is on its way any more. The upload's context has ended before.
func (u *upload) waitForAll() {
	for _, s := range u.sent {
		<-s.done
	}
	u.sent, u.spare = nil, nil
}

// buffer is an empty buffer for a block.
func (u *upload) buffer() []byte {
	if last := len(u.spare) - 1; last >= 0 {
		free := u.spare[last]
		u.spare = u.spare[:last]
		return free
	}
	return make([]byte, 0, u.destination.blockSize)
}

// stageBlock sends a block, with its MD5, under the next id, and waits for it.
func (u *upload) stageBlock(ctx context.Context, block []byte) error {
	if err := u.checkCount(); err != nil {
		return err
	}
	number, sum := len(u.blocks), md5.Sum(block)
	if number >= len(u.sums) || u.sums[number] != sum {
		u.staged = true
		u.sums = u.sums[:number]
		if err := u.sendBlock(ctx, number, block, sum); err != nil {
			return err
		}
		u.sums = append(u.sums, sum)
	}
	u.blocks = append(u.blocks, u.blockID(number))
	return nil
}

// checkCount refuses more blocks than a blob can have.
func (u *upload) checkCount() error {
	if len(u.blocks) >= mostBlocks {
		return fmt.Errorf("a blob can have %d blocks of %s, and there is more", mostBlocks, units.Bytes(int64(u.destination.blockSize)))
	}
	return nil
}

// blockID is the id of a block: those of all uploads have one length, as the store wants it of blocks under one name.
func (u *upload) blockID(number int) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(u.id[:16:16], uint32(number)))
}
