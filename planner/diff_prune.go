package planner

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/state"
)

// clearing is the retention of one backup at one of its destinations at work.
type clearing struct {
	*task
	index int
	place *place
	// stay are the artifacts that the plan leaves there as verified copies, newest first; planned tells that a backup on
	// its way comes before them.
	stay    []*holding
	planned bool
	// delete are the candidates, oldest first.
	delete []candidate
	// reading are the addresses of the actions that read back what stays.
	reading []string
}

// candidate is a copy to be deleted, and why.
type candidate struct {
	held   *holding
	reason string
	cause  Cause
	// counted is set for a copy that counts as verified until it is deleted.
	counted bool
}

// planPrunes deletes at one place what its retention no longer keeps. Only recorded copies are candidates; the newest
// verified one never is, nor is one that started in the future or that a copy which cannot be made now still needs.
func (t *task) planPrunes(i int) {
	if t.places[i].err != nil {
		return
	}
	p := &clearing{task: t, index: i, place: &t.places[i]}
	p.planned = t.isGoingTo(i)
	p.choose()
	p.spare()
	p.suspect()
	if len(p.delete) > 0 {
		if doubt := p.doubt(); doubt != "" {
			p.block(doubt+": nothing is deleted", true)
			p.hold(len(p.delete))
		}
	}
	p.limit()
	for _, held := range p.stay {
		if held.copies[i].condition == changed {
			t.verify(held, i)
		}
	}
	p.readBack()
	if len(p.delete) == 0 {
		return
	}
	after, remaining := p.conditions(), p.remaining()
	for _, chosen := range p.delete {
		p.prune(chosen, after, remaining)
	}
}

// choose sorts the artifacts of the place into those that stay and those that go.
func (p *clearing) choose() {
	keep := p.keep(p.index, func(held *holding) bool { return p.willStay(held, p.index) })
	newer := 0
	if p.planned {
		newer = 1
	}
	for _, held := range p.holdings {
		switch {
		case keep[held.index]:
			p.stay = append(p.stay, held)
			newer++
		case p.willStay(held, p.index) && p.isNeeded(held):
			p.stay = append(p.stay, held)
		case p.willStay(held, p.index):
			p.delete = append(p.delete, candidate{held: held, reason: p.ageReason(held, newer), cause: CauseTime, counted: true})
		}
	}
	for _, held := range p.holdings {
		if chosen, ok := p.chooseBad(held); ok && p.remaining() > 0 {
			p.delete = append(p.delete, chosen)
		} else {
			p.noteDamage(held)
		}
	}
	slices.SortStableFunc(p.delete, func(a, b candidate) int {
		return cmp.Or(a.held.artifact.StartedAt.Compare(b.held.artifact.StartedAt), cmp.Compare(a.held.artifact.ID, b.held.artifact.ID))
	})
}

// isNeeded reports whether a copy stays although the retention does not ask for it: it is being verified or brought by
// this plan, another place's copy will be made from it, or it started in the future.
func (p *clearing) isNeeded(held *holding) bool {
	return p.pinned[copyRef{p.index, held}] || held.copies[p.index].condition == adoptable || p.verifying[copyRef{p.index, held}] ||
		p.arriving[p.index][held] != "" || held.artifact.StartedAt.After(p.now)
}

// chooseBad decides about a copy that is no backup any more: it goes when a deletion of it was interrupted, or when its
// retention would not keep it while a good copy of the artifact is elsewhere.
func (p *clearing) chooseBad(held *holding) (candidate, bool) {
	copied := held.copies[p.index]
	if !copied.bad() || copied.condition == gone || p.wanted[copyRef{p.index, held}] {
		return candidate{}, false
	}
	intent := p.abandoned(held, p.index)
	switch {
	case copied.condition == headless && intent != nil:
		return candidate{held: held, cause: CauseRecovery, reason: "finishes the prune interrupted at " + moment(intent.BeganAt)}, true
	case p.isLost(held, p.index):
		return candidate{}, false
	default:
		return candidate{held: held, cause: CauseDrift, reason: oneLine(copied.problem) + "; its retention would not keep it"}, true
	}
}

// noteDamage tells of a copy that is bad for good: it is kept, because it is all that is left of its artifact.
func (p *clearing) noteDamage(held *holding) {
	copied := held.copies[p.index]
	if copied.condition != altered && copied.condition != headless || !p.isLost(held, p.index) {
		return
	}
	p.note(copyAddress(p.backup.Address, p.place.address, held.artifact.ID),
		fmt.Sprintf("the copy of %s at %s is damaged and cannot be repaired, because no good copy is left: %s; it is kept and does not count as a backup",
			held.artifact.ID, p.place.address, oneLine(copied.problem)))
}

// ageReason says why a copy goes: "31d old, keep_within 30d; 4 newer verified backups remain".
func (p *clearing) ageReason(held *holding, newer int) string {
	return fmt.Sprintf("%s old, %s; %s", units.Age(p.now.Sub(held.artifact.StartedAt)), rules(p.place.retention),
		units.Counted(newer, "newer verified backup remains", "newer verified backups remain"))
}

// limit holds back what exceeds max_deletes: the newest of the candidates.
func (p *clearing) limit() {
	if p.place.retention == nil || p.place.retention.MaxDeletes <= 0 || len(p.delete) <= p.place.retention.MaxDeletes {
		return
	}
	most := p.place.retention.MaxDeletes
	more := len(p.delete) - most
	p.block(fmt.Sprintf("%d more would be pruned; max_deletes is %d", more, most), false)
	p.hold(more)
}

// hold takes the last n candidates back.
func (p *clearing) hold(n int) {
	first := len(p.delete) - n
	for _, spared := range p.delete[first:] {
		if spared.counted {
			p.stay = append(p.stay, spared.held)
		}
	}
	p.delete = p.delete[:first]
}

// block says that deletions are held back. failed tells whether someone must mend something.
func (p *clearing) block(reason string, failed bool) {
	var code BlockCode
	if failed {
		code = PruneDoubted
	}
	p.add(&Blocked{Failed: failed, Code: code, Meta: Meta{
		Address: placeAddress(p.backup.Address, p.place.address) + retentionSuffix, Backup: p.backup.Address,
		Reason: reason, Cause: CauseTime,
	}})
}

// remaining is how many verified copies the plan leaves at the place.
func (p *clearing) remaining() int {
	if p.planned {
		return len(p.stay) + 1
	}
	return len(p.stay)
}

// conditions are the actions that the copies which stay depend on, and those that read them back: nothing is deleted on the
// word of a copy that is about to prove bad.
func (p *clearing) conditions() []string {
	var after []string
	if p.planned {
		after = append(after, p.taking.Address)
	}
	for _, held := range p.stay {
		if address := p.arriving[p.index][held]; address != "" {
			after = append(after, address)
		} else if p.verifying[copyRef{p.index, held}] {
			after = append(after, copyAddress(p.backup.Address, p.place.address, held.artifact.ID))
		}
	}
	after = append(after, p.reading...)
	slices.Sort(after)
	return after
}

// prune plans the deletion of one copy: of the objects that were seen, and of no others.
func (p *clearing) prune(chosen candidate, after []string, remaining int) {
	artifact, record := chosen.held.artifact, chosen.held.copies[p.index].record
	action := &Prune{
		Artifact: artifact.ID, Destination: p.place.address, Key: artifact.Key,
		Version: record.Version, ManifestVersion: record.ManifestVersion, Remaining: remaining,
		Meta: Meta{
			Address: copyAddress(p.backup.Address, p.place.address, artifact.ID), Backup: p.backup.Address,
			Reason: chosen.reason, Cause: chosen.cause, After: after, Bytes: artifact.Stored.Size, Undo: "cannot be undone",
		},
	}
	if view := p.place.view; view != nil {
		data := view.Objects[artifact.Key]
		action.Version, action.ManifestVersion = data.Version, view.Objects[state.ManifestKey(artifact.Key)].Version
		action.Bytes = data.Size
	}
	if by := p.needs[copyRef{p.index, chosen.held}]; len(by) > 0 {
		action.After = slices.Concat(after, by)
		slices.Sort(action.After)
	}
	p.add(action)
}
