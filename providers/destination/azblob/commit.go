package azblob

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/castrolanda/imsctl/providers"
)

// The metadata of an object: the id of the upload that made it, and the SHA-256 of its bytes.
const (
	uploadLabel = "imsctl_upload"
	sumLabel    = "imsctl_sha256"
)

// Commit asks the store to make the blob, and compares what it says of it with sums.
func (u *upload) Commit(ctx context.Context, sums providers.Checksums) (providers.Object, error) {
	if u.stage != writing && u.stage != unsure {
		return providers.Object{}, fmt.Errorf("committing %s: the upload is over", u.name())
	}
	object, err := u.commit(ctx, sums)
	if err == nil {
		u.stage = committed
		u.release()
		return object, nil
	}
	if !errors.Is(err, providers.ErrTemporary) {
		u.stage = failed
	}
	return providers.Object{}, fmt.Errorf("committing %s: %w", u.name(), err)
}

func (u *upload) commit(ctx context.Context, sums providers.Checksums) (providers.Object, error) {
	if err := sums.Confirm(u.written, u.crc); err != nil {
		return providers.Object{}, err
	}
	for _, running := range []context.Context{u.ctx, ctx} {
		if err := running.Err(); err != nil {
			return providers.Object{}, err
		}
	}
	if u.stage == unsure {
		if object, found, err := u.look(ctx, sums); found || err != nil {
			return object, err
		}
	}
	u.stage = unsure
	running, cancel := context.WithCancel(u.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	err := u.send(running, sums)
	if ended := ctx.Err(); ended != nil {
		return providers.Object{}, ended
	}
	if err != nil && !errors.Is(err, providers.ErrTemporary) && !errors.Is(err, providers.ErrExists) && !errors.Is(err, providers.ErrChanged) {
		return providers.Object{}, err
	}
	// After an error it may be there all the same: an answer was lost, or the name is taken by this very upload.
	object, found, lookErr := u.look(ctx, sums)
	switch {
	case found || lookErr != nil:
		return object, lookErr
	case err == nil:
		return providers.Object{}, fmt.Errorf("%w: somebody replaced or deleted it at once", providers.ErrChanged)
	}
	return providers.Object{}, err
}

// send asks the store to make the blob of what was written.
func (u *upload) send(ctx context.Context, sums providers.Checksums) error {
	client, err := u.destination.blob(ctx, u.key)
	if err != nil {
		return err
	}
	id, sum, kind := hex.EncodeToString(u.id[:]), hex.EncodeToString(sums.SHA256[:]), "application/octet-stream"
	labels := map[string]*string{uploadLabel: &id, sumLabel: &sum}
	headers := &blob.HTTPHeaders{BlobContentType: &kind, BlobContentMD5: sums.MD5[:]}
	if len(u.blocks) == 0 {
		u.asked = true
		_, err := client.Upload(ctx, streaming.NopCloser(bytes.NewReader(u.rest)), &blockblob.UploadOptions{
			Metadata: labels, HTTPHeaders: headers, AccessConditions: u.conditions, TransactionalValidation: blob.TransferValidationTypeMD5(sums.MD5[:])})
		err = u.explain(ctx, err)
		if !errors.Is(err, providers.ErrExists) || !u.destination.isAbsent(ctx, u.key) {
			return err
		}
		// An emulator takes blocks that somebody else staged under the name for a blob, unless it is given a list.
	}
	if err := u.settle(ctx); err != nil {
		return err
	}
	if len(u.rest) > 0 {
		if err := u.stageBlock(ctx, u.rest); err != nil {
			return err
		}
		u.rest = nil
	}
	u.asked = true
	_, err = client.CommitBlockList(ctx, u.blocks, &blockblob.CommitBlockListOptions{Metadata: labels, HTTPHeaders: headers, AccessConditions: u.conditions})
	return u.explain(ctx, err)
}

// isAbsent reports whether it is certain that there is no blob under a key.
func (d *destination) isAbsent(ctx context.Context, key string) bool {
	_, err := d.properties(ctx, key)
	return errors.Is(err, providers.ErrNotExist)
}

// look finds out whether the object of this upload is there.
func (u *upload) look(ctx context.Context, sums providers.Checksums) (object providers.Object, found bool, err error) {
	there, mine, err := u.mine(ctx)
	if err != nil || !mine {
		return providers.Object{}, false, err
	}
	object, err = u.accept(ctx, there, sums)
	return object, true, err
}

// mine returns what is under the key, and whether it is the object of this upload.
func (u *upload) mine(ctx context.Context) (there properties, mine bool, err error) {
	there, err = u.destination.properties(ctx, u.key)
	if errors.Is(err, providers.ErrNotExist) {
		return properties{}, false, nil
	}
	return there, err == nil && there.label(uploadLabel) == hex.EncodeToString(u.id[:]), err
}

// accept compares what the store says of the object with sums. One that differs is removed.
func (u *upload) accept(ctx context.Context, there properties, sums providers.Checksums) (providers.Object, error) {
	if there.size == sums.Size && bytes.Equal(there.md5, sums.MD5[:]) && there.label(sumLabel) == hex.EncodeToString(sums.SHA256[:]) {
		return u.destination.describe(there), nil
	}
	err := fmt.Errorf("the store has %d bytes with MD5 %x and SHA-256 %s, not the %d with %x and %x that were written",
		there.size, there.md5, there.label(sumLabel), sums.Size, sums.MD5, sums.SHA256)
	return providers.Object{}, errors.Join(err, providers.Lasting(u.destination.Delete(ctx, u.key, there.version())))
}

// Abort removes the blocks, and the object that has come of them all the same. It may be called again after an error.
func (u *upload) Abort(ctx context.Context) error {
	if u.stage == committed || u.stage == aborted {
		return nil
	}
	u.stage = failed
	others := u.release()
	u.waitForAll()
	if others == 0 && u.staged {
		// With another upload to the key in progress its blocks would go too: the last one clears up.
		if err := u.destination.discard(ctx, u.key); err != nil {
			return fmt.Errorf("giving up the upload of %s: %w", u.name(), err)
		}
	}
	if u.asked {
		if err := u.clean(ctx); err != nil {
			return fmt.Errorf("giving up the upload of %s: %w", u.name(), err)
		}
	}
	u.stage = aborted
	return nil
}

// clean removes the object of this upload, and no other.
func (u *upload) clean(ctx context.Context) error {
	there, mine, err := u.mine(ctx)
	if err != nil || !mine {
		return err
	}
	return u.destination.removeDiscarded(ctx, there)
}

// release frees what the upload holds, and tells how many other uploads to its key are in progress.
func (u *upload) release() (others int) {
	u.cancel()
	u.rest, u.spare = nil, nil
	if u.ended {
		return u.destination.uploads(u.key)
	}
	u.ended = true
	return u.destination.end(u.key)
}
