package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// keptByPolicy is what is said of objects that a store does not let go. It is no failure.
const keptByPolicy = "kept by policy"

// askAgain is how long a store is not asked again to delete a copy of which it said only then that it keeps it.
const askAgain = 7 * 24 * time.Hour

// keep records that the store keeps a copy, and touches nothing else.
func (r *run) keep(ctx context.Context, action *planner.Keep) (result, error) {
	artifact, err := r.artifact(action.Artifact)
	if err != nil {
		return result{}, err
	}
	replica, recorded := artifact.Replica(action.Destination)
	if !recorded {
		return result{}, fmt.Errorf("no copy of %s is recorded at %s any more", action.Artifact, action.Destination)
	}
	replica.KeptBy, replica.KeptUntil = action.By, time.Time{}
	intent := r.intent(action)
	intent.Artifact = action.Artifact
	err = r.during(ctx, intent, func() (effect, error) {
		return effect{events: []state.Event{{PutReplica: &state.ReplicaChange{Artifact: action.Artifact, Replica: replica}}}}, nil
	})
	return result{summary: keptByPolicy + ": " + action.By}, err
}

// refusal is a store's refusal to delete a copy.
type refusal struct {
	// by is its rule; empty when it deleted the copy.
	by string
	// hidden: it said so only when it was asked to delete.
	hidden bool
	// manifestVersion is that of the manifest where it had to be written again.
	manifestVersion string
}

// deleteBoth deletes the two objects of a copy if they are still those that the plan saw. What is gone is fine. Where the
// store keeps one of them, the copy stays whole: the manifest, which goes first, is put back.
func deleteBoth(ctx context.Context, destination providers.Destination, action *planner.Prune) (refusal, error) {
	manifestKey := state.ManifestKey(action.Key)
	by, err := protection(ctx, destination, manifestKey, action.Key)
	if err != nil || by != "" {
		return refusal{by: by}, err
	}
	var manifest []byte
	if action.ManifestVersion != "" {
		manifest, err = providers.ReadObject(ctx, destination, manifestKey, state.MaxManifestSize)
		if errors.Is(err, providers.ErrTemporary) {
			return refusal{}, fmt.Errorf("reading %s: %w", manifestKey, err)
		}
		// One that cannot be read at all cannot be put back either, and is no reason to keep it.
		err = remove(ctx, destination, manifestKey, action.ManifestVersion)
		if errors.Is(err, providers.ErrProtected) {
			return refusal{by: policyOf(err), hidden: true}, nil
		} else if err != nil {
			return refusal{}, err
		}
	}
	err = remove(ctx, destination, action.Key, action.Version)
	if !errors.Is(err, providers.ErrProtected) {
		return refusal{}, err
	}
	kept := refusal{by: policyOf(err), hidden: true}
	if manifest == nil {
		return kept, nil
	}
	sealed, err := providers.WriteObject(ctx, destination, manifestKey, manifest, false)
	if err != nil {
		return refusal{}, fmt.Errorf("putting %s back, because the store keeps %s (%s): %w", manifestKey, action.Key, kept.by, err)
	}
	kept.manifestVersion = sealed.Version
	return kept, nil
}

// protection asks a store by which rule it keeps one of the objects; those that are gone are not kept.
func protection(ctx context.Context, destination providers.Destination, keys ...string) (string, error) {
	for _, key := range keys {
		object, err := destination.Stat(ctx, key)
		if err != nil && !errors.Is(err, providers.ErrNotExist) {
			return "", fmt.Errorf("looking at %s: %w", key, err)
		}
		if object.KeptBy != "" {
			return object.KeptBy, nil
		}
	}
	return "", nil
}

// remove deletes an object if it is the given version; an empty version means that it was gone already.
func remove(ctx context.Context, destination providers.Destination, key, version string) error {
	if version == "" {
		return nil
	}
	if err := destination.Delete(ctx, key, version); err != nil && !errors.Is(err, providers.ErrNotExist) {
		return fmt.Errorf("deleting %s: %w", key, err)
	}
	return nil
}

// policyOf is the rule that an ErrProtected names.
func policyOf(err error) string {
	_, rule, found := strings.Cut(err.Error(), providers.ErrProtected.Error()+": ")
	if !found {
		return "a rule of the store"
	}
	return rule
}

// keptEvents record that the store kept a copy that was to be deleted.
func (r *run) keptEvents(action *planner.Prune, kept refusal) []state.Event {
	artifact := r.Session.Document().Find(action.Artifact)
	if artifact == nil {
		return nil
	}
	replica, recorded := artifact.Replica(action.Destination)
	if !recorded {
		return nil
	}
	replica.KeptBy, replica.KeptUntil = r.Spec.Redact(kept.by), time.Time{}
	if kept.hidden {
		replica.KeptUntil = r.now().Add(askAgain)
	}
	if kept.manifestVersion != "" {
		replica.ManifestVersion = kept.manifestVersion
	}
	return []state.Event{{PutReplica: &state.ReplicaChange{Artifact: artifact.ID, Replica: replica}}}
}
