package executor

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// cleanupTimeout bounds the look at a destination after something went wrong there: an interrupt must not wait longer.
const cleanupTimeout = 4 * time.Second

// maxManifest is the size above which an object is no manifest of ours.
const maxManifest = 64 << 20

// hexSHA256 is the hash of data as it is recorded.
func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// writeObject stores a small object whole.
func writeObject(ctx context.Context, destination providers.Destination, key string, data []byte, replace bool) (providers.Object, error) {
	upload, err := destination.Create(ctx, key, providers.CreateOptions{Size: int64(len(data)), Replace: replace})
	if err != nil {
		return providers.Object{}, err
	}
	abort := func(cause error) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
		return errors.Join(cause, upload.Abort(ctx))
	}
	if _, err := upload.Write(data); err != nil {
		return providers.Object{}, abort(err)
	}
	object, err := upload.Commit(ctx, providers.Checksums{
		Size: int64(len(data)), SHA256: sha256.Sum256(data), MD5: md5.Sum(data),
		CRC32C: crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)),
	})
	if err != nil {
		return providers.Object{}, abort(err)
	}
	return object, nil
}

// readObject reads a small object whole.
func readObject(ctx context.Context, destination providers.Destination, key string) (data []byte, err error) {
	reader, err := destination.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	var buffer bytes.Buffer
	if _, err := io.Copy(&buffer, io.LimitReader(reader, maxManifest+1)); err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	if buffer.Len() > maxManifest {
		return nil, fmt.Errorf("%s is larger than any manifest", key)
	}
	return buffer.Bytes(), nil
}

// leftovers looks which of the branches still hold something under a key that has no manifest. A branch that cannot be
// asked counts as one that does: the next plan will look again.
func (e *Executor) leftovers(ctx context.Context, branches []pipeline.Branch, key string) []string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	var names []string
	for _, branch := range branches {
		if clean, err := isClean(ctx, branch.Destination, key); err != nil || !clean {
			names = append(names, branch.Name)
		}
	}
	return names
}

// isClean reports whether nothing unfinished lies under a key: no remnant of an upload, no bytes without a manifest.
func isClean(ctx context.Context, destination providers.Destination, key string) (bool, error) {
	remnants, err := destination.Remnants(ctx, key)
	if err != nil || len(remnants) > 0 {
		return false, err
	}
	if _, err := destination.Stat(ctx, key); errors.Is(err, providers.ErrNotExist) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	_, err = destination.Stat(ctx, state.ManifestKey(key))
	if errors.Is(err, providers.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
