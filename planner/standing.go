package planner

import (
	"slices"
	"time"

	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Standing is what the state says of one backup at one of its destinations.
type Standing struct {
	Backup, Destination string
	// NewestAt is when the newest artifact began that has a verified copy there; zero when none has.
	NewestAt time.Time
	// Copies are recorded there and verified, Bytes what they take. Altered ones are recorded and known to be damaged.
	Copies  int
	Bytes   int64
	Altered int
	// Missing are the artifacts of which the specification wants a copy there that is not recorded.
	Missing int
	// Kept are the copies that retention would delete and the store keeps by a rule of its own.
	Kept int
	// ReadBackAt is when one of the copies was last read back, ReadBackDue when the next one is to be; zero when never.
	ReadBackAt, ReadBackDue time.Time
}

// Standings hold the state against the specification, for each backup and each of its destinations in the order of its `to`.
// Nobody looks at the destinations. It is as pure as Diff.
func Standings(specification *spec.Spec, document *state.Document, now time.Time) []Standing {
	d := newDiffer(specification, document, nil, now)
	var standings []Standing
	for _, backup := range specification.Backups {
		t := d.newTask(backup)
		for i := range t.places {
			standings = append(standings, t.standing(i))
		}
	}
	return standings
}

// standing counts what is recorded at one place.
func (t *task) standing(i int) Standing {
	s := Standing{Backup: t.backup.Address, Destination: t.places[i].address}
	var wanted []bool
	if t.backup.BackfillAll {
		wanted = t.backfilled(i)
	}
	for _, held := range t.holdings {
		record := held.copies[i].record
		switch {
		case record == nil:
			if held == t.latest || wanted != nil && wanted[held.index] {
				s.Missing++
			}
			continue
		case record.Condition == state.Altered:
			s.Altered++
			continue
		case record.Condition != state.Verified:
			continue
		}
		s.Copies++
		if s.NewestAt.IsZero() {
			s.NewestAt = held.artifact.StartedAt
		}
		s.Bytes += held.artifact.Stored.Size
		if record.ReadBackAt.After(s.ReadBackAt) {
			s.ReadBackAt = record.ReadBackAt
		}
	}
	p := &clearing{task: t, index: i, place: &t.places[i]}
	if p.place.err != nil {
		return s
	}
	p.choose()
	for _, chosen := range p.delete {
		if record := chosen.held.copies[i].record; record.KeptBy != "" {
			s.Kept++
			p.stay = append(p.stay, chosen.held)
		}
	}
	s.ReadBackDue = p.nextReadBack()
	return s
}

// nextReadBack is when a copy of the place is to be read back next, as far as the copies that are there tell; zero when never.
func (p *clearing) nextReadBack() time.Time {
	policy, proofs := p.backup.ReadBack, p.proofs()
	if policy.Latest {
		for _, copied := range proofs {
			if copied.held == p.latest && copied.readAt.IsZero() {
				return p.now
			}
		}
	}
	share := share(len(proofs), policy.Percent)
	if policy.Latest || share == 0 {
		return time.Time{}
	}
	var read []time.Time
	for _, copied := range proofs {
		if !copied.readAt.IsZero() {
			read = append(read, copied.readAt)
		}
	}
	if len(read) < share {
		return p.now
	}
	// It is due when so many have grown too old that the others are no share any more.
	slices.SortFunc(read, time.Time.Compare)
	due := read[len(read)-share].Add(policy.Every.Std())
	if due.Before(p.now) {
		return p.now
	}
	return due
}
