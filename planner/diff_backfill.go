package planner

import (
	"fmt"

	"github.com/castrolanda/imsctl/internal/units"
)

// backfillSuffix marks the copies that a destination should get and has no room for.
const backfillSuffix = "/backfill"

// planReplicas brings artifacts to the destinations that never had them: the newest, unless a new backup goes everywhere
// anyway, and with backfill = "all" every other one that the destination's retention would keep.
func (t *task) planReplicas() {
	for i := range t.places {
		if t.places[i].err != nil {
			continue
		}
		if t.taking == nil && t.latest != nil {
			t.bring(t.latest, i, 0, "missing on "+t.places[i].address)
			t.reserveCopy(t.latest, i)
		}
		if t.backup.BackfillAll {
			t.backfill(i)
		}
	}
}

// bring plans the first copy of an artifact at a place, or says what lies in its way. rank is its turn among the copies
// that go there.
func (t *task) bring(held *holding, i, rank int, reason string) {
	intent := t.interrupted[objectRef{t.places[i].address, held.artifact.Key}]
	switch condition := held.copies[i].condition; {
	case condition == absent, condition == unfinished && intent != nil:
		t.replicate(held, i, rank, intent, reason)
	case condition == unfinished:
		t.blockCopy(held, i, CauseChange, reason+", where an object without a manifest lies under its key: nothing is overwritten; remove it there")
	case condition == foreign:
		t.blockCopy(held, i, CauseChange, reason+", where something else lies under its key: nothing is overwritten; remove it there")
	}
}

// backfill brings the artifacts that the retention of a place would keep, newest first, as long as there is room.
func (t *task) backfill(i int) {
	wanted := t.backfilled(i)
	reason := "missing on " + t.places[i].address + ", which keeps everything"
	if retention := t.places[i].retention; retention != nil {
		reason = fmt.Sprintf("missing on %s, which keeps it (%s)", t.places[i].address, rules(retention))
	}
	missing, bytes := 0, int64(0)
	for _, held := range t.holdings {
		if !wanted[held.index] || !t.isMissing(held, i) || t.taking == nil && held == t.latest {
			continue
		}
		if missing > 0 || !t.fits(t.places[i].address, held.artifact.Stored.Size) {
			t.pin(held, i)
			missing++
			bytes += held.artifact.Stored.Size
			continue
		}
		t.bring(held, i, held.index, reason)
		t.reserveCopy(held, i)
	}
	if missing > 0 {
		t.add(&Blocked{Failed: true, Degraded: true, Code: NoSpace, Meta: Meta{
			Address: placeAddress(t.backup.Address, t.places[i].address) + backfillSuffix, Backup: t.backup.Address, Cause: CauseChange,
			Reason: fmt.Sprintf("%s missing on %s (%s), which %s: make room there", units.Counted(missing, "older artifact is", "older artifacts are"),
				t.places[i].address, units.Bytes(bytes), t.shortage(t.places[i].address, bytes)),
		}})
	}
}

// backfilled says which artifacts the retention of a place would keep if all that can be had were there. What is brought for
// it is never what the same retention would delete again: it keeps no less when others are missing.
func (t *task) backfilled(i int) []bool {
	if t.wholes[i] == nil {
		t.wholes[i] = t.keep(i, (*holding).live)
	}
	return t.wholes[i]
}

// isMissing reports whether a place has no copy of an artifact that could be copied there.
func (t *task) isMissing(held *holding, i int) bool {
	switch held.copies[i].condition {
	case absent, unfinished, foreign:
		return held.live() && t.arriving[i][held] == ""
	default:
		return false
	}
}

// wouldStay reports whether an artifact is at a place, will be when the plan so far is carried out, or could be repaired.
func (t *task) wouldStay(held *holding, i int) bool {
	if held.copies[i].bad() {
		return t.abandoned(held, i) == nil && !t.isLost(held, i)
	}
	return t.willStay(held, i)
}

// reserveCopy takes the room of a copy that is brought to a place.
func (t *task) reserveCopy(held *holding, i int) {
	if t.arriving[i][held] != "" {
		t.reserve(t.places[i].address, held.artifact.Stored.Size)
	}
}
