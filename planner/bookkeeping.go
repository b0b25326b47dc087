package planner

import (
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Bookkeeping is the plan to change what is recorded and nothing else: as moved and removed blocks would ask for it. It has
// no actions where nothing is recorded.
func Bookkeeping(document *state.Document, moves []spec.Move, removals []spec.Removal, now time.Time) *Plan {
	d := newDiffer(&spec.Spec{Moves: moves, Removals: removals}, document, nil, now)
	d.changeRecords()
	return d.finish()
}

// Forgetting is the plan to drop the records of copies: all those of an artifact, or the one at a destination when that is
// not empty.
func Forgetting(document *state.Document, artifact *state.Artifact, destination string, now time.Time) *Plan {
	d := newDiffer(new(spec.Spec), document, nil, now)
	for _, replica := range artifact.Replicas {
		if destination == "" || replica.Destination == destination {
			d.add(&Forget{Artifact: artifact.ID, Destination: replica.Destination, Meta: Meta{
				Address: copyAddress(artifact.Backup, replica.Destination, artifact.ID), Backup: artifact.Backup,
				Reason: "asked for; nothing is deleted", Cause: CauseChange, Undo: "declared, what still lies there is read back and recorded",
			}})
		}
	}
	return d.finish()
}

// RecordedAddresses lists everything that is recorded and can be named: backups, destinations, artifacts, and copies as
// "backup.database@destination.local.vm#id", in alphabetical order.
func RecordedAddresses(document *state.Document) []string {
	seen := make(map[string]bool)
	var all []string
	add := func(address string) {
		if !seen[address] {
			seen[address] = true
			all = append(all, address)
		}
	}
	for _, artifact := range document.Artifacts {
		add(artifact.Backup)
		add(artifact.ID)
		for _, replica := range artifact.Replicas {
			add(replica.Destination)
			add(copyAddress(artifact.Backup, replica.Destination, artifact.ID))
		}
	}
	slices.Sort(all)
	return all
}

// CutCopy divides the address of a copy into its parts.
func CutCopy(address string) (destination, artifact string, isCopy bool) {
	_, rest, found := strings.Cut(address, "@destination.")
	if !found {
		return "", "", false
	}
	destination, artifact, isCopy = cutLast("destination."+rest, "#")
	return destination, artifact, isCopy
}
