package judgement

import (
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

// The verdicts on a backup, beside Well: on the whole of it, and on the copy of its newest artifact at one destination.
const (
	Overdue  Verdict = "overdue"
	Scarce   Verdict = "too few copies"
	Degraded Verdict = "degraded"

	Missing  Verdict = "missing"
	Altered  Verdict = "altered"
	Unproven Verdict = "unproven"
)

// Backup is how a backup stands.
type Backup struct {
	planner.BackupStanding
	Verdict Verdict
	// Missed is set when its schedule has come round once more since it is due: a run that was to take it did not.
	Missed bool
	// Verified is how many declared destinations have a verified copy of the newest artifact.
	Verified int
	// Copies are in the order of its `to`.
	Copies []Copy
}

// Copy is how a backup stands at one destination.
type Copy struct {
	planner.Standing
	// Verdict is on the copy of the newest artifact, Replica that copy; the zero Replica when it is missing.
	Verdict Verdict
	Replica state.Replica
}

// backupOf judges one backup.
func backupOf(standing planner.BackupStanding, now time.Time) Backup {
	b := Backup{BackupStanding: standing, Verdict: Well}
	missing := 0
	for _, place := range standing.Places {
		copied := copyOf(standing.Newest, place)
		if copied.Verdict == Well {
			b.Verified++
		}
		missing += copied.Missing
		b.Copies = append(b.Copies, copied)
	}
	if !b.DueAt.IsZero() {
		again := b.Backup.Schedule.DueAt(b.DueAt)
		b.Missed = !again.IsZero() && now.After(again)
	}
	switch {
	case standing.Due:
		b.Verdict = Overdue
	case b.Verified < b.Backup.MinCopies:
		b.Verdict = Scarce
	case b.Verified < len(b.Backup.To), missing > 0:
		b.Verdict = Degraded
	}
	return b
}

func copyOf(newest *state.Artifact, place planner.Standing) Copy {
	copied := Copy{Standing: place, Verdict: Missing}
	if newest == nil {
		return copied
	}
	replica, ok := newest.Replica(place.Destination)
	if !ok {
		return copied
	}
	copied.Replica, copied.Verdict = replica, Well
	switch replica.Condition {
	case state.Altered:
		copied.Verdict = Altered
	case state.Unproven:
		copied.Verdict = Unproven
	}
	return copied
}

// breaches are what of a backup is not true.
func (b *Backup) breaches(now time.Time) []Breach {
	var found []Breach
	add := func(place string, kind Kind, severity Severity, since time.Time, text string) {
		address := b.Backup.Address
		if place != "" {
			address += "@" + place
		}
		found = append(found, Breach{Address: address, Kind: kind, Severity: severity, Since: since, Text: text})
	}
	switch {
	case b.Due && b.CountedAt.IsZero():
		add("", BackupOverdue, Error, time.Time{}, "has no backup that counts, "+b.Backup.Schedule.String())
		return found
	case b.Due:
		add("", BackupOverdue, Error, b.DueAt.UTC(), fmt.Sprintf("has been due for %s: the last backup is %s old, %s",
			units.Age(now.Sub(b.DueAt)), units.Age(now.Sub(b.CountedAt)), b.Backup.Schedule))
	}
	if b.Newest != nil && b.Verified < b.Backup.MinCopies {
		add("", TooFew, Error, time.Time{}, fmt.Sprintf("has %s of its newest backup, and min_copies is %d",
			units.Counted(b.Verified, "verified copy", "verified copies"), b.Backup.MinCopies))
	}
	for i := range b.Copies {
		copied := &b.Copies[i]
		if copied.Missing > 0 {
			add(copied.Destination, CopiesMissing, Warning, time.Time{}, "lacks "+units.Counted(copied.Missing, "copy", "copies"))
		}
		if copied.Altered > 0 {
			add(copied.Destination, CopiesAltered, Warning, time.Time{}, "has "+units.Counted(copied.Altered, "damaged copy", "damaged copies"))
		}
		if copied.Verdict == Unproven {
			add(copied.Destination, CopyNotProven, Warning, time.Time{}, "has a copy of the newest backup that nobody has read yet")
		}
	}
	return found
}
