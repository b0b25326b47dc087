package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// verify reads one copy back, or compares what the store says of it. A copy that the state does not know yet is recorded
// when it proves good.
func (r *run) verify(ctx context.Context, action *planner.Verify) (result, error) {
	artifact, err := r.toVerify(ctx, action)
	if err != nil {
		return result{}, err
	}
	if _, stored := artifact.Replica(action.Destination); !stored && action.Artifact == "" {
		return result{summary: "nothing to read back: no copy was stored there"}, nil
	}
	intent := r.intent(action)
	intent.Artifact = artifact.ID
	done := result{summary: units.Bytes(artifact.Stored.Size) + r.proven(artifact)}
	err = r.during(ctx, intent, func() (effect, error) {
		var event *state.Event
		var err error
		if action.Checksum {
			event, done.summary, err = r.compareChecksum(ctx, artifact, action.Destination)
		} else {
			event, err = r.readBack(ctx, action.Address, artifact, action.Destination, action.Adopt != "")
		}
		if event == nil {
			return effect{}, err
		}
		if err != nil && action.Problem != "" {
			done.summary = "recorded as altered: " + action.Problem
			err = nil
		}
		return effect{events: []state.Event{*event}}, err
	})
	if err != nil {
		return result{}, err
	}
	return done, nil
}

// toVerify finds the artifact that an action means.
func (r *run) toVerify(ctx context.Context, action *planner.Verify) (*state.Artifact, error) {
	destination, err := r.destination(action.Destination)
	switch {
	case err != nil:
		return nil, err
	case action.Adopt != "":
		return r.adoptable(ctx, destination, action.Backup, action.Artifact, action.Adopt)
	case action.Artifact != "":
		return r.artifact(action.Artifact)
	}
	id, ok := r.taken.Load(action.Backup)
	if !ok {
		return nil, fmt.Errorf("%s was not taken in this run", action.Backup)
	}
	return r.artifact(id.(string))
}

// adoptable makes an artifact of a backup of the manifest that was found at a destination. The manifest may name the
// backup as it was called before.
func (r *run) adoptable(ctx context.Context, destination providers.Destination, backup, id, at string) (*state.Artifact, error) {
	key := state.ManifestKey(at)
	data, err := providers.ReadObject(ctx, destination, key, state.MaxManifestSize)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	manifest, err := state.DecodeManifest(data)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest %s: %w", key, err)
	}
	if manifest.ID != id || manifest.Key != at {
		return nil, fmt.Errorf("the manifest %s is not that of %s any more", key, id)
	}
	artifact := &state.Artifact{
		Description: manifest.Description, ManifestSize: int64(len(data)), ManifestSHA256: hexSHA256(data),
	}
	return artifact.Of(backup), nil
}

// readBack proves one copy, byte by byte, and returns the event that records what was found; none when the copy could not
// be read at all, because that says nothing about it. The error is nil only for a good copy.
func (r *run) readBack(ctx context.Context, address string, artifact *state.Artifact, at string, adopt bool) (*state.Event, error) {
	destination, err := r.destination(at)
	if err != nil {
		return nil, err
	}
	replica, known := artifact.Replica(at)
	if !known {
		replica = state.Replica{Destination: at, StoredAt: r.now()}
	}
	err = r.compare(ctx, address, destination, artifact, &replica)
	switch {
	case err == nil:
		now := r.now()
		replica.Condition, replica.Problem, replica.VerifiedAt, replica.ReadBackAt = state.Verified, "", now, now
	case errors.Is(err, pipeline.ErrAltered), errors.Is(err, providers.ErrNotExist) && !adopt:
		replica.Condition, replica.Problem = state.Altered, err.Error()
	default:
		return nil, err
	}
	if adopt && r.Session.Document().Find(artifact.ID) == nil {
		adopted := *artifact
		adopted.Replicas = []state.Replica{replica}
		return &state.Event{PutArtifact: &adopted}, err
	}
	return &state.Event{PutReplica: &state.ReplicaChange{Artifact: artifact.ID, Replica: replica}}, err
}

// compare reads the manifest and the bytes, and notes the versions that it saw before it read, so that a change during
// the reading shows in the next plan.
func (r *run) compare(ctx context.Context, address string, destination providers.Destination, artifact *state.Artifact, replica *state.Replica) error {
	object, err := destination.Stat(ctx, artifact.Key)
	if err != nil {
		return fmt.Errorf("%s: %w", replica.Destination, err)
	}
	sealed, err := destination.Stat(ctx, state.ManifestKey(artifact.Key))
	if err != nil {
		return fmt.Errorf("%s: %w", replica.Destination, err)
	}
	if _, err := r.readManifest(ctx, destination, artifact); err != nil {
		return fmt.Errorf("%s: %w", replica.Destination, err)
	}
	codec, err := r.codec(artifact)
	if err != nil {
		return err
	}
	if r.Decryption != nil {
		if err := checkIdentity(artifact, r.Decryption); err != nil {
			return err
		}
	}
	err = pipeline.Verify(ctx, pipeline.VerifyJob{
		From: pipeline.Branch{Name: replica.Destination, Destination: destination}, Key: artifact.Key, Codec: codec,
		Encrypted: artifact.Encryption != nil, Decryption: r.Decryption,
		Stored: artifact.Stored, Raw: artifact.Raw, Progress: progress{reporter: r.reporter, address: address},
	})
	if err != nil {
		return fmt.Errorf("%s: %w", replica.Destination, err)
	}
	if replica.Version != object.Version || replica.ManifestVersion != sealed.Version {
		// Since when this version is there, nobody has seen.
		replica.StoredAt = r.now()
	}
	replica.Version, replica.ManifestVersion = object.Version, sealed.Version
	if artifact.Stored.Confirms(object.CRC32C) {
		replica.ComparedAt = r.now()
	}
	return nil
}

// compareChecksum compares what the store says of a copy, its size and its checksum, with the record, and reads nothing but
// the manifest. It returns the event that records what was found, as readBack does, and what people are told.
func (r *run) compareChecksum(ctx context.Context, artifact *state.Artifact, at string) (*state.Event, string, error) {
	destination, err := r.destination(at)
	if err != nil {
		return nil, "", err
	}
	replica, known := artifact.Replica(at)
	if !known {
		return nil, "", fmt.Errorf("no copy of %s is recorded at %s any more", artifact.ID, at)
	}
	object, err := destination.Stat(ctx, artifact.Key)
	if err == nil {
		_, err = r.readManifest(ctx, destination, artifact)
	}
	switch {
	case err != nil:
	case object.Size != artifact.Stored.Size:
		err = fmt.Errorf("%w: %d bytes, recorded are %d", pipeline.ErrAltered, object.Size, artifact.Stored.Size)
	case artifact.Stored.Refutes(object.CRC32C):
		err = fmt.Errorf("%w: the store's checksum is %08x, recorded is %s", pipeline.ErrAltered, *object.CRC32C, artifact.Stored.CRC32C)
	case !artifact.Stored.Confirms(object.CRC32C):
		return nil, "the store keeps no checksum: size and manifest equal", nil
	}
	summary := "the store's checksum is equal"
	switch {
	case err == nil:
		replica.ComparedAt = r.now()
		if replica.Condition == state.Unproven {
			replica.Condition, replica.VerifiedAt = state.Verified, replica.ComparedAt
		}
	case errors.Is(err, pipeline.ErrAltered), errors.Is(err, providers.ErrNotExist):
		err = fmt.Errorf("%s: %w", at, err)
		replica.Condition, replica.Problem = state.Altered, r.Spec.Redact(err.Error())
	default:
		return nil, "", fmt.Errorf("%s: %w", at, err)
	}
	return &state.Event{PutReplica: &state.ReplicaChange{Artifact: artifact.ID, Replica: replica}}, summary, err
}
