package planner

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Departure is a copy that the retention of its destination will let go.
type Departure struct {
	Backup, Destination, Artifact string
	// StartedAt is when the artifact began, Bytes what its copy takes.
	StartedAt time.Time
	Bytes     int64
	// At is from when on the next run deletes it; not before the moment that was asked for.
	At time.Time
}

// foreseen is how many future backups are looked at for one place: more than a year of daily ones.
const foreseen = 400

// Departures foretell for each backup and each of its destinations the first copies that will be deleted, at most so many of them, in the
// order of their time. They are the answers of the retention that a plan asks too, under the assumption that backups go on being taken
// when they are due, and arrive everywhere. What a store keeps by a rule of its own is left out, and what is out of sight (more than 400 backups
// ahead). It is as pure as Diff.
func Departures(specification *spec.Spec, document *state.Document, now time.Time, most int) []Departure {
	d := newDiffer(specification, document, nil, now)
	var all []Departure
	for _, backup := range specification.Backups {
		all = append(all, d.newTask(backup).departures(most)...)
	}
	slices.SortStableFunc(all, func(a, b Departure) int {
		return cmp.Or(a.At.Compare(b.At), a.StartedAt.Compare(b.StartedAt), strings.Compare(a.Artifact, b.Artifact), strings.Compare(a.Destination, b.Destination))
	})
	return all
}

// departures are those of one backup.
func (t *task) departures(most int) []Departure {
	var places []int
	for i := range t.places {
		if retention := t.places[i].retention; t.places[i].err == nil && retention != nil && hasRules(retention) {
			places = append(places, i)
		}
	}
	var all []Departure
	// The first departure is mostly near: what is far is looked at only where it is not.
	for _, sight := range []int{2, 40, foreseen} {
		coming, _ := t.coming(t.now.Add(100*years), sight)
		final := sight == foreseen || len(coming) < sight
		places = slices.DeleteFunc(places, func(i int) bool {
			found := t.departuresFrom(i, coming, len(coming) == sight, most)
			if len(found) == most || final {
				all = append(all, found...)
				return true
			}
			return false
		})
	}
	return all
}

// departuresFrom are those of one place, as far as the backups to come are known; more tells that others come after them.
func (t *task) departuresFrom(i int, coming []time.Time, more bool, most int) []Departure {
	f := t.forecast(i, coming)
	f.look(f.lastTurn(more), most)
	var found []Departure
	for _, expiry := range f.expiries {
		if artifact := expiry.held.artifact; expiry.by == "" {
			found = append(found, Departure{
				Backup: t.backup.Address, Destination: t.places[i].address, Artifact: artifact.ID, StartedAt: artifact.StartedAt,
				Bytes: artifact.Stored.Size, At: expiry.at.UTC(),
			})
		}
	}
	return found
}

// lastTurn is the last moment at which the answer of a retention is known: with the last backup that is looked at or, where no more
// come after it, when the newest copy grows too old for keep_within.
func (f *forecast) lastTurn(more bool) time.Time {
	last := f.now
	if len(f.coming) > 0 {
		last = f.coming[len(f.coming)-1]
	}
	within := f.retention.KeepWithin.Std()
	if more || within == 0 || len(f.present) == 0 {
		return last
	}
	if old := f.present[0].artifact.StartedAt.Add(within + 1); old.After(last) {
		return old
	}
	return last
}
