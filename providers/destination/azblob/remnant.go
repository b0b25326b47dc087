package azblob

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/castrolanda/imsctl/internal/blobstorage"
	"github.com/castrolanda/imsctl/providers"
)

// discardedLabel is the metadata of the empty blob that takes away the blocks of an interrupted upload.
const discardedLabel = "imsctl_discarded"

// begin counts an upload to a key as one in progress.
func (d *destination) begin(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.progress[key]++
}

// end counts it no longer, and tells how many others there are.
func (d *destination) end(key string) (others int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.progress[key]--
	others = d.progress[key]
	if others == 0 {
		delete(d.progress, key)
	}
	return others
}

// uploads tells how many uploads to a key are in progress.
func (d *destination) uploads(key string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.progress[key]
}

// Remnants lists the names that have blocks and no blob, and the empty blobs of a removal that was interrupted.
func (d *destination) Remnants(ctx context.Context, prefix string) ([]providers.Remnant, error) {
	var remnants []providers.Remnant
	err := d.each(ctx, prefix, container.ListBlobsInclude{Metadata: true, UncommittedBlobs: true}, func(p properties) error {
		if p.size > 0 || d.uploads(p.key) > 0 {
			return nil
		}
		if p.discarded() {
			remnants = append(remnants, providers.Remnant{Key: p.key, Name: d.prefix + p.key, Modified: p.modified.UTC()})
			return nil
		}
		size, found, err := d.uncommitted(ctx, p.key)
		if found {
			remnants = append(remnants, providers.Remnant{Key: p.key, Name: d.prefix + p.key, Size: size})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing what interrupted uploads to %s have left: %w", d.url(prefix), err)
	}
	return remnants, nil
}

// uncommitted tells whether a name has blocks and no blob, and how much they are. A listing does not tell them from an empty blob.
func (d *destination) uncommitted(ctx context.Context, key string) (size int64, found bool, err error) {
	_, err = d.properties(ctx, key)
	if !errors.Is(err, providers.ErrNotExist) {
		return 0, false, err
	}
	client, err := d.blob(ctx, key)
	if err != nil {
		return 0, false, err
	}
	blocks, err := client.GetBlockList(ctx, blockblob.BlockListTypeUncommitted, nil)
	if err = d.explain(ctx, err, blobstorage.NeedRead); errors.Is(err, providers.ErrNotExist) {
		return 0, false, nil
	} else if err != nil {
		return 0, false, err
	}
	for _, block := range blocks.UncommittedBlocks {
		size += value(block.Size)
	}
	return size, len(blocks.UncommittedBlocks) > 0, nil
}

// RemoveRemnant removes the blocks under a name that has no blob. Of one that has, nothing is touched.
func (d *destination) RemoveRemnant(ctx context.Context, remnant providers.Remnant) error {
	if remnant.Name == "" || remnant.Name != d.prefix+remnant.Key {
		return fmt.Errorf("removing %q: it is no remnant of this destination", remnant.Name)
	}
	if d.uploads(remnant.Key) > 0 {
		return fmt.Errorf("removing what is left at %s: an upload to it is in progress", d.url(remnant.Key))
	}
	if err := d.discard(ctx, remnant.Key); err != nil {
		return fmt.Errorf("removing what is left at %s: %w", d.url(remnant.Key), err)
	}
	return nil
}

// discard removes the blocks under a name that has no blob: it makes a blob of none of them and deletes exactly that one.
func (d *destination) discard(ctx context.Context, key string) error {
	there, err := d.properties(ctx, key)
	switch {
	case err == nil && there.discarded():
		return d.removeDiscarded(ctx, there)
	case err == nil:
		return nil // an object, which has taken the blocks away, or keeps them until they expire
	case !errors.Is(err, providers.ErrNotExist):
		return err
	}
	if _, found, err := d.uncommitted(ctx, key); err != nil || !found {
		return err
	}
	client, err := d.blob(ctx, key)
	if err != nil {
		return err
	}
	mark := "true"
	made, err := client.CommitBlockList(ctx, nil, &blockblob.CommitBlockListOptions{Metadata: map[string]*string{discardedLabel: &mark}, AccessConditions: ifAbsent()})
	if err = d.explain(ctx, err, blobstorage.NeedWrite); errors.Is(err, providers.ErrExists) || errors.Is(err, providers.ErrChanged) {
		return nil // somebody made an object of it meanwhile
	} else if err != nil {
		return err
	}
	return d.removeDiscarded(ctx, properties{key: key, etag: value(made.ETag)})
}

// removeDiscarded deletes the empty blob.
func (d *destination) removeDiscarded(ctx context.Context, there properties) error {
	err := d.removeVersion(ctx, there.key, there.etag)
	if errors.Is(err, providers.ErrNotExist) || errors.Is(err, providers.ErrChanged) {
		return nil
	}
	return err
}
