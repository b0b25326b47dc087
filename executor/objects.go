package executor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// cleanupTimeout bounds the look at a destination after something went wrong there: an interrupt must not wait longer.
const cleanupTimeout = 4 * time.Second

// hexSHA256 is the hash of data as it is recorded.
func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
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
