package executor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// copyArtifact brings an artifact from one destination to another and proves every byte on the way; it serves both the
// first copy and the repair of a bad one. Where the copy at the first origin proves bad or cannot be read, the next one is
// used, and the state learns of the bad one. What lies at the target under the artifact's keys is replaced: those keys are
// the artifact's for ever, so that it can only be an unfinished or an altered copy of the same.
func (r *run) copyArtifact(ctx context.Context, action planner.Action, id string, from []string, to string) (result, error) {
	artifact, err := r.artifact(id)
	if err != nil {
		return result{}, err
	}
	target, err := r.destination(to)
	if err != nil {
		return result{}, err
	}
	intent := r.intent(action)
	intent.Artifact, intent.Key, intent.Destinations = id, artifact.Key, []string{to}
	transfer := &transfer{
		run: r, artifact: artifact, target: target, to: to,
		progress: progress{reporter: r.reporter, address: action.Common().Address},
	}
	err = r.during(ctx, intent, func() (effect, error) {
		replica, err := transfer.fromAny(ctx, from)
		if err != nil {
			return effect{events: transfer.found, leftover: r.leftovers(ctx, []pipeline.Branch{{Name: to, Destination: target}}, artifact.Key, err)}, err
		}
		return effect{events: append(transfer.found, state.Event{PutReplica: &state.ReplicaChange{Artifact: id, Replica: replica}})}, nil
	})
	place := Place{Destination: to, Status: PlaceCopied, From: transfer.used}
	if err != nil {
		place.Status, place.err = PlaceFailed, err
		return result{places: []Place{place}}, err
	}
	return result{
		summary:  fmt.Sprintf("%s copied from %s", units.Bytes(artifact.Stored.Size), transfer.used),
		warnings: transfer.warnings, places: []Place{place},
	}, nil
}

// transfer is the copying of one artifact to one destination.
type transfer struct {
	*run
	artifact *state.Artifact
	target   providers.Destination
	to       string
	progress pipeline.Progress
	// used is the origin that served, found what the state learns of the others, warnings what people do.
	used     string
	found    []state.Event
	warnings []string
}

// fromAny copies from the first origin whose copy is good.
func (t *transfer) fromAny(ctx context.Context, origins []string) (state.Replica, error) {
	var failures []error
	for _, origin := range origins {
		replica, err := t.from(ctx, origin)
		if err == nil {
			t.used = origin
			return replica, nil
		}
		failures = append(failures, err)
		if errors.Is(err, pipeline.ErrAltered) {
			t.found = append(t.found, t.condemned(t.artifact.ID, origin, err)...)
		} else if !errors.Is(err, pipeline.ErrUnreadable) || ctx.Err() != nil {
			break
		}
		t.warnings = append(t.warnings, err.Error())
	}
	return state.Replica{}, errors.Join(failures...)
}

// condemned is the event of a recorded copy that was found altered.
func (r *run) condemned(id, at string, problem error) []state.Event {
	artifact := r.Session.Document().Find(id)
	if artifact == nil {
		return nil
	}
	replica, recorded := artifact.Replica(at)
	if !recorded {
		return nil
	}
	replica.Condition, replica.Problem = state.Altered, r.Spec.Redact(problem.Error())
	return []state.Event{{PutReplica: &state.ReplicaChange{Artifact: artifact.ID, Replica: replica}}}
}

// from copies the bytes of one origin, then its manifest.
func (t *transfer) from(ctx context.Context, from string) (state.Replica, error) {
	origin, err := t.destination(from)
	if err != nil {
		return state.Replica{}, err
	}
	manifest, err := t.readManifest(ctx, origin, t.artifact)
	if err != nil {
		return state.Replica{}, fmt.Errorf("%s: %w: %w", from, pipeline.ErrUnreadable, err)
	}
	object, err := pipeline.Copy(ctx, pipeline.CopyJob{
		From: origin, To: pipeline.Branch{Name: t.to, Destination: t.target},
		Key: t.artifact.Key, Expected: t.artifact.Stored, Replace: true, StallLimit: t.StallLimit,
		Progress: t.progress,
	})
	if errors.Is(err, pipeline.ErrAltered) || errors.Is(err, pipeline.ErrUnreadable) {
		return state.Replica{}, fmt.Errorf("%s: %w", from, err)
	} else if err != nil {
		return state.Replica{}, err
	}
	sealed, err := t.writeManifest(ctx, t.target, t.artifact.Key, manifest, true)
	if err != nil {
		return state.Replica{}, fmt.Errorf("writing the manifest to %s: %w", t.to, err)
	}
	return storedReplica(t.to, t.artifact.Stored, object, sealed, t.now()), nil
}

// storedReplica is the record of a copy that was just committed.
func storedReplica(at string, stored state.Sums, object, manifest providers.Object, now time.Time) state.Replica {
	replica := state.Replica{
		Destination: at, Version: object.Version, ManifestVersion: manifest.Version,
		Condition: state.Verified, StoredAt: now, VerifiedAt: now,
	}
	if stored.Confirms(object.CRC32C) {
		replica.ComparedAt = now
	}
	return replica
}

// readManifest reads an artifact's manifest at a destination and checks that it is the one that was recorded.
func (e *Executor) readManifest(ctx context.Context, destination providers.Destination, artifact *state.Artifact) ([]byte, error) {
	data, err := providers.ReadObject(ctx, destination, state.ManifestKey(artifact.Key), state.MaxManifestSize)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	if hexSHA256(data) != artifact.ManifestSHA256 {
		return nil, fmt.Errorf("%w: the manifest is not the one that was recorded", pipeline.ErrAltered)
	}
	return data, nil
}
