package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/state"
)

// becauseSlow is why a destination got its copy in another way than from the stream.
const becauseSlow = "because it was slower than the source"

// record puts what is sealed into the state before the action is over, so that it is not lost with what is still to come. A
// failure is no reason to give anything up: the end of the action records it all again, or fails too.
func (t *taking) record(ctx context.Context) {
	if t.artifact == nil || len(t.artifact.Replicas) == 0 || t.recorded && len(t.events) == 0 {
		return
	}
	events := t.events
	if !t.recorded {
		sealed := *t.artifact
		sealed.Replicas = slices.Clone(t.artifact.Replicas)
		events = []state.Event{{PutArtifact: &sealed}}
	}
	t.records++
	intent := t.intent(t.action)
	intent.ID += fmt.Sprintf("/sealed.%d", t.records)
	intent.Artifact, intent.Key = t.id, t.key
	for _, place := range t.places {
		if place.Status == PlaceStored {
			intent.Destinations = append(intent.Destinations, place.Destination)
		}
	}
	err := t.during(context.WithoutCancel(ctx), intent, func() (effect, error) { return effect{events: events}, nil })
	if err != nil {
		t.problems = append(t.problems, err)
		return
	}
	t.recorded, t.events = true, nil
}

// copyLate gives those that were left behind their copies, from a destination that has one, all at once. What fails is left to
// the next plan.
func (t *taking) copyLate(ctx context.Context) {
	var late []int
	for i, place := range t.places {
		if place.Status == PlaceFailed && errors.Is(place.err, pipeline.ErrSlow) {
			late = append(late, i)
		}
	}
	origins := t.origins()
	if len(late) == 0 || len(origins) == 0 || ctx.Err() != nil {
		return
	}
	t.record(ctx)
	copies, replicas, failures := make([]*transfer, len(late)), make([]state.Replica, len(late)), make([]error, len(late))
	var group sync.WaitGroup
	for n, i := range late {
		copies[n] = &transfer{
			run: t.run, artifact: t.artifact, target: t.branches[i].Destination, to: t.branches[i].Name,
			progress: lateProgress{progress{reporter: t.reporter, address: t.action.Address}},
		}
		group.Go(func() { replicas[n], failures[n] = copies[n].fromAny(ctx, origins) })
	}
	group.Wait()
	for n, i := range late {
		place := &t.places[i]
		t.events = append(t.events, copies[n].found...)
		if failures[n] != nil {
			place.err = fmt.Errorf("%w; copying it afterwards: %w", place.err, failures[n])
			continue
		}
		place.Status, place.From, place.Reason, place.err = PlaceCopied, copies[n].used, becauseSlow, nil
		t.add(replicas[n])
	}
}

// origins are the destinations to copy from, in order: disks before clouds.
func (t *taking) origins() []string {
	var disks, clouds []string
	for i, place := range t.places {
		switch {
		case place.Status != PlaceStored:
		case t.isDisk(i):
			disks = append(disks, place.Destination)
		default:
			clouds = append(clouds, place.Destination)
		}
	}
	return append(disks, clouds...)
}

// isDisk reports whether a branch is a folder, which is read for nothing.
func (t *taking) isDisk(branch int) bool {
	for _, destination := range t.Spec.Destinations {
		if destination.Address == t.branches[branch].Name {
			return destination.Type == "local"
		}
	}
	return false
}

// lateProgress tells of a copy within a backup: what is read for it is not read from the source.
type lateProgress struct{ progress }

// Read implements pipeline.Progress.
func (lateProgress) Read(int64) {}
