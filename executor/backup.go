package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

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
	declared := r.Spec.Backup(action.Backup)
	if declared == nil {
		return result{}, fmt.Errorf("%s is not in the specification", action.Backup)
	}
	source, ok := r.World.Sources[action.Source]
	if !ok {
		return result{}, fmt.Errorf("%s is not in the specification", action.Source)
	}
	source, err := r.continued(action, source)
	if err != nil {
		return result{}, err
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
			units.Counted(len(action.Recipients), "recipient", "recipients"), units.Counted(len(recipientsOf(declared)), "recipient", "recipients"))
	}
	taking := &taking{run: r, declared: declared, action: action, source: source, codec: declared.Codec, branches: branches}
	taking.id = fmt.Sprintf("%s-%s-%s", declared.Name, r.Clock.Now().UTC().Format(compactTime), suffix)
	if declared.Chooser != nil {
		peeked, err := taking.choose(ctx)
		if err != nil {
			return result{}, err
		}
		defer peeked.Close()
	}
	taking.extension = source.Format().Extension + taking.codec.Extension()
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
	declared *spec.Backup
	action   *planner.Backup
	source   providers.Source
	codec    providers.Codec
	// chosen is set where the codec was chosen by measuring.
	chosen    *providers.Chosen
	branches  []pipeline.Branch
	id        string
	extension string
	key       string

	// artifact and manifest are nil until the stream has proven good. The artifact's replicas are those that have a manifest.
	artifact *state.Artifact
	manifest []byte
	// recorded: the artifact is in the state, with the replicas that were sealed before the others were waited for. records counts
	// how often something was recorded.
	recorded bool
	records  int
	// places are in the order of the branches; zero as long as nothing is known.
	places   []Place
	problems []error
	leftover []string
	events   []state.Event
}

func (t *taking) take(ctx context.Context) (result, effect, error) {
	t.places = make([]Place, len(t.branches))
	outcome, err := pipeline.Run(ctx, pipeline.Job{
		Run:          "imsctl-" + t.run.id,
		Source:       t.source,
		Codec:        t.codec,
		Encryption:   t.declared.Encryption,
		Key:          t.key,
		Branches:     t.branches,
		ExpectedSize: t.action.Bytes,
		SlowLimit:    t.SlowLimit,
		StallLimit:   t.StallLimit,
		Clock:        t.Clock,
		Progress:     progress{reporter: t.reporter, address: t.action.Address},
		Kept: func(outcome pipeline.Outcome) {
			t.seal(ctx, outcome)
			t.record(ctx)
		},
	})
	if err != nil {
		return result{}, effect{leftover: t.leftovers(ctx, t.branches, t.key, err)}, err
	}
	t.seal(ctx, outcome)
	t.copyLate(ctx)
	for i, place := range t.places {
		if place.Status == PlaceFailed {
			t.problems = append(t.problems, fmt.Errorf("%s: %w", place.Destination, place.err))
			t.leftover = append(t.leftover, t.leftovers(ctx, t.branches[i:i+1], t.key, place.err)...)
		}
	}
	done := result{summary: t.summarize(outcome) + t.predicted() + t.method() + t.sealedFor(), warnings: t.warnings(outcome), places: t.places}
	if t.artifact != nil && len(t.artifact.Replicas) > 0 {
		t.taken.Store(t.action.Backup, t.id)
		if !t.recorded {
			t.events = []state.Event{{PutArtifact: t.artifact}}
		}
	}
	return done, effect{events: t.events, leftover: t.leftover}, t.judge()
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
		Method: t.codec.Method(), Level: t.codec.Level(), Compression: t.declared.Compression, Choice: t.choice(), SourceSeconds: seconds(outcome.SourceTook),
		Extension: t.extension, Key: t.key,
		Encryption: encryptionOf(t.declared),
		Versions:   outcome.Reading.Versions, RowCounts: outcome.Reading.RowCounts, KeyCounts: keyCounts(outcome.Reading.KeyCounts),
		Needs:     (*state.Needs)(outcome.Reading.Needs),
		Container: containerOf(outcome.Reading.Container), Position: outcome.Reading.Position, What: planner.WhatIsRead(t.Spec, t.declared),
		Warnings: t.redactedAll(t.warnings(outcome)),
	}, Survey: t.survey()}
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

// keyCounts are counts as they are recorded.
func keyCounts(read *providers.KeyCounts) *state.KeyCounts {
	if read == nil {
		return nil
	}
	recorded := func(counts map[string]providers.KeyCount) map[string]state.KeyCount {
		all := make(map[string]state.KeyCount, len(counts))
		for name, count := range counts {
			all[name] = state.KeyCount(count)
		}
		return all
	}
	return &state.KeyCounts{Databases: recorded(read.Databases), Patterns: recorded(read.Patterns)}
}

func (t *taking) sourceType() string {
	if source := t.Spec.Source(t.action.Source); source != nil {
		return source.Type
	}
	return ""
}

// seal writes the manifest to every branch whose bytes are committed and that has none yet, and adds the copies to the artifact.
// Bytes that get no manifest are removed again: without one they are no backup.
func (t *taking) seal(ctx context.Context, outcome pipeline.Outcome) {
	if t.artifact == nil {
		var err error
		if t.artifact, t.manifest, err = t.describe(outcome); err != nil {
			t.problems = append(t.problems, err)
		}
	}
	var group sync.WaitGroup
	sealed := make([]*state.Replica, len(outcome.Branches))
	for i, branch := range outcome.Branches {
		if branch.Pending || t.places[i].Status != "" {
			continue
		}
		place := &t.places[i]
		place.Destination = branch.Name
		switch {
		case branch.Err != nil:
			place.Status, place.err = PlaceFailed, branch.Err
		case t.manifest == nil:
			place.Status, place.err = PlaceFailed, errors.New("there is no manifest for it")
		default:
			// At once: one that does not answer must not keep the others from becoming backups.
			group.Go(func() { sealed[i] = t.sealOne(ctx, i, branch) })
		}
	}
	group.Wait()
	for _, replica := range sealed {
		if replica != nil {
			t.add(*replica)
		}
	}
}

// sealOne writes the manifest to one branch, and returns the copy that this has made; nil when it failed.
func (t *taking) sealOne(ctx context.Context, i int, branch pipeline.BranchOutcome) *state.Replica {
	place, destination := &t.places[i], t.branches[i].Destination
	object, err := t.writeManifest(ctx, destination, t.key, t.manifest, false)
	if err != nil {
		place.Status, place.err = PlaceFailed, fmt.Errorf("writing the manifest: %w", err)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
		if err := removeUnsealed(ctx, destination, t.key, branch.Object.Version); err != nil {
			place.err = errors.Join(place.err, fmt.Errorf("removing what was stored: %w", err))
		}
		return nil
	}
	place.Status = PlaceStored
	if branch.Followed != "" {
		place.From, place.Reason = branch.Followed, becauseSlow
	}
	replica := storedReplica(branch.Name, t.artifact.Stored, branch.Object, object, t.now())
	replica.UploadSeconds = seconds(branch.Took)
	return &replica
}

// add adds a copy to the artifact, as an event of its own when that is in the state already.
func (t *taking) add(replica state.Replica) {
	if t.recorded {
		t.events = append(t.events, state.Event{PutReplica: &state.ReplicaChange{Artifact: t.id, Replica: replica}})
		return
	}
	t.artifact.Replicas = append(t.artifact.Replicas, replica)
	slices.SortFunc(t.artifact.Replicas, func(a, b state.Replica) int { return strings.Compare(a.Destination, b.Destination) })
}

// judge holds the copies against what was declared.
func (t *taking) judge() error {
	if len(t.problems) == 0 {
		return nil
	}
	problems, stored := errors.Join(t.problems...), t.stored()
	if stored >= t.action.MinCopies {
		return fmt.Errorf("%w: %d of %d copies: %w", errDegraded, stored, len(t.branches), problems)
	}
	return fmt.Errorf("%d of %d copies, and min_copies is %d: %w", stored, len(t.branches), t.action.MinCopies, problems)
}

// stored counts the copies.
func (t *taking) stored() int {
	count := 0
	for _, place := range t.places {
		if place.Status == PlaceStored || place.Status == PlaceCopied {
			count++
		}
	}
	return count
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
func (t *taking) summarize(outcome pipeline.Outcome) string {
	took := outcome.EndedAt.Sub(outcome.StartedAt)
	noun := "copies"
	if t.stored() == 1 {
		noun = "copy"
	}
	return fmt.Sprintf("%s in %s, stored %s%s, %d %s", units.Bytes(outcome.Raw.Size), units.Span(took),
		units.Bytes(outcome.Stored.Size), reduction(outcome.Raw.Size, outcome.Stored.Size), t.stored(), noun)
}

// reduction says how much smaller the stored bytes are, when they are.
func reduction(raw, stored int64) string {
	if smaller := units.Smaller(raw, stored); smaller != "" {
		return " (" + smaller + ")"
	}
	return ""
}
