package planner

import (
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// records are what the state holds once the specification's moved and removed blocks are carried out: a plan for
// everything else is made from them, so that a rename makes nothing due.
type records struct {
	// document is the state as it will be. It is the given one when nothing changes.
	document *state.Document
	// changes count, for each change that is needed, what it concerns.
	changes map[change]*extent
}

// change is one change to what is recorded: of a backup, or of its copies at one destination.
type change struct {
	// backup is whose records change; of a backup that moves, the address that it moves to.
	backup string
	// from is the address that is given up, to the one that takes over; empty when it is forgotten.
	from, to string
}

// extent is how much one change concerns.
type extent struct {
	artifacts int
	// last are the artifacts of which no copy is recorded afterwards, known those whose copy is recorded at both addresses.
	last, known int
}

// recordsOf carries the moves and removals of a specification out on paper. Nothing of the input is changed.
func recordsOf(specification *spec.Spec, document *state.Document) *records {
	r := &records{document: document, changes: make(map[change]*extent)}
	if len(specification.Moves) == 0 && len(specification.Removals) == 0 {
		return r
	}
	moves := Moves(specification)
	removed := func(address string) bool {
		return slices.ContainsFunc(specification.Removals, func(removal spec.Removal) bool { return removal.Covers(address) })
	}
	after := *document
	after.Artifacts = make([]*state.Artifact, 0, len(document.Artifacts))
	for _, artifact := range document.Artifacts {
		if changed := r.change(artifact, moves, removed); changed != nil {
			after.Artifacts = append(after.Artifacts, changed)
		}
	}
	after.Drills = make([]*state.Drill, 0, len(document.Drills))
	for _, drill := range document.Drills {
		if to, moved := moves[drill.Backup]; moved {
			drill = drill.Of(to)
		}
		after.Drills = append(after.Drills, drill)
	}
	after.Intents = make([]*state.Intent, 0, len(document.Intents))
	for _, intent := range document.Intents {
		after.Intents = append(after.Intents, renamed(intent, moves))
	}
	r.document = &after
	return r
}

// Moves says where each address that was given up leads to in the end: a move may be followed by another one.
func Moves(specification *spec.Spec) map[string]string {
	direct := make(map[string]string, len(specification.Moves))
	for _, move := range specification.Moves {
		direct[move.From] = move.To
	}
	final := make(map[string]string, len(direct))
	for from, to := range direct {
		for range direct {
			next, moved := direct[to]
			if !moved {
				break
			}
			to = next
		}
		final[from] = to
	}
	return final
}

// change returns what becomes of one artifact's record, nil when it is forgotten.
func (r *records) change(artifact *state.Artifact, moves map[string]string, removed func(address string) bool) *state.Artifact {
	after := artifact
	if to, moved := moves[after.Backup]; moved {
		r.count(change{to, after.Backup, to}).artifacts++
		after = after.Of(to)
	}
	if removed(after.Backup) {
		r.count(change{after.Backup, after.Backup, ""}).artifacts++
		return nil
	}
	for i := range artifact.Replicas {
		at := artifact.Replicas[i].Destination
		if to, moved := moves[at]; moved {
			concerned := r.count(change{after.Backup, at, to})
			concerned.artifacts++
			if _, known := after.Replica(to); known {
				concerned.known++
			}
			after = after.Relocated(at, to)
		} else if removed(at) {
			concerned := r.count(change{after.Backup, at, ""})
			concerned.artifacts++
			if after = after.Without(at); after == nil {
				concerned.last++
				return nil
			}
		}
	}
	return after
}

// count finds the extent of a change.
func (r *records) count(of change) *extent {
	found := r.changes[of]
	if found == nil {
		found = new(extent)
		r.changes[of] = found
	}
	return found
}

// renamed returns an open intent under the addresses that hold now.
func renamed(intent *state.Intent, moves map[string]string) *state.Intent {
	after := *intent
	if to, moved := moves[intent.Backup]; moved {
		after.Backup = to
	}
	after.Destinations = slices.Clone(intent.Destinations)
	for i, address := range after.Destinations {
		if to, moved := moves[address]; moved {
			after.Destinations[i] = to
		}
	}
	return &after
}

// folderOf is the folder of a key: the name that the backup had when the artifact was taken, which a rename does not change.
func folderOf(key string) string {
	name, _, _ := strings.Cut(key, "/")
	return name + "/"
}

// importPrefix is where an artifact with that id lies at a destination. It is empty for an id that imsctl never made.
func importPrefix(id string) string {
	name, _, found := cutID(id)
	if !found {
		return ""
	}
	return name + "/" + id
}

// cutID divides the id of an artifact into its backup's name and its time.
func cutID(id string) (name, at string, found bool) {
	rest, _, found := cutLast(id, "-")
	if !found {
		return "", "", false
	}
	name, at, found = cutLast(rest, "-")
	return name, at, found && name != "" && isKey(name+"/"+id)
}

// cutLast cuts text at the last separator.
func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}
