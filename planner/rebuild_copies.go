package planner

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/state"
)

// collect reads what was found at every destination.
func (r *rebuild) collect() {
	for _, address := range slices.Sorted(maps.Keys(r.observed.Destinations)) {
		view := r.observed.Destinations[address]
		if view.Err != nil {
			r.result.Unseen[address] = view.Err
			continue
		}
		r.result.Manifests[address] = len(view.Manifests)
		for _, key := range slices.Sorted(maps.Keys(view.Manifests)) {
			if found, ok := r.sighting(address, view, key); ok {
				r.found[found.artifact.ID] = append(r.found[found.artifact.ID], found)
			}
		}
	}
}

// leaveOut notes a manifest that is not taken.
func (r *rebuild) leaveOut(destination, key, problem string) {
	r.result.LeftOut = append(r.result.LeftOut, LeftOut{Destination: destination, Key: key, Problem: problem})
}

// sighting makes an artifact and a copy of one manifest. It returns false for one that cannot be used.
func (r *rebuild) sighting(address string, view *DestinationView, key string) (sighting, bool) {
	found := view.Manifests[key]
	if found.Err != nil {
		if damage := new(state.DamageError); errors.As(found.Err, &damage) {
			r.damaged[objectRef{address, key}] = found.Err
		} else {
			r.leaveOut(address, key, oneLine(found.Err.Error()))
		}
		return sighting{}, false
	}
	description := found.Manifest.Description
	if state.ManifestKey(description.Key) != key {
		r.leaveOut(address, key, "it describes "+description.Key+", which is another object")
		return sighting{}, false
	}
	owner, fits := r.ownerOf(&description)
	if !fits {
		r.leaveOut(address, key, "it is one of "+description.Backup+", which is not declared, or not with this folder: a moved block or an import block takes it over")
		return sighting{}, false
	}
	description.Backup = owner
	made := sighting{destination: address, lineage: found.Manifest.Lineage, artifact: &state.Artifact{
		Description: description, ManifestSize: view.Objects[key].Size, ManifestSHA256: found.SHA256,
	}}
	made.replica = r.replica(address, view, made.artifact)
	return made, true
}

// replica is the copy of an artifact as it was seen: what the store's checksum proves is verified, what nobody has proven
// is unproven, and what contradicts the manifest is altered.
func (r *rebuild) replica(address string, view *DestinationView, artifact *state.Artifact) state.Replica {
	object, there := view.Objects[artifact.Key]
	manifest := view.Objects[state.ManifestKey(artifact.Key)]
	replica := state.Replica{
		Destination: address, Version: object.Version, ManifestVersion: manifest.Version,
		Condition: state.Unproven, StoredAt: manifest.Modified.UTC(),
	}
	if replica.StoredAt.IsZero() {
		replica.StoredAt = r.now
	}
	switch {
	case !there:
		replica.Problem = "gone from " + address + ", only its manifest is left"
	case object.Size != artifact.Stored.Size:
		replica.Problem = "size " + sizes(object.Size, artifact.Stored.Size)
	case artifact.Stored.Refutes(object.CRC32C):
		replica.Problem = fmt.Sprintf("the store's checksum is %08x, manifest says %s", *object.CRC32C, artifact.Stored.CRC32C)
	case artifact.Stored.Confirms(object.CRC32C):
		replica.Condition, replica.VerifiedAt, replica.ComparedAt = state.Verified, r.now, r.now
	}
	if replica.Problem != "" {
		replica.Condition = state.Altered
	}
	return replica
}

// add takes what was found of one artifact into the state's artifacts.
func (r *rebuild) add(id string) {
	var recorded *state.Artifact
	at, known := r.places[id]
	if known {
		recorded = r.artifacts[at]
	}
	if r.contradictory(id, recorded) {
		return
	}
	sightings := r.found[id]
	sound := recorded != nil || slices.ContainsFunc(sightings, func(found sighting) bool { return found.replica.Condition != state.Altered })
	addition := Addition{Recorded: known}
	after := *sightings[0].artifact
	if known {
		after = *recorded
	}
	after.Replicas = slices.Clone(after.Replicas)
	for _, found := range sightings {
		if _, there := after.Replica(found.destination); there {
			continue
		}
		if !sound {
			r.leaveOut(found.destination, state.ManifestKey(found.artifact.Key), found.replica.Problem+", and no other copy of "+id+" is good")
			continue
		}
		after.Replicas = append(after.Replicas, found.replica)
		addition.Copies = append(addition.Copies, found.replica)
	}
	for _, copied := range r.beheaded(&after) {
		after.Replicas = append(after.Replicas, copied)
		addition.Copies = append(addition.Copies, copied)
	}
	if len(addition.Copies) == 0 {
		return
	}
	slices.SortFunc(addition.Copies, func(a, b state.Replica) int { return strings.Compare(a.Destination, b.Destination) })
	slices.SortFunc(after.Replicas, func(a, b state.Replica) int { return strings.Compare(a.Destination, b.Destination) })
	addition.Artifact = &after
	r.result.Added = append(r.result.Added, addition)
	if known {
		r.artifacts[at] = &after
		return
	}
	r.artifacts = append(r.artifacts, &after)
}

// beheaded are the copies of an artifact whose own manifest is damaged: another copy's says what they should be.
func (r *rebuild) beheaded(artifact *state.Artifact) []state.Replica {
	var copies []state.Replica
	for address, view := range r.observed.Destinations {
		damage := r.damaged[objectRef{address, state.ManifestKey(artifact.Key)}]
		if _, there := artifact.Replica(address); there || damage == nil || len(artifact.Replicas) == 0 {
			continue
		}
		delete(r.damaged, objectRef{address, state.ManifestKey(artifact.Key)})
		copied := r.replica(address, view, artifact)
		copied.Condition, copied.VerifiedAt, copied.ComparedAt = state.Altered, time.Time{}, time.Time{}
		copied.Problem = "its manifest is damaged: " + oneLine(damage.Error())
		copies = append(copies, copied)
	}
	return copies
}

// contradictory reports whether an artifact's manifests differ from each other or from the recorded one; then none of them
// is taken.
func (r *rebuild) contradictory(id string, recorded *state.Artifact) bool {
	sightings := r.found[id]
	places := make(map[string][]string)
	for _, found := range sightings {
		places[found.artifact.ManifestSHA256] = append(places[found.artifact.ManifestSHA256], found.destination)
	}
	if recorded != nil {
		for _, found := range sightings {
			if found.artifact.ManifestSHA256 != recorded.ManifestSHA256 {
				r.leaveOut(found.destination, state.ManifestKey(found.artifact.Key), "it is not the manifest that the state records for "+id)
			}
		}
		r.found[id] = slices.DeleteFunc(sightings, func(found sighting) bool { return found.artifact.ManifestSHA256 != recorded.ManifestSHA256 })
		return len(r.found[id]) == 0
	}
	if len(places) == 1 {
		return false
	}
	for _, found := range sightings {
		var others []string
		for sum, where := range places {
			if sum != found.artifact.ManifestSHA256 {
				others = append(others, where...)
			}
		}
		r.leaveOut(found.destination, state.ManifestKey(found.artifact.Key),
			"the manifest of "+id+" says something else at "+strings.Join(slices.Sorted(slices.Values(others)), ", "))
	}
	return true
}

// absences lists the recorded copies that were looked for and not found.
func (r *rebuild) absences() {
	for _, artifact := range r.recorded.Artifacts {
		for i := range artifact.Replicas {
			at := artifact.Replicas[i].Destination
			view := r.observed.Destinations[at]
			if view == nil || view.Err != nil {
				continue
			}
			if _, there := view.Objects[state.ManifestKey(artifact.Key)]; !there {
				r.result.Absent = append(r.result.Absent, Absence{Artifact: artifact.ID, Destination: at})
			}
		}
	}
	slices.SortFunc(r.result.Absent, func(a, b Absence) int {
		return cmp.Or(strings.Compare(a.Destination, b.Destination), strings.Compare(a.Artifact, b.Artifact))
	})
}
