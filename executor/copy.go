package executor

import (
	"context"
	"fmt"

	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// copyArtifact brings an artifact from one destination to another and proves every byte on the way; it serves both the
// first copy and the repair of a bad one. What lies at the target under the artifact's keys is replaced: those keys are
// the artifact's for ever, so that it can only be an unfinished or an altered copy of the same.
func (r *run) copyArtifact(ctx context.Context, action planner.Action, id, from, to string) (result, error) {
	artifact, err := r.artifact(id)
	if err != nil {
		return result{}, err
	}
	origin, err := r.destination(from)
	if err != nil {
		return result{}, err
	}
	target, err := r.destination(to)
	if err != nil {
		return result{}, err
	}
	manifest, err := r.readManifest(ctx, origin, artifact)
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", from, err)
	}
	intent := r.intent(action)
	intent.Artifact, intent.Key, intent.Destinations = id, artifact.Key, []string{to}
	err = r.during(ctx, intent, func() (effect, error) {
		replica, err := r.transfer(ctx, action, artifact, manifest, origin, target, to)
		if err != nil {
			return effect{leftover: r.leftovers(ctx, []pipeline.Branch{{Name: to, Destination: target}}, artifact.Key)}, err
		}
		return effect{events: []state.Event{{PutReplica: &state.ReplicaChange{Artifact: id, Replica: replica}}}}, nil
	})
	if err != nil {
		return result{}, err
	}
	return result{summary: fmt.Sprintf("%s copied from %s", units.Bytes(artifact.Stored.Size), from)}, nil
}

// transfer copies the bytes, then the manifest.
func (r *run) transfer(ctx context.Context, action planner.Action, artifact *state.Artifact, manifest []byte,
	origin, target providers.Destination, to string) (state.Replica, error) {
	object, err := pipeline.Copy(ctx, pipeline.CopyJob{
		From: origin, To: pipeline.Branch{Name: to, Destination: target},
		Key: artifact.Key, Expected: artifact.Stored, Replace: true,
		Progress: progress{reporter: r.reporter, address: action.Common().Address},
	})
	if err != nil {
		return state.Replica{}, err
	}
	sealed, err := providers.WriteObject(ctx, target, state.ManifestKey(artifact.Key), manifest, true)
	if err != nil {
		return state.Replica{}, fmt.Errorf("writing the manifest to %s: %w", to, err)
	}
	now := r.now()
	return state.Replica{
		Destination: to, Version: object.Version, ManifestVersion: sealed.Version,
		Condition: state.Verified, StoredAt: now, VerifiedAt: now,
	}, nil
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
