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

// BackupStanding is what the state says of one backup.
type BackupStanding struct {
	Backup *spec.Backup
	// Newest is the newest artifact with a copy at one of the backup's destinations that nothing speaks against; nil without one.
	Newest *state.Artifact
	// CountedAt is when the artifact began by which it is decided when the next one is due: the newest one, but for those that began
	// in the future; zero without one. DueAt is when the next one is due: zero when never, as when its
	// source was cleaned up, or when there is none yet.
	CountedAt, DueAt time.Time
	// Due is set when one is due now.
	Due bool
	// Places are in the order of the backup's `to`.
	Places []Standing
}

// Standings hold the state against the backups that are declared, in their order. Nobody looks at the destinations. It is as pure
// as Diff.
func Standings(specification *spec.Spec, document *state.Document, now time.Time) []BackupStanding {
	d := newDiffer(specification, document, nil, now)
	d.decideCleanups()
	standings := make([]BackupStanding, 0, len(specification.Backups))
	for _, backup := range specification.Backups {
		t := d.newTask(backup)
		standing := BackupStanding{Backup: backup, Due: t.dueness(t.survey).due}
		if t.latest != nil {
			standing.Newest = t.latest.artifact
		}
		for _, held := range t.holdings {
			if held.live() && held.artifact.StartedAt.Sub(d.now) <= MaxSkew {
				standing.CountedAt, standing.DueAt = held.artifact.StartedAt, backup.Schedule.DueAt(held.artifact.StartedAt)
				break
			}
		}
		if d.retired[backup.Address] {
			standing.DueAt = time.Time{}
		}
		for i := range t.places {
			standing.Places = append(standing.Places, t.standing(i))
		}
		standings = append(standings, standing)
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
