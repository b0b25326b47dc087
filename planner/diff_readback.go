package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// proof is a copy that stays at a place, and when it was proven.
type proof struct {
	// held is nil for the artifact that a backup in this plan takes.
	held *holding
	// at is when it was last proven, readAt when it was last read back; the latter is zero when it never was.
	at, readAt time.Time
}

// readBack plans to read back what the backup declares: each copy of the newest artifact once, or a share of the place's
// copies in every interval, those first that were proven longest ago. What is deleted by this plan is not read.
func (p *clearing) readBack() {
	policy := p.backup.ReadBack
	switch {
	case policy.Latest:
		p.readLatest()
	case policy.Percent > 0:
		p.readShare(policy.Percent, policy.Every)
	}
}

// readLatest reads the place's copy of the newest artifact if nobody ever did.
func (p *clearing) readLatest() {
	const policy = "read_back latest"
	if p.planned {
		p.read(proof{}, policy)
		return
	}
	if p.taking != nil {
		return
	}
	for _, copied := range p.proofs() {
		if copied.held == p.latest && copied.readAt.IsZero() {
			p.read(copied, policy)
		}
	}
}

// readShare reads what is missing to a share of the copies for the current interval.
func (p *clearing) readShare(percent int, every units.Duration) {
	proofs := p.proofs()
	missing := share(len(proofs), percent)
	due := slices.DeleteFunc(slices.Clone(proofs), func(copied proof) bool {
		recent := !copied.readAt.IsZero() && p.now.Sub(copied.readAt) < every.Std()
		if recent {
			missing--
		}
		return recent
	})
	policy := "every " + every.String()
	if percent < 100 {
		policy = fmt.Sprintf("%d%% of %s every %s", percent, units.Counted(len(proofs), "copy", "copies"), every)
	}
	for _, copied := range due[:max(0, min(missing, len(due)))] {
		p.read(copied, policy)
	}
}

// share is how many of n copies are a percentage: one at least, where there is one.
func share(n, percent int) int { return (n*percent + 99) / 100 }

// proofs lists the copies that the plan leaves at the place, those first that were proven longest ago.
func (p *clearing) proofs() []proof {
	var proofs []proof
	if p.planned {
		proofs = append(proofs, proof{at: p.now})
	}
	for _, held := range p.stay {
		record := held.copies[p.index].record
		switch {
		case p.arriving[p.index][held] != "":
			proofs = append(proofs, proof{held: held, at: p.now})
		case record == nil || held.copies[p.index].condition != good:
			// This plan reads it back for another reason.
			proofs = append(proofs, proof{held: held, at: p.now, readAt: p.now})
		default:
			last := record.StoredAt
			if record.ReadBackAt.After(last) {
				last = record.ReadBackAt
			}
			proofs = append(proofs, proof{held: held, at: last, readAt: record.ReadBackAt})
		}
	}
	slices.SortStableFunc(proofs, func(a, b proof) int {
		if a.held == nil || b.held == nil {
			return cmp.Or(a.at.Compare(b.at), cmp.Compare(turn(a), turn(b)))
		}
		return cmp.Or(a.at.Compare(b.at), a.held.artifact.StartedAt.Compare(b.held.artifact.StartedAt), strings.Compare(a.held.artifact.ID, b.held.artifact.ID))
	})
	return proofs
}

// turn lets what is still to be taken come last.
func turn(copied proof) int {
	if copied.held == nil {
		return 1
	}
	return 0
}

// read plans to read one copy back. What the plan itself brings there is read when it is stored.
func (p *clearing) read(copied proof, policy string) {
	reason := "never read back"
	switch {
	case !copied.readAt.IsZero():
		reason = fmt.Sprintf("last read back %s ago", units.Age(p.now.Sub(copied.readAt)))
	case copied.held == nil || p.arriving[p.index][copied.held] != "":
		reason = "read back once it is stored"
	}
	action := &Verify{Destination: p.place.address, Meta: Meta{
		Backup: p.backup.Address, Reason: reason + ", " + policy, Cause: CauseTime, Undo: "changes nothing but the state",
	}}
	if copied.held == nil {
		action.Address = placeAddress(p.backup.Address, p.place.address) + readBackSuffix
		action.After, action.Bytes = []string{p.taking.Address}, p.taking.Bytes
	} else {
		action.Artifact, action.Bytes = copied.held.artifact.ID, copied.held.artifact.Stored.Size
		action.Address = copyAddress(p.backup.Address, p.place.address, action.Artifact)
		if arriving := p.arriving[p.index][copied.held]; arriving != "" {
			action.Address += readBackSuffix
			action.After = []string{arriving}
		}
	}
	p.reading = append(p.reading, action.Address)
	p.add(action)
}
