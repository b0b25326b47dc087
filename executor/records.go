package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

// move hands what is recorded at one address to another, as one step.
func (r *run) move(ctx context.Context, action *planner.Move) (result, error) {
	events := MoveRecords(r.Session.Document(), action.From, action.To, action.Backup)
	if err := r.record(ctx, action, events); err != nil {
		return result{}, err
	}
	return result{summary: changed(len(events)) + " recorded under the new address"}, nil
}

// release forgets what is recorded at an address, as one step.
func (r *run) release(ctx context.Context, action *planner.Release) (result, error) {
	document := r.Session.Document()
	events := ReleaseRecords(document, action.From, action.Backup)
	if err := r.record(ctx, action, events); err != nil {
		return result{}, err
	}
	return result{summary: changed(len(events)) + " forgotten, nothing deleted"}, nil
}

// record makes changes to the state that touch nothing else.
func (r *run) record(ctx context.Context, action planner.Action, events []state.Event) error {
	if len(events) == 0 {
		return errors.New("nothing is recorded there any more: make a new plan")
	}
	return r.during(ctx, r.intent(action), func() (effect, error) { return effect{events: events}, nil })
}

// changed counts what was changed.
func changed(n int) string {
	if n == 1 {
		return "1 record"
	}
	return fmt.Sprintf("%d records", n)
}

// MoveRecords returns the changes that hand what is recorded at one address to another: the artifacts of a backup, or the
// copies at a destination, of one backup only when backup is not empty.
func MoveRecords(document *state.Document, from, to, backup string) []state.Event {
	var events []state.Event
	for _, artifact := range document.Artifacts {
		after := artifact
		switch {
		case artifact.Backup == from:
			after = artifact.Of(to)
		case backup == "" || artifact.Backup == backup:
			after = artifact.Relocated(from, to)
		}
		if after != artifact {
			events = append(events, state.Event{PutArtifact: after})
		}
	}
	for _, drill := range document.Drills {
		if drill.Backup == from {
			events = append(events, state.Event{PutDrill: drill.Of(to)})
		}
	}
	return events
}

// ReleaseRecords returns the changes that forget what is recorded at an address: the artifacts of a backup, or the copies at
// a destination, of one backup only when backup is not empty.
func ReleaseRecords(document *state.Document, from, backup string) []state.Event {
	ofBackup := strings.HasPrefix(from, "backup.")
	var events []state.Event
	for _, artifact := range document.Artifacts {
		if ofBackup && artifact.Backup != from || backup != "" && artifact.Backup != backup {
			continue
		}
		for _, replica := range artifact.Replicas {
			if ofBackup || replica.Destination == from {
				events = append(events, removal(artifact.ID, replica.Destination))
			}
		}
	}
	return events
}

// adopt reads a copy back that the state does not know, and records it only when it proves good.
func (r *run) adopt(ctx context.Context, action *planner.Adopt) (result, error) {
	destination, err := r.destination(action.Destination)
	if err != nil {
		return result{}, err
	}
	artifact, err := r.adoptable(ctx, destination, action.Backup, action.Artifact, action.Key)
	if err != nil {
		return result{}, err
	}
	if artifact.ManifestSHA256 != action.ManifestSHA256 {
		return result{}, fmt.Errorf("the manifest of %s is not the one that the plan saw: make a new plan", action.Artifact)
	}
	if recorded := r.Session.Document().Find(action.Artifact); recorded != nil &&
		(recorded.Backup != action.Backup || recorded.ManifestSHA256 != artifact.ManifestSHA256) {
		return result{}, fmt.Errorf("another artifact %s is recorded for %s: it is not touched", recorded.ID, recorded.Backup)
	}
	intent := r.intent(action)
	intent.Artifact = artifact.ID
	err = r.during(ctx, intent, func() (effect, error) {
		event, err := r.readBack(ctx, action.Address, artifact, action.Destination, true)
		if err != nil {
			return effect{}, fmt.Errorf("not adopted: %w", err)
		}
		return effect{events: []state.Event{*event}}, nil
	})
	if err != nil {
		return result{}, err
	}
	return result{summary: units.Bytes(artifact.Stored.Size) + r.proven(artifact) + ", recorded"}, nil
}
