package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// drill restores a copy into a scratch place, compares, and removes the place, whatever came of it. The intent names the place
// before it is made, so that the next plan finds one that a killed process left.
func (r *run) drill(ctx context.Context, action *planner.Drill) (result, error) {
	d, err := r.newDrilling(action)
	if err != nil {
		return result{}, err
	}
	intent := r.intent(action)
	intent.Artifact, intent.Scratch, intent.ScratchAt = d.artifact.ID, d.name, r.Spec.Redact(d.driller.Location())
	d.record.ID = intent.ID
	err = r.during(ctx, intent, func() (effect, error) { return d.make(ctx) })
	done := result{warnings: d.warnings}
	if d.record.Outcome != "" {
		done.drill = &d.record
	}
	if err == nil {
		done.summary = d.summary()
	}
	return done, err
}

// drilling is one drill.
type drilling struct {
	*run
	action      *planner.Drill
	artifact    *state.Artifact
	destination providers.Destination
	driller     providers.Driller
	// name is that of the scratch place.
	name     string
	record   state.Drill
	warnings []string
}

// newDrilling finds everything that a drill needs, and touches nothing.
func (r *run) newDrilling(action *planner.Drill) (*drilling, error) {
	driller, ok := r.World.Drillers[action.Address]
	if !ok {
		return nil, fmt.Errorf("%s is not in the specification", action.Address)
	}
	destination, err := r.destination(action.From)
	if err != nil {
		return nil, err
	}
	id := action.Artifact
	if id == "" {
		taken, ok := r.taken.Load(action.Backup)
		if !ok {
			return nil, fmt.Errorf("%s was not taken in this run", action.Backup)
		}
		id = taken.(string)
	}
	artifact, err := r.artifact(id)
	if err != nil {
		return nil, err
	}
	if _, stored := artifact.Replica(action.From); !stored {
		return nil, fmt.Errorf("%s has no copy of %s", action.From, id)
	}
	if err := checkIdentity(artifact, r.Decryption); err != nil {
		return nil, err
	}
	random, err := r.randomHex(8)
	if err != nil {
		return nil, err
	}
	return &drilling{
		run: r, action: action, artifact: artifact, destination: destination, driller: driller,
		name: providers.ScratchName(r.Session.Document().Lineage, r.id, random),
		record: state.Drill{
			Address: action.Address, Backup: action.Backup, Artifact: id, Destination: action.From, Into: action.Into, StartedAt: r.now(),
		},
	}, nil
}

// make carries the drill out and says what the state learns. An interrupted drill says nothing about the backup.
func (d *drilling) make(ctx context.Context) (effect, error) {
	err, removal := d.inScratch(ctx)
	done := effect{scratch: removal != nil || errors.Is(err, providers.ErrScratchLeft)}
	if ctx.Err() == nil {
		d.record.EndedAt, d.record.Outcome, d.record.Warnings = d.now(), state.Done, d.redactedAll(d.warnings)
		if err != nil {
			d.record.Outcome, d.record.Error = state.Failed, d.Spec.Redact(err.Error())
		}
		done.events = append(done.events, state.Event{PutDrill: &d.record})
	}
	if errors.Is(err, pipeline.ErrAltered) {
		done.events = append(done.events, d.condemned(d.artifact.ID, d.action.From, err)...)
	}
	return done, errors.Join(err, removal)
}

// inScratch makes the scratch place, works in it, and removes it. The second error is that of the removal.
func (d *drilling) inScratch(ctx context.Context) (err, removal error) {
	scratch, err := d.driller.Begin(ctx, d.name)
	if err != nil {
		return err, nil
	}
	if err = d.restore(ctx, scratch); err == nil {
		err = d.compare(ctx, scratch)
	}
	d.warnings = scratch.Warnings()
	return err, scratch.Close(context.WithoutCancel(ctx))
}

// restore puts the copy into the scratch place and measures how long that takes.
func (d *drilling) restore(ctx context.Context, scratch providers.Scratch) (err error) {
	codec, err := d.codec(d.artifact)
	if err != nil {
		return err
	}
	begun := d.Clock.Now()
	reader, err := pipeline.Open(ctx, pipeline.VerifyJob{
		From: pipeline.Branch{Name: d.action.From, Destination: d.destination}, Key: d.artifact.Key, Codec: codec,
		Encrypted: d.artifact.Encryption != nil, Decryption: d.Decryption,
		Stored: d.artifact.Stored, Raw: d.artifact.Raw, Progress: progress{reporter: d.reporter, address: d.action.Address},
	})
	if err != nil {
		return fmt.Errorf("%s: %w", d.action.From, err)
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	tracked := &trackingReader{source: reader}
	if err := scratch.Restore(ctx, tracked); err != nil {
		if tracked.err != nil {
			// What a restore says of a stream that broke off is no news.
			return fmt.Errorf("%s: %w", d.action.From, tracked.err)
		}
		return err
	}
	// Whoever restores must have read all of it, or nothing is proven.
	if _, err := io.Copy(io.Discard, tracked); err != nil {
		return fmt.Errorf("%s: %w", d.action.From, err)
	}
	d.record.RecoverySeconds = d.Clock.Now().Sub(begun).Seconds()
	return nil
}

// compare holds the scratch place against the record.
func (d *drilling) compare(ctx context.Context, scratch providers.Scratch) error {
	found, err := scratch.Compare(ctx, providers.DrillExpectation{RowCounts: d.artifact.RowCounts, KeyCounts: countedKeys(d.artifact.KeyCounts)})
	if err != nil {
		return err
	}
	d.record.Tables, d.record.Rows, d.record.Keys, d.record.Files, d.record.Assertions = found.Tables, found.Rows, found.Keys, found.Files, found.Assertions
	differences := d.redactedAll(found.Differences)
	if len(differences) == 0 {
		return nil
	}
	more := ""
	if left := len(differences) - state.MaxDifferences; left > 0 {
		differences, more = differences[:state.MaxDifferences], "\n  and "+units.Counted(left, "more", "more")
	}
	d.record.Differences = differences
	return fmt.Errorf("what was restored from %s is not what was backed up:\n  %s%s", d.action.From, strings.Join(differences, "\n  "), more)
}

// summary says what was proven: "505 MiB restored in 2m10s; 42 tables with 1200 rows equal, 2 assertions true".
func (d *drilling) summary() string {
	took := time.Duration(d.record.RecoverySeconds * float64(time.Second))
	text := fmt.Sprintf("%s restored from %s in %s", units.Bytes(d.artifact.Raw.Size), d.action.From, units.Span(took))
	var proven []string
	if d.record.Tables > 0 {
		proven = append(proven, fmt.Sprintf("%s with %s equal", units.Counted(d.record.Tables, "table", "tables"), units.Counted(d.record.Rows, "row", "rows")))
	}
	if d.record.Keys > 0 {
		proven = append(proven, units.Counted(d.record.Keys, "key", "keys")+" equal")
	}
	if d.record.Files > 0 {
		proven = append(proven, units.Counted(d.record.Files, "file or folder", "files and folders")+" equal")
	}
	if d.record.Assertions > 0 {
		proven = append(proven, units.Counted(d.record.Assertions, "assertion", "assertions")+" true")
	}
	if len(proven) == 0 {
		return text + "; nothing was compared"
	}
	return text + "; " + strings.Join(proven, ", ")
}

// removeScratch removes what an interrupted drill left.
func (r *run) removeScratch(ctx context.Context, action *planner.Sweep) (result, error) {
	driller, ok := r.World.Drillers[action.Drill]
	if !ok {
		return result{}, fmt.Errorf("%s is not in the specification", action.Drill)
	}
	if at := r.Spec.Redact(driller.Location()); at != action.ScratchAt {
		// Here it never was, and there nobody looks any more.
		r.settled.Store(action.Scratch, true)
		return result{summary: "nothing to remove", warnings: []string{
			fmt.Sprintf("%s goes to %s now: remove %s at %s by hand, if it is still there", action.Drill, at, action.Scratch, action.ScratchAt),
		}}, nil
	}
	err := r.during(ctx, r.intent(action), func() (effect, error) { return effect{}, driller.Remove(ctx, action.Scratch) })
	if err != nil {
		return result{}, err
	}
	r.settled.Store(action.Scratch, true)
	return result{summary: "removed"}, nil
}

// countedKeys are recorded counts as a drill compares them.
func countedKeys(recorded *state.KeyCounts) *providers.KeyCounts {
	if recorded == nil {
		return nil
	}
	counted := func(counts map[string]state.KeyCount) map[string]providers.KeyCount {
		all := make(map[string]providers.KeyCount, len(counts))
		for name, count := range counts {
			all[name] = providers.KeyCount(count)
		}
		return all
	}
	return &providers.KeyCounts{Databases: counted(recorded.Databases), Patterns: counted(recorded.Patterns)}
}
