package executor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// cleanupTimeout bounds the look at a destination after something went wrong there: an interrupt must not wait longer.
const cleanupTimeout = 4 * time.Second

// manifestLimit is how long the writing of a manifest may take where there is no stall limit: it is small, so that a destination
// which needs longer has stalled. It leaves time to try again.
const manifestLimit = time.Minute

// writeManifest stores a manifest, or leaves nothing. A destination that stalls is given up: it must not keep anything waiting.
func (e *Executor) writeManifest(ctx context.Context, destination providers.Destination, key string, data []byte, replace bool) (providers.Object, error) {
	limit := e.StallLimit
	if limit <= 0 {
		limit = manifestLimit
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	object, err := providers.WriteObject(bounded, destination, state.ManifestKey(key), data, replace)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		err = fmt.Errorf("%w: it was not done after %s: %w", pipeline.ErrStalled, limit, err)
	}
	return object, err
}

// removeUnsealed deletes bytes that got no manifest. A manifest that was reported as failed may be there all the same, and could not
// be taken back: then the bytes are a copy, which the next plan finds, and without them it would be the manifest of nothing.
func removeUnsealed(ctx context.Context, destination providers.Destination, key, version string) error {
	switch _, err := destination.Stat(ctx, state.ManifestKey(key)); {
	case err == nil:
		return errors.New("its manifest is there: it is kept for the next plan to look at")
	case !errors.Is(err, providers.ErrNotExist):
		return fmt.Errorf("it is kept, because its manifest may be there: %w", err)
	}
	if err := destination.Delete(ctx, key, version); err != nil && !errors.Is(err, providers.ErrNotExist) {
		return err
	}
	return nil
}

// hexSHA256 is the hash of data as it is recorded.
func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// leftovers looks, after a failure, which of the branches still hold something under a key that has no manifest. A branch that
// cannot be asked counts as one that does, and so does one that was left behind in the middle of an upload, of which its own
// process sees nothing: the next plan will look again.
func (e *Executor) leftovers(ctx context.Context, branches []pipeline.Branch, key string, failure error) []string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	var names []string
	for _, branch := range branches {
		if errors.Is(failure, pipeline.ErrAbandoned) {
			names = append(names, branch.Name)
		} else if clean, err := isClean(ctx, branch.Destination, key); err != nil || !clean {
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
