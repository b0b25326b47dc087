package planner

import (
	"fmt"
	"slices"
	"time"

	"github.com/castrolanda/imsctl/state"
)

// replicate plans the first copy of an artifact at a place. intent is the interrupted attempt at it, or nil.
func (t *task) replicate(held *holding, i, rank int, intent *state.Intent, reason string) {
	to, cause := t.places[i].address, CauseChange
	if intent != nil {
		reason, cause = fmt.Sprintf("missing on %s, the copy begun at %s was interrupted", to, moment(intent.BeganAt)), CauseRecovery
	}
	meta, from, others := t.copyMeta(held, i, cause, reason, "; copied from %s, no new backup")
	if meta == nil {
		return
	}
	meta.Rank, meta.Undo = rank, "nothing is overwritten; retention removes it in its time"
	t.add(&Replicate{Meta: *meta, Artifact: held.artifact.ID, From: from, Others: others, To: to})
}

// repair plans to copy an artifact again over a copy that is bad.
func (t *task) repair(held *holding, i int) {
	to := t.places[i].address
	if by := t.protection(held, i); by != "" {
		t.blockCopy(held, i, CauseDrift, fmt.Sprintf("%s, and what is there cannot be replaced: %s: %s", held.copies[i].problem, keptByPolicy, by))
		return
	}
	meta, from, others := t.copyMeta(held, i, CauseDrift, held.copies[i].problem, ": copied again from %s")
	if meta == nil {
		return
	}
	meta.Undo = "cannot be undone: the bad copy is replaced"
	t.add(&Repair{Meta: *meta, Artifact: held.artifact.ID, From: from, Others: others, To: to})
}

// copyMeta finds where to copy an artifact from, the best place first, and registers the copying. Where it cannot be done
// now it says so in the plan and returns nil. how completes the reason; its %s is the origin. Free space is left to the
// destination, which knows the size in advance and refuses before a byte is sent.
func (t *task) copyMeta(held *holding, i int, cause Cause, reason, how string) (meta *Meta, from string, others []string) {
	sources, found := t.origins(held, i)
	if found != reachable {
		if found == hidden {
			t.blockCopy(held, i, cause, reason+"; its other copies lie where nothing could be looked at")
		}
		return nil, "", nil
	}
	to := t.places[i].address
	from = t.places[sources[0]].address
	meta = &Meta{
		Address: copyAddress(t.backup.Address, to, held.artifact.ID), Backup: t.backup.Address,
		Reason: reason + fmt.Sprintf(how, from), Cause: cause, Bytes: held.artifact.Stored.Size,
	}
	if held.copies[sources[0]].condition != good {
		t.verify(held, sources[0])
		meta.After = []string{copyAddress(t.backup.Address, from, held.artifact.ID)}
	}
	for n, source := range sources {
		if n > 0 {
			others = append(others, t.places[source].address)
		}
		ref := copyRef{source, held}
		t.needs[ref] = append(t.needs[ref], meta.Address)
	}
	t.copying[objectRef{to, held.artifact.Key}] = true
	if t.arriving[i] == nil {
		t.arriving[i] = make(map[*holding]string)
	}
	t.arriving[i][held] = meta.Address
	return meta, from, others
}

// blockCopy says that a copy should be made and cannot be now.
func (t *task) blockCopy(held *holding, i int, cause Cause, reason string) {
	t.pin(held, i)
	t.add(&Blocked{Failed: true, Degraded: t.coveredWithout(i), Meta: Meta{
		Address: copyAddress(t.backup.Address, t.places[i].address, held.artifact.ID), Backup: t.backup.Address,
		Reason: reason, Cause: cause,
	}})
}

// pin keeps the copies that an artifact could be copied to place i from, once that can be done.
func (t *task) pin(held *holding, i int) {
	sources, _ := t.origins(held, i)
	for _, source := range sources {
		t.pinned[copyRef{source, held}] = true
	}
}

// coveredWithout reports whether the backup has its min_copies although the copy at place i is missing: those of the
// backup that is planned, or of the newest artifact.
func (t *task) coveredWithout(i int) bool {
	if t.taking != nil {
		return true
	}
	held := t.latest
	if held == nil {
		return false
	}
	count := 0
	for j, copied := range held.copies {
		if j != i && copied.condition != unseen && copied.live() {
			count++
		}
	}
	return count >= t.backup.MinCopies
}

// reach says whether a copy to copy from was found.
type reach uint8

const (
	// lost: no copy is left.
	lost reach = iota
	// hidden: a copy is recorded where nothing could be looked at.
	hidden
	// reachable: a copy is there.
	reachable
)

// origins finds the places to copy an artifact to place i from: the good copies, those on this machine first, then in the
// order of `to`; where there is none, one that is read back in this plan.
func (t *task) origins(held *holding, i int) ([]int, reach) {
	var near, far, unproven []int
	found := lost
	for j, copied := range held.copies {
		switch {
		case j == i || !copied.live():
		case copied.condition == unseen:
			found = max(found, hidden)
		case copied.condition != good:
			unproven = append(unproven, j)
		case t.near[t.places[j].address]:
			near = append(near, j)
		default:
			far = append(far, j)
		}
	}
	switch proven := append(near, far...); {
	case len(proven) > 0:
		return proven, reachable
	case len(unproven) > 0:
		return unproven[:1], reachable
	}
	return nil, found
}

// retained says, for each place, which artifacts its retention keeps there, if every copy that can be had were there.
func (t *task) retained() [][]bool {
	wanted := make([][]bool, len(t.places))
	for i := range t.places {
		wanted[i] = t.keep(i, func(held *holding) bool { return t.wouldStay(held, i) })
	}
	return wanted
}

// willStay reports whether an artifact is at a place, or will be when the plan so far is carried out.
func (t *task) willStay(held *holding, i int) bool {
	switch held.copies[i].condition {
	case good, changed, adoptable:
		return true
	default:
		return t.arriving[i][held] != ""
	}
}

// keep asks the retention of a place which of the artifacts that present selects, and of a backup on its way, it keeps.
// The answer is parallel to the holdings.
func (t *task) keep(i int, present func(*holding) bool) []bool {
	keep := make([]bool, len(t.holdings))
	selected := make([]*holding, 0, len(t.holdings)+1)
	starts := make([]time.Time, 0, len(t.holdings)+1)
	if t.isGoingTo(i) {
		selected, starts = append(selected, nil), append(starts, t.now)
	}
	for _, held := range t.holdings {
		if present(held) {
			selected, starts = append(selected, held), append(starts, held.artifact.StartedAt)
		}
	}
	for j, isKept := range kept(t.places[i].retention, starts, t.now, t.location()) {
		if held := selected[j]; held != nil {
			keep[held.index] = isKept
		}
	}
	return keep
}

// isGoingTo reports whether a backup is planned that goes to place i.
func (t *task) isGoingTo(i int) bool {
	return t.taking != nil && slices.Contains(t.taking.Destinations, t.places[i].address)
}

// location is the time zone of retention's calendar.
func (d *differ) location() *time.Location {
	if d.specification.Location == nil {
		return time.UTC
	}
	return d.specification.Location
}

// planCopy decides what is done about one copy, but for its deletion. retained says that its retention keeps it.
func (t *task) planCopy(held *holding, i int, retained bool) {
	copied := held.copies[i]
	intent := t.abandoned(held, i)
	switch {
	case copied.condition == adoptable:
		t.verify(held, i)
		if t.isImported(held) && !retained {
			t.note(copyAddress(t.backup.Address, t.places[i].address, held.artifact.ID),
				fmt.Sprintf("the retention of %s would not keep %s: a later plan deletes it there", t.places[i].address, held.artifact.ID))
		}
	case !copied.bad():
	case copied.condition == gone && intent != nil:
		t.forgetPruned(held, i)
	case copied.condition == headless && intent != nil && t.isCovered(i):
		// Its deletion is finished together with the others of the place.
	case retained, copied.condition == headless && intent != nil && !t.isLost(held, i):
		t.wanted[copyRef{i, held}] = true
		t.repair(held, i)
	case copied.condition == gone, copied.condition == hollow && t.isLost(held, i):
		t.forget(held, i, CauseDrift, t.lossReason(held, i))
	}
}

// abandoned returns the open intent to delete a copy when its deletion is to be finished, or nil. The newest artifact's
// is not, nor one that is brought to the place if it is missing: it would be copied there again at once.
func (t *task) abandoned(held *holding, i int) *state.Intent {
	if t.taking == nil && held == t.latest || t.backup.BackfillAll && t.backfilled(i)[held.index] {
		return nil
	}
	return t.pruning[objectRef{t.places[i].address, held.artifact.Key}]
}

// isCovered reports whether a place will hold a verified copy of the backup.
func (t *task) isCovered(i int) bool {
	return t.isGoingTo(i) || slices.ContainsFunc(t.holdings, func(held *holding) bool { return t.willStay(held, i) })
}

// isLost reports whether an artifact has no copy besides place i that it could be repaired from.
func (t *task) isLost(held *holding, i int) bool {
	_, found := t.origins(held, i)
	return found == lost
}

// lossReason says why the record of a missing copy is dropped.
func (t *task) lossReason(held *holding, i int) string {
	if t.isLost(held, i) {
		return held.copies[i].problem + ", and no good copy is left to repair it from"
	}
	return held.copies[i].problem + "; its retention would not keep it"
}

// forgetPruned plans to drop the record of a copy whose deletion was begun and is done.
func (t *task) forgetPruned(held *holding, i int) {
	t.forget(held, i, CauseRecovery, fmt.Sprintf("was pruned; the apply of %s was interrupted before it could say so", moment(t.abandoned(held, i).BeganAt)))
}

// forget plans to drop the record of a copy.
func (t *task) forget(held *holding, i int, cause Cause, reason string) {
	t.add(&Forget{Artifact: held.artifact.ID, Destination: t.places[i].address, Meta: Meta{
		Address: copyAddress(t.backup.Address, t.places[i].address, held.artifact.ID), Backup: t.backup.Address,
		Reason: reason, Cause: cause, Undo: "recorded again should the copy come back",
	}})
}

// verify plans to read a copy back, once.
func (t *task) verify(held *holding, i int) {
	ref := copyRef{i, held}
	if t.verifying[ref] {
		return
	}
	t.verifying[ref] = true
	if held.copies[i].condition == adoptable && t.isImported(held) {
		t.adopt(held, i)
		return
	}
	destination := t.places[i].address
	action := &Verify{Artifact: held.artifact.ID, Destination: destination, Meta: Meta{
		Address: copyAddress(t.backup.Address, destination, held.artifact.ID), Backup: t.backup.Address,
		Cause: CauseDrift, Bytes: held.artifact.Stored.Size, Undo: "changes nothing but the state",
	}}
	if held.copies[i].condition == adoptable {
		action.Adopt = held.artifact.Key
		action.Reason = "complete but not recorded, and its manifest belongs to this state: read back, then recorded"
		if intent := t.interrupted[objectRef{destination, held.artifact.Key}]; intent != nil {
			action.Cause = CauseRecovery
			action.Reason = fmt.Sprintf("complete but not recorded: the apply of %s was interrupted; read back, then recorded", moment(intent.BeganAt))
		}
	} else if held.copies[i].record.Condition == state.Unproven {
		action.Cause = CauseTime
		action.Reason = "recorded from its manifest and never read: read back and compared"
	} else {
		object := t.places[i].view.Objects[held.artifact.Key]
		manifest := t.places[i].view.Objects[state.ManifestKey(held.artifact.Key)]
		modified := object.Modified
		if manifest.Modified.After(modified) {
			modified = manifest.Modified
		}
		action.Reason = "changed since it was written: read back and compared"
		if !modified.IsZero() {
			action.Reason = fmt.Sprintf("changed since it was written (modified %s): read back and compared", moment(modified))
		}
	}
	t.add(action)
}
