package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// ErrPruneRefused: a copy was not deleted, because it is not certain that enough others remain, or that it is the one that was meant.
var ErrPruneRefused = errors.New("nothing was deleted")

// prune deletes one copy: its manifest first, so that it stops being a backup at once, then its bytes. Before that it
// makes sure, in the state and at the destination itself, that verified copies remain.
func (r *run) prune(ctx context.Context, action *planner.Prune) (result, error) {
	destination, err := r.destination(action.Destination)
	if err != nil {
		return result{}, err
	}
	remaining, err := r.confirmRemaining(ctx, destination, action)
	if err != nil {
		return result{}, fmt.Errorf("%w: %w", ErrPruneRefused, err)
	}
	artifact, err := r.artifact(action.Artifact)
	if err != nil {
		return result{}, err
	}
	if artifact.Key != action.Key {
		return result{}, fmt.Errorf("%w: %s lies at %s now, the plan says %s", ErrPruneRefused, action.Artifact, artifact.Key, action.Key)
	}
	intent := r.intent(action)
	intent.Artifact, intent.Key, intent.Destinations = artifact.ID, artifact.Key, []string{action.Destination}
	done := result{summary: fmt.Sprintf("%s freed, %d verified copies remain there", units.Bytes(artifact.Stored.Size), remaining)}
	err = r.during(ctx, intent, func() (effect, error) {
		// A deletion once begun is finished: half of one would be work for the next run.
		kept, err := deleteBoth(context.WithoutCancel(ctx), destination, action)
		if err != nil {
			return effect{}, err
		}
		if kept.by == "" {
			return effect{events: []state.Event{removal(action.Artifact, action.Destination)}}, nil
		}
		done.summary = keptByPolicy + ": " + kept.by
		return effect{events: r.keptEvents(action, kept)}, nil
	})
	if err != nil {
		return result{}, err
	}
	return done, nil
}

// confirmRemaining counts the verified copies of the same backup at the same destination without the one to be deleted,
// and looks with its own eyes at the newest of them.
func (r *run) confirmRemaining(ctx context.Context, destination providers.Destination, action *planner.Prune) (int, error) {
	var newest *state.Artifact
	count := 0
	for _, artifact := range r.Session.Document().ByBackup()[action.Backup] {
		replica, ok := artifact.Replica(action.Destination)
		if !ok || artifact.ID == action.Artifact || replica.Condition != state.Verified {
			continue
		}
		count++
		newest = artifact
	}
	if count == 0 || count < action.Remaining {
		return 0, fmt.Errorf("%d verified copies would remain at %s, the plan promises %d", count, action.Destination, max(1, action.Remaining))
	}
	object, err := destination.Stat(ctx, newest.Key)
	if err != nil {
		return 0, fmt.Errorf("the newest copy that would remain, %s: %w", newest.ID, err)
	}
	if object.Size != newest.Stored.Size {
		return 0, fmt.Errorf("the newest copy that would remain, %s, has %d bytes instead of %d", newest.ID, object.Size, newest.Stored.Size)
	}
	if _, err := r.readManifest(ctx, destination, newest); err != nil {
		return 0, fmt.Errorf("the newest copy that would remain, %s: %w", newest.ID, err)
	}
	return count, nil
}

// removal is the event of a copy that is gone.
func removal(artifact, destination string) state.Event {
	return state.Event{RemoveReplica: &state.ReplicaChange{Artifact: artifact, Replica: state.Replica{Destination: destination}}}
}

// forget drops a copy from the state, and nothing else.
func (r *run) forget(ctx context.Context, action *planner.Forget) (result, error) {
	intent := r.intent(action)
	intent.Artifact = action.Artifact
	err := r.during(ctx, intent, func() (effect, error) {
		return effect{events: []state.Event{removal(action.Artifact, action.Destination)}}, nil
	})
	return result{summary: "record dropped"}, err
}
