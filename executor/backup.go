package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// backup reads a source once and stores it at all destinations of the action. The artifact exists from the moment its
// first manifest does; the manifests are written after every check of the stream has passed.
func (r *run) backup(ctx context.Context, action *planner.Backup) (result, error) {
	declared := r.declared(action.Backup)
	if declared == nil {
		return result{}, fmt.Errorf("%s is not in the specification", action.Backup)
	}
	source, ok := r.World.Sources[action.Source]
	if !ok {
		return result{}, fmt.Errorf("%s is not in the specification", action.Source)
	}
	branches, err := r.branches(action.Destinations)
	if err != nil {
		return result{}, err
	}
	suffix, err := r.randomHex(3)
	if err != nil {
		return result{}, err
	}
	if !slices.Equal(recipientsOf(declared), action.Recipients) {
		return result{}, fmt.Errorf("the plan was made for %s and the specification lists %s: make a new plan",
			counted(len(action.Recipients), "recipient", "recipients"), counted(len(recipientsOf(declared)), "recipient", "recipients"))
	}
	taking := &taking{run: r, declared: declared, action: action, source: source, branches: branches}
	taking.id = fmt.Sprintf("%s-%s-%s", declared.Name, r.Clock.Now().UTC().Format(compactTime), suffix)
	taking.extension = source.Format().Extension + declared.Codec.Extension()
	if declared.Encryption != nil {
		taking.extension += declared.Encryption.Extension()
	}
	taking.key = declared.Name + "/" + taking.id + taking.extension

	intent := r.intent(action)
	intent.Artifact, intent.Key, intent.Destinations = taking.id, taking.key, action.Destinations
	var done result
	err = r.during(ctx, intent, func() (effect, error) {
		var changed effect
		var err error
		done, changed, err = taking.take(ctx)
		return changed, err
	})
	return done, err
}

// taking is one artifact in the making.
type taking struct {
	*run
	declared  *spec.Backup
	action    *planner.Backup
	source    providers.Source
	branches  []pipeline.Branch
	id        string
	extension string
	key       string
}

func (t *taking) take(ctx context.Context) (result, effect, error) {
	outcome, err := pipeline.Run(ctx, pipeline.Job{
		Run:          "imsctl-" + t.run.id,
		Source:       t.source,
		Codec:        t.declared.Codec,
		Encryption:   t.declared.Encryption,
		Key:          t.key,
		Branches:     t.branches,
		ExpectedSize: t.action.Bytes,
		Clock:        t.Clock,
		Progress:     progress{reporter: t.reporter, address: t.action.Address},
	})
	if err != nil {
		return result{}, effect{leftover: t.leftovers(ctx, t.branches, t.key)}, err
	}
	artifact, manifest, err := t.describe(outcome)
	if err != nil {
		return result{}, effect{leftover: t.action.Destinations}, err
	}
	copies := t.seal(ctx, outcome, artifact, manifest)
	done := result{summary: summarize(outcome, copies) + t.sealedFor(), warnings: outcome.Reading.Warnings}
	changed := effect{leftover: copies.leftover}
	if len(artifact.Replicas) > 0 {
		t.taken.Store(t.action.Backup, artifact.ID)
		changed.events = []state.Event{{PutArtifact: artifact}}
	}
	return done, changed, t.judge(copies)
}

// describe makes the artifact, without its copies yet, and the bytes of its manifest.
func (t *taking) describe(outcome pipeline.Outcome) (*state.Artifact, []byte, error) {
	stored := pipeline.SumsOf(outcome.Stored)
	raw := pipeline.SumsOf(outcome.Raw)
	raw.CRC32C, raw.MD5 = "", ""
	artifact := &state.Artifact{Description: state.Description{
		ID: t.id, Backup: t.action.Backup, Source: t.action.Source, SourceType: t.sourceType(),
		StartedAt: outcome.StartedAt, EndedAt: outcome.EndedAt,
		Raw: raw, Stored: stored,
		Method: t.declared.Codec.Method(), Level: t.declared.Codec.Level(), Extension: t.extension, Key: t.key,
		Encryption: encryptionOf(t.declared),
		Versions:   outcome.Reading.Versions, RowCounts: outcome.Reading.RowCounts, Warnings: t.redactedAll(outcome.Reading.Warnings),
	}}
	data, err := state.EncodeManifest(&state.Manifest{
		FormatVersion: state.ManifestVersion, Writer: t.Version,
		Lineage: t.Session.Document().Lineage, Description: artifact.Description,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("making the manifest: %w", err)
	}
	artifact.ManifestSize, artifact.ManifestSHA256 = int64(len(data)), hexSHA256(data)
	return artifact, data, nil
}

func (t *taking) sourceType() string {
	for _, source := range t.Spec.Sources {
		if source.Address == t.action.Source {
			return source.Type
		}
	}
	return ""
}

// copies is what came of the destinations.
type copies struct {
	stored   []string
	problems []error
	leftover []string
}

// seal writes the manifest to every branch whose bytes are committed, and records the copies in the artifact. Bytes that
// get no manifest are removed again: without one they are no backup.
func (t *taking) seal(ctx context.Context, outcome pipeline.Outcome, artifact *state.Artifact, manifest []byte) copies {
	var copies copies
	for i, branch := range outcome.Branches {
		if branch.Err != nil {
			copies.problems = append(copies.problems, fmt.Errorf("%s: %w", branch.Name, branch.Err))
			copies.leftover = append(copies.leftover, t.leftovers(ctx, t.branches[i:i+1], t.key)...)
			continue
		}
		destination := t.branches[i].Destination
		object, err := providers.WriteObject(ctx, destination, state.ManifestKey(t.key), manifest, false)
		if err != nil {
			copies.problems = append(copies.problems, fmt.Errorf("%s: writing the manifest: %w", branch.Name, err))
			if err := destination.Delete(context.WithoutCancel(ctx), t.key, branch.Object.Version); err != nil && !errors.Is(err, providers.ErrNotExist) {
				copies.leftover = append(copies.leftover, branch.Name)
			}
			continue
		}
		now := t.now()
		copies.stored = append(copies.stored, branch.Name)
		artifact.Replicas = append(artifact.Replicas, storedReplica(branch.Name, artifact.Stored, branch.Object, object, now))
	}
	slices.SortFunc(artifact.Replicas, func(a, b state.Replica) int { return strings.Compare(a.Destination, b.Destination) })
	return copies
}

// judge holds the copies against what was declared.
func (t *taking) judge(copies copies) error {
	if len(copies.problems) == 0 {
		return nil
	}
	problems := errors.Join(copies.problems...)
	if len(copies.stored) >= t.action.MinCopies {
		return fmt.Errorf("%w: %d of %d copies: %w", errDegraded, len(copies.stored), len(t.branches), problems)
	}
	return fmt.Errorf("%d of %d copies, and min_copies is %d: %w", len(copies.stored), len(t.branches), t.action.MinCopies, problems)
}

// declared finds a backup of the specification.
func (e *Executor) declared(address string) *spec.Backup {
	for _, backup := range e.Spec.Backups {
		if backup.Address == address {
			return backup
		}
	}
	return nil
}

// branches resolves destinations for a pipeline.
func (e *Executor) branches(addresses []string) ([]pipeline.Branch, error) {
	branches := make([]pipeline.Branch, 0, len(addresses))
	for _, address := range addresses {
		destination, err := e.destination(address)
		if err != nil {
			return nil, err
		}
		branches = append(branches, pipeline.Branch{Name: address, Destination: destination})
	}
	return branches, nil
}

// summarize says in a few words what was stored.
func summarize(outcome pipeline.Outcome, copies copies) string {
	took := outcome.EndedAt.Sub(outcome.StartedAt)
	noun := "copies"
	if len(copies.stored) == 1 {
		noun = "copy"
	}
	return fmt.Sprintf("%s in %s, stored %s%s, %d %s", units.Bytes(outcome.Raw.Size), units.Age(took),
		units.Bytes(outcome.Stored.Size), reduction(outcome.Raw.Size, outcome.Stored.Size), len(copies.stored), noun)
}

// reduction says how much smaller the stored bytes are, when they are.
func reduction(raw, stored int64) string {
	if raw <= 0 || (raw-stored)*100/raw < 1 {
		return ""
	}
	return fmt.Sprintf(" (%d%% smaller)", (raw-stored)*100/raw)
}
