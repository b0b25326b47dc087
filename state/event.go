package state

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Apply makes one change. On an error the document is as it was. Artifacts are replaced, never altered: whoever holds one
// keeps what it saw. The serial is not touched, because it counts the records of a journal and not their events.
func (d *Document) Apply(event Event) error {
	if event.isRecord() {
		if err := event.checkRecord(); err != nil {
			return err
		}
		d.put(event)
		return nil
	}
	id, after, err := event.resolve(d.Find)
	if err != nil {
		return err
	}
	d.Artifacts = place(d.Artifacts, d.Find(id), after)
	return nil
}

// isRecord reports whether the event is about something else than an artifact.
func (e Event) isRecord() bool {
	return e.PutDrill != nil || e.PutRelease != nil || e.PutCheck != nil || e.PutCleanup != nil || e.Settle != nil
}

// checkRecord refuses a record that breaks its promises, or more than one change.
func (e Event) checkRecord() error {
	changes := 0
	for _, set := range []bool{
		e.PutArtifact != nil, e.PutReplica != nil, e.RemoveReplica != nil, e.PutDrill != nil, e.PutRelease != nil, e.PutCheck != nil, e.PutCleanup != nil, e.Settle != nil,
	} {
		if set {
			changes++
		}
	}
	switch {
	case changes != 1:
		return errors.New("an event must be exactly one change")
	case e.PutDrill != nil:
		return e.PutDrill.check()
	case e.PutCheck != nil:
		return e.PutCheck.check()
	case e.PutCleanup != nil:
		return e.PutCleanup.check()
	case e.Settle != nil:
		return e.Settle.check()
	default:
		return e.PutRelease.check()
	}
}

// put makes the change of an event that isRecord and that checkRecord found good.
func (d *Document) put(event Event) {
	if event.PutDrill != nil {
		d.Drills = putAttempt(d.Drills, event.PutDrill, KeptDrills)
	}
	if event.PutRelease != nil {
		d.Releases = putAttempt(d.Releases, event.PutRelease, KeptReleases)
	}
	if event.PutCheck != nil {
		d.Checks = putResult(d.Checks, event.PutCheck)
	}
	if event.PutCleanup != nil {
		d.Cleanups = putAttempt(d.Cleanups, event.PutCleanup, KeptCleanups)
	}
	if event.Settle != nil {
		d.Setbacks = settle(d.Setbacks, event.Settle)
	}
}

// resolve returns the artifact that an event is about, as it is after it: nil when it is removed.
func (e Event) resolve(find func(id string) *Artifact) (id string, after *Artifact, err error) {
	switch {
	case e.PutArtifact != nil && e.PutReplica == nil && e.RemoveReplica == nil:
		artifact := *e.PutArtifact
		artifact.Replicas = sortReplicas(artifact.Replicas)
		return artifact.ID, &artifact, artifact.check()
	case e.PutReplica != nil && e.PutArtifact == nil && e.RemoveReplica == nil:
		return e.PutReplica.resolve(find, (*Artifact).withReplica)
	case e.RemoveReplica != nil && e.PutArtifact == nil && e.PutReplica == nil:
		return e.RemoveReplica.resolve(find, (*Artifact).withoutReplica)
	default:
		return "", nil, errors.New("an event must be exactly one change")
	}
}

// resolve finds the artifact of the change and makes the changed one from it.
func (c *ReplicaChange) resolve(find func(id string) *Artifact, change func(*Artifact, Replica) (*Artifact, error)) (string, *Artifact, error) {
	before := find(c.Artifact)
	if before == nil {
		return "", nil, fmt.Errorf("artifact %q is not in the state", c.Artifact)
	}
	after, err := change(before, c.Replica)
	return c.Artifact, after, err
}

// withReplica returns the artifact with one copy added or replaced.
func (a *Artifact) withReplica(replica Replica) (*Artifact, error) {
	if err := replica.check(); err != nil {
		return nil, fmt.Errorf("artifact %s: %w", a.ID, err)
	}
	after := *a
	i, exists := a.search(replica.Destination)
	after.Replicas = slices.Clone(a.Replicas)
	if exists {
		after.Replicas[i] = replica
	} else {
		after.Replicas = slices.Insert(after.Replicas, i, replica)
	}
	return &after, nil
}

// withoutReplica returns the artifact without the copy at the replica's destination, or nil when that was the last.
func (a *Artifact) withoutReplica(replica Replica) (*Artifact, error) {
	i, exists := a.search(replica.Destination)
	if !exists {
		return nil, fmt.Errorf("artifact %s has no copy at %q", a.ID, replica.Destination)
	}
	if len(a.Replicas) == 1 {
		return nil, nil
	}
	after := *a
	after.Replicas = slices.Delete(slices.Clone(a.Replicas), i, i+1)
	return &after, nil
}

// search finds the place of a destination among the replicas.
func (a *Artifact) search(destination string) (int, bool) {
	return slices.BinarySearchFunc(a.Replicas, destination, func(r Replica, destination string) int {
		return strings.Compare(r.Destination, destination)
	})
}

// place puts after in the place of before, in ordered artifacts; either may be nil. An artifact whose place in the order
// did not change costs a binary search.
func place(artifacts []*Artifact, before, after *Artifact) []*Artifact {
	if before != nil {
		if i, exists := slices.BinarySearchFunc(artifacts, before, compareArtifacts); exists {
			if after != nil && compareArtifacts(before, after) == 0 {
				artifacts[i] = after
				return artifacts
			}
			artifacts = slices.Delete(artifacts, i, i+1)
		}
	}
	if after != nil {
		i, _ := slices.BinarySearchFunc(artifacts, after, compareArtifacts)
		artifacts = slices.Insert(artifacts, i, after)
	}
	return artifacts
}
