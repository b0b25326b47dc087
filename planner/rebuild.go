package planner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Rebuilding is what the manifests at the destinations add to a state. Nothing that is recorded is taken away.
type Rebuilding struct {
	// Document is the state as it would be; its serial is still that of the state as it is.
	Document *state.Document
	// Manifests counts, for each destination that was looked at, those that were found.
	Manifests map[string]int
	// Added are the artifacts that get a record or more copies, ordered by backup and start.
	Added []Addition
	// LeftOut are the manifests that contradict others or what lies there: a person has to judge them.
	LeftOut []LeftOut
	// Others are the lineages whose artifacts are not taken, by the newest of them, newest first.
	Others []Lineage
	// Absent are recorded copies of which nothing was found where they should be. They stay recorded: a plan decides.
	Absent []Absence
	// Unseen are the destinations that could not be looked at, and why.
	Unseen map[string]error
}

// Addition is an artifact that gets a record, or copies that were not recorded.
type Addition struct {
	Artifact *state.Artifact
	// Recorded is set when the state knows the artifact already.
	Recorded bool
	// Copies are the new ones.
	Copies []state.Replica
}

// LeftOut is a manifest that is not taken, and why, as the end of a sentence.
type LeftOut struct{ Destination, Key, Problem string }

// Lineage is a history of states, and how many artifacts were found of it.
type Lineage struct {
	ID        string
	Artifacts int
	Newest    time.Time
}

// Absence is a recorded copy that was not found.
type Absence struct{ Artifact, Destination string }

// HasChanges reports whether the state would become another.
func (r *Rebuilding) HasChanges() bool { return len(r.Added) > 0 }

// LineageError says that the manifests are of several histories, and that nothing tells which is meant.
type LineageError struct{ Found []Lineage }

// Error implements error.
func (e *LineageError) Error() string {
	var text strings.Builder
	text.WriteString("the manifests belong to more than one history of states. Choose with -lineage, which may be repeated: the first becomes that of the state. There are:\n")
	for _, found := range e.Found {
		fmt.Fprintf(&text, "\n  %s: %s, the newest of %s", printable(found.ID), units.Counted(found.Artifacts, "artifact", "artifacts"), moment(found.Newest))
	}
	return text.String()
}

// Rebuild makes a state of the manifests that ObserveCopies found. What the state records already stays as it is. Lineages
// are those whose artifacts are taken, besides the state's own; without any, those of one lineage are for a state that
// records nothing. Artifacts that an import block names are taken whatever their lineage.
//
// A new copy is verified when the store's own checksum is the one that the manifest has, and unproven otherwise. One whose
// bytes are wrong or gone is recorded as altered when another copy of the artifact is good, and left out when none is.
//
// It is pure. It fails with a *LineageError when the lineage is not clear, and when one that was asked for is not there.
func Rebuild(specification *spec.Spec, document *state.Document, observed *Observed, lineages []string, now time.Time) (*Rebuilding, error) {
	r := &rebuild{
		differ: newDiffer(specification, document, observed, now),
		result: &Rebuilding{Manifests: make(map[string]int), Unseen: make(map[string]error)},
		found:  make(map[string][]sighting), places: make(map[string]int), damaged: make(map[objectRef]error),
	}
	r.artifacts = slices.Clone(document.Artifacts)
	for i, artifact := range document.Artifacts {
		r.places[artifact.ID] = i
	}
	r.collect()
	taken, err := r.lineages(lineages)
	if err != nil {
		return nil, err
	}
	r.choose(taken)
	for _, id := range slices.Sorted(maps.Keys(r.found)) {
		r.add(id)
	}
	for at, damage := range r.damaged {
		r.leaveOut(at.destination, at.key, oneLine(damage.Error()))
	}
	r.absences()
	slices.SortFunc(r.result.Added, func(a, b Addition) int {
		return cmp.Or(strings.Compare(a.Artifact.Backup, b.Artifact.Backup), a.Artifact.StartedAt.Compare(b.Artifact.StartedAt),
			strings.Compare(a.Artifact.ID, b.Artifact.ID))
	})
	slices.SortFunc(r.result.LeftOut, func(a, b LeftOut) int {
		return cmp.Or(strings.Compare(a.Destination, b.Destination), strings.Compare(a.Key, b.Key))
	})
	after := *document
	after.Version, after.Artifacts = state.Version, r.artifacts
	if len(taken) > 0 {
		after.Lineage = taken[0]
	}
	r.result.Document = &after
	return r.result, nil
}

// rebuild is one call of Rebuild.
type rebuild struct {
	*differ
	result *Rebuilding
	// found are the manifests that can be used, by the id of their artifact.
	found map[string][]sighting
	// damaged are the manifests that can be read and are not whole.
	damaged map[objectRef]error
	// artifacts are those of the state as it will be, places those of the recorded ones among them, by id.
	artifacts []*state.Artifact
	places    map[string]int
}

// sighting is a manifest that was found, and the copy that it describes.
type sighting struct {
	destination string
	lineage     string
	artifact    *state.Artifact
	replica     state.Replica
}

// recordsAnything reports whether a state has more in it than its name.
func recordsAnything(document *state.Document) bool {
	return document.Lineage != "" && len(document.Artifacts)+len(document.Intents) > 0
}

// lineages decides whose artifacts are taken. The first is the state's.
func (r *rebuild) lineages(wanted []string) ([]string, error) {
	found := r.countLineages()
	for _, lineage := range wanted {
		if !slices.ContainsFunc(found, func(other Lineage) bool { return other.ID == lineage }) {
			return nil, fmt.Errorf("no manifest has the lineage %q%s", lineage, thereAre(found))
		}
	}
	own := ""
	if recordsAnything(r.recorded) {
		own = r.recorded.Lineage
	}
	switch {
	case own != "":
		return append([]string{own}, wanted...), nil
	case len(wanted) > 0:
		return wanted, nil
	case len(found) > 1:
		return nil, &LineageError{Found: found}
	case len(found) == 1:
		return []string{found[0].ID}, nil
	}
	return nil, nil
}

// thereAre lists lineages, to be appended to a sentence.
func thereAre(found []Lineage) string {
	if len(found) == 0 {
		return ": none was found that belongs to a backup of the specification"
	}
	names := make([]string, len(found))
	for i, lineage := range found {
		names[i] = printable(lineage.ID)
	}
	return ": there is " + strings.Join(names, ", ")
}

// countLineages lists the histories that the manifests belong to, the one with the newest artifact first. Imports have
// said by name that they are wanted.
func (r *rebuild) countLineages() []Lineage {
	counts := make(map[string]*Lineage)
	for id, sightings := range r.found {
		if _, imported := r.imports[id]; imported {
			continue
		}
		counted := make(map[string]bool)
		for _, sighting := range sightings {
			lineage := counts[sighting.lineage]
			if lineage == nil {
				lineage = &Lineage{ID: sighting.lineage}
				counts[sighting.lineage] = lineage
			}
			if !counted[sighting.lineage] {
				counted[sighting.lineage] = true
				lineage.Artifacts++
			}
			if sighting.artifact.StartedAt.After(lineage.Newest) {
				lineage.Newest = sighting.artifact.StartedAt
			}
		}
	}
	var found []Lineage
	for _, lineage := range counts {
		found = append(found, *lineage)
	}
	slices.SortFunc(found, func(a, b Lineage) int { return cmp.Or(b.Newest.Compare(a.Newest), strings.Compare(a.ID, b.ID)) })
	return found
}

// choose drops the manifests of other lineages, and counts them.
func (r *rebuild) choose(taken []string) {
	for _, lineage := range r.countLineages() {
		if !slices.Contains(taken, lineage.ID) {
			r.result.Others = append(r.result.Others, lineage)
		}
	}
	for id, sightings := range r.found {
		if _, imported := r.imports[id]; imported {
			continue
		}
		if _, recorded := r.places[id]; recorded {
			continue
		}
		kept := slices.DeleteFunc(sightings, func(sighting sighting) bool { return !slices.Contains(taken, sighting.lineage) })
		if r.found[id] = kept; len(kept) == 0 {
			delete(r.found, id)
		}
	}
}
