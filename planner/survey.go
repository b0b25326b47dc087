package planner

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// survey is what there is of one backup: the artifacts of the state and those that lie at the destinations complete but
// not recorded, with the condition of each copy.
type survey struct {
	backup *spec.Backup
	// places are the destinations of the backup, in the order of its `to`.
	places []place
	// holdings are ordered newest first.
	holdings []*holding
}

// place is one destination of a backup.
type place struct {
	address   string
	retention *spec.Retention
	// view is nil when nobody looked.
	view *DestinationView
	// err is why nothing could be seen there.
	err error
	// accounted is how many of the objects there belong to recorded copies.
	accounted int
}

// holding is one artifact and its copies.
type holding struct {
	artifact *state.Artifact
	// index is its position among the survey's holdings.
	index int
	// copies are parallel to the survey's places.
	copies []copyView
}

// condition is what is known of one copy.
type condition uint8

const (
	// absent: no record, and nothing lies there.
	absent condition = iota
	// unfinished: no record; bytes without a manifest lie there.
	unfinished
	// foreign: no record, and what lies there is not a copy of this artifact.
	foreign
	// adoptable: no record, and a complete copy lies there.
	adoptable
	// good: recorded as verified, and nothing speaks against it.
	good
	// changed: recorded, the right size, but not the version that was proven: another one, or none ever was.
	changed
	// altered: recorded, and known to differ from its description.
	altered
	// headless: recorded; the bytes are there, the manifest is gone.
	headless
	// hollow: recorded; the manifest is there, the bytes are gone.
	hollow
	// gone: recorded; nothing lies there.
	gone
	// unseen: recorded, and the destination could not be looked at.
	unseen
)

// copyView is one copy of an artifact as it was found.
type copyView struct {
	condition condition
	// record is nil where the state has none.
	record *state.Replica
	// problem says what is wrong, as the beginning of a sentence.
	problem string
}

// bad reports whether the copy is recorded and does not count as a backup.
func (c copyView) bad() bool {
	switch c.condition {
	case altered, headless, hollow, gone:
		return true
	default:
		return false
	}
}

// live reports whether the copy counts as verified: nothing speaks against it, or its reading back is part of the plan.
func (c copyView) live() bool {
	switch c.condition {
	case good, changed, adoptable:
		return true
	case unseen:
		return c.record.Condition == state.Verified
	default:
		return false
	}
}

// live reports whether any copy of the artifact is.
func (h *holding) live() bool {
	return slices.ContainsFunc(h.copies, copyView.live)
}

// newest returns the newest artifact with a live copy, or nil.
func (s *survey) newest() *holding {
	for _, held := range s.holdings {
		if held.live() {
			return held
		}
	}
	return nil
}

// errNotLooked is the error of a destination that an observation left out.
var errNotLooked = errors.New("it was not looked at")

// survey looks a backup over.
func (d *differ) survey(backup *spec.Backup) *survey {
	s := &survey{backup: backup, places: make([]place, len(backup.To))}
	for i, address := range backup.To {
		s.places[i] = d.place(address)
	}
	recorded := d.artifacts[backup.Address]
	s.holdings = make([]*holding, len(recorded))
	held, copies := make([]holding, len(recorded)), make([]copyView, len(recorded)*len(s.places))
	for i, artifact := range recorded {
		held[i] = holding{artifact: artifact, copies: copies[i*len(s.places):][:len(s.places)]}
		d.judge(s.places, &held[i])
		s.holdings[i] = &held[i]
	}
	s.holdings = append(s.holdings, d.unrecorded(s, recorded)...)
	slices.SortStableFunc(s.holdings, func(a, b *holding) int {
		return cmp.Or(b.artifact.StartedAt.Compare(a.artifact.StartedAt), strings.Compare(b.artifact.ID, a.artifact.ID))
	})
	for i, held := range s.holdings {
		held.index = i
	}
	return s
}

// place finds what is known of a destination.
func (d *differ) place(address string) place {
	at := place{address: address, retention: d.retentions[address], err: d.unbuilt[address]}
	if at.err != nil {
		return at
	}
	if d.observed == nil {
		return at
	}
	at.view = d.observed.Destinations[address]
	switch {
	case at.view == nil:
		at.err = errNotLooked
	case at.view.Err != nil:
		at.err = at.view.Err
	}
	return at
}

// judge finds the condition of an artifact's copies.
func (d *differ) judge(places []place, held *holding) {
	for i := range places {
		var record *state.Replica
		for j := range held.artifact.Replicas {
			if held.artifact.Replicas[j].Destination == places[i].address {
				record = &held.artifact.Replicas[j]
			}
		}
		held.copies[i] = d.classify(&places[i], held.artifact, record)
	}
}

// unrecorded makes holdings of the artifacts that lie complete at a destination and that the state does not know.
func (d *differ) unrecorded(s *survey, recorded []*state.Artifact) []*holding {
	found := d.found[s.backup.Address]
	if len(found) == 0 {
		return nil
	}
	// An id or a key that the state knows is not a new artifact: classify has judged what lies there.
	taken := make(map[string]bool, 2*len(recorded))
	for _, artifact := range recorded {
		taken[artifact.ID], taken[artifact.Key] = true, true
	}
	var held []*holding
	for _, manifest := range found {
		if taken[manifest.artifact.ID] || taken[manifest.artifact.Key] {
			continue
		}
		candidate := &holding{artifact: manifest.artifact, copies: make([]copyView, len(s.places))}
		d.judge(s.places, candidate)
		if candidate.live() {
			taken[manifest.artifact.ID], taken[manifest.artifact.Key] = true, true
			held = append(held, candidate)
		}
	}
	return held
}

// classify finds the condition of one copy.
func (d *differ) classify(at *place, artifact *state.Artifact, record *state.Replica) copyView {
	seen := copyView{record: record}
	switch {
	case at.view == nil && at.err == nil:
		if record != nil {
			seen.condition = good
			if record.Condition == state.Altered {
				seen.condition, seen.problem = altered, cmp.Or(record.Problem, "altered")
			}
		}
	case at.err != nil:
		if record != nil {
			seen.condition = unseen
		}
	case record == nil:
		seen.condition = d.classifyUnrecorded(at.view, artifact)
	default:
		seen.condition, seen.problem = classifyRecorded(at, artifact, record)
	}
	return seen
}

// classifyUnrecorded judges what lies under an artifact's keys at a destination where the state has no copy of it.
func (d *differ) classifyUnrecorded(view *DestinationView, artifact *state.Artifact) condition {
	data, hasData := view.Objects[artifact.Key]
	_, hasManifest := view.Objects[state.ManifestKey(artifact.Key)]
	switch {
	case !hasData && !hasManifest:
		return absent
	case !hasManifest:
		return unfinished
	}
	manifest := view.Manifests[state.ManifestKey(artifact.Key)]
	// The bytes of the manifest are the description's: whose it is was decided when the artifact was made of it.
	isIts := manifest.Err == nil && manifest.Manifest != nil && manifest.SHA256 == artifact.ManifestSHA256
	switch {
	case isIts && !hasData:
		// A deletion that was cut off has left it: it describes nothing, and a copy replaces it by itself.
		return absent
	case isIts && data.Size == artifact.Stored.Size && !artifact.Stored.Refutes(data.CRC32C):
		return adoptable
	}
	return foreign
}

// isOurs reports whether a manifest was read whole and belongs to this history of states.
func (d *differ) isOurs(view ManifestView) bool {
	return view.Err == nil && view.Manifest != nil && d.document.Lineage != "" && view.Manifest.Lineage == d.document.Lineage
}

// classifyRecorded holds a recorded copy against what lies there.
func classifyRecorded(at *place, artifact *state.Artifact, record *state.Replica) (condition, string) {
	data, hasData := at.view.Objects[artifact.Key]
	manifest, hasManifest := at.view.Objects[state.ManifestKey(artifact.Key)]
	if hasData {
		at.accounted++
	}
	if hasManifest {
		at.accounted++
	}
	switch {
	case !hasData && !hasManifest:
		return gone, "gone from " + at.address
	case !hasData:
		return hollow, "gone from " + at.address + ", only its manifest is left"
	case !hasManifest:
		return headless, "its manifest is gone from " + at.address
	case record.Condition == state.Altered:
		return altered, cmp.Or(record.Problem, "altered at "+at.address)
	case data.Size != artifact.Stored.Size:
		return altered, "size " + sizes(data.Size, artifact.Stored.Size)
	case artifact.ManifestSize > 0 && manifest.Size != artifact.ManifestSize:
		return altered, "its manifest is damaged: size " + fmt.Sprintf("%d B, written as %d B", manifest.Size, artifact.ManifestSize)
	case artifact.Stored.Refutes(data.CRC32C):
		return altered, fmt.Sprintf("the store's checksum is %08x, manifest says %s", *data.CRC32C, artifact.Stored.CRC32C)
	case record.Condition == state.Unproven, data.Version != record.Version, manifest.Version != record.ManifestVersion:
		return changed, ""
	default:
		return good, ""
	}
}

// sizes prints two different sizes so that the difference can be seen.
func sizes(found, wanted int64) string {
	short, long := units.Bytes(found), units.Bytes(wanted)
	if short == long {
		short, long = fmt.Sprintf("%d B", found), fmt.Sprintf("%d B", wanted)
	}
	return short + ", manifest says " + long
}
