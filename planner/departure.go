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
		t := d.newTask(backup)
		for i := range t.places {
			if retention := t.places[i].retention; t.places[i].err == nil && retention != nil && hasRules(retention) {
				all = append(all, t.departures(i, most)...)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Departure) int {
		return cmp.Or(a.At.Compare(b.At), a.StartedAt.Compare(b.StartedAt), strings.Compare(a.Artifact, b.Artifact), strings.Compare(a.Destination, b.Destination))
	})
	return all
}

// departures are those of one place.
func (t *task) departures(i, most int) []Departure {
	var held []*holding
	var starts []time.Time
	for _, candidate := range t.holdings {
		if t.willStay(candidate, i) && !candidate.artifact.StartedAt.After(t.now) {
			held, starts = append(held, candidate), append(starts, candidate.artifact.StartedAt)
		}
	}
	var found []Departure
	at := t.now
	for range foreseen {
		keep := kept(t.places[i].retention, starts, at, t.location())
		for j := len(starts) - 1; j >= 0; j-- {
			if keep[j] {
				continue
			}
			if taken := held[j]; taken != nil && taken.copies[i].record.KeptBy == "" {
				found = append(found, Departure{
					Backup: t.backup.Address, Destination: t.places[i].address, Artifact: taken.artifact.ID, StartedAt: taken.artifact.StartedAt,
					Bytes: taken.artifact.Stored.Size, At: at.UTC(),
				})
			}
			held, starts = slices.Delete(held, j, j+1), slices.Delete(starts, j, j+1)
			if len(found) == most {
				return found
			}
		}
		next := t.nextTurn(starts, at, i)
		if next.at.IsZero() || !slices.ContainsFunc(held, func(h *holding) bool { return h != nil }) {
			return found
		}
		if at = next.at; next.taken {
			held, starts = slices.Insert(held, 0, nil), slices.Insert(starts, 0, at)
		}
	}
	return found
}

// nextTurn is a moment at which a retention may answer in another way; taken when a backup arrives then.
type nextTurn struct {
	at    time.Time
	taken bool
}

// nextTurn is the first moment after at: a backup is due, or a copy grows too old for keep_within; zero when nothing more happens.
func (t *task) nextTurn(starts []time.Time, at time.Time, i int) nextTurn {
	var next nextTurn
	if len(starts) > 0 {
		if due := t.backup.Schedule.DueAt(starts[0]); !due.IsZero() {
			next = nextTurn{at: due, taken: true}
			if !due.After(at) {
				// It is due already: the next run takes it.
				next.at = at.Add(time.Second)
			}
		}
	}
	if within := t.places[i].retention.KeepWithin.Std(); within > 0 {
		for _, start := range starts {
			// It is kept at the moment itself.
			if old := start.Add(within + time.Nanosecond); old.After(at) && (next.at.IsZero() || old.Before(next.at)) {
				next = nextTurn{at: old}
			}
		}
	}
	return next
}
