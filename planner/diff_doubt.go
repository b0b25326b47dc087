package planner

import (
	"fmt"
	"slices"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// doubt says why nothing may be deleted at the place now, because a clock is wrong, or is empty.
func (p *clearing) doubt() string {
	view := p.place.view
	if view != nil && view.Skew.Abs() > MaxSkew {
		return fmt.Sprintf("clock of %s differs by %s", p.place.address, units.Age(view.Skew.Abs()))
	}
	for _, held := range p.stay {
		if held.artifact.StartedAt.Sub(p.now) > MaxSkew {
			return fmt.Sprintf("%s started in the future (%s), so that some clock is wrong", held.artifact.ID, moment(held.artifact.StartedAt))
		}
	}
	return ""
}

// suspect takes the candidates back that the retention would keep if the store's own times were right where they contradict
// what is recorded: some clock was wrong when something was stored, and nobody knows which. They go when both let them go.
func (p *clearing) suspect() {
	if p.place.view == nil || !p.place.view.HasClock || len(p.delete) == 0 {
		return
	}
	shifts, why := make([]time.Duration, len(p.holdings)), ""
	for _, held := range p.holdings {
		shift, text := p.contradiction(held)
		if shifts[held.index] = shift; why == "" {
			why = text
		}
	}
	if why == "" {
		return
	}
	keep := p.keepShifted(shifts)
	var ids []string
	p.delete = slices.DeleteFunc(p.delete, func(chosen candidate) bool {
		if !chosen.counted || !keep[chosen.held.index] {
			return false
		}
		p.stay = append(p.stay, chosen.held)
		ids = append(ids, chosen.held.artifact.ID)
		return true
	})
	if len(ids) > 0 {
		p.notes = append(p.notes, Note{Address: placeAddress(p.backup.Address, p.place.address), Code: ClockDoubt, Artifacts: ids,
			Text: fmt.Sprintf("%s of %s at %s %s not deleted yet: %s, so that some clock was wrong then; they go when they are too old by both",
				units.Counted(len(ids), "copy", "copies"), p.backup.Address, p.place.address, isOrAre(len(ids)), why)})
	}
}

// keepShifted says which of the place's artifacts its retention would keep if each had begun so much later.
func (p *clearing) keepShifted(shifts []time.Duration) []bool {
	type shifted struct {
		held  *holding
		start time.Time
	}
	var all []shifted
	if p.planned {
		all = append(all, shifted{nil, p.now})
	}
	for _, held := range p.holdings {
		if p.willStay(held, p.index) {
			all = append(all, shifted{held, held.artifact.StartedAt.Add(shifts[held.index])})
		}
	}
	slices.SortStableFunc(all, func(a, b shifted) int { return b.start.Compare(a.start) })
	starts := make([]time.Time, len(all))
	for i := range all {
		starts[i] = all[i].start
	}
	keep := make([]bool, len(p.holdings))
	for i, isKept := range kept(p.place.retention, starts, p.now, p.location()) {
		if held := all[i].held; held != nil {
			keep[held.index] = isKept
		}
	}
	return keep
}

// contradiction says how the store's own time of a copy does not fit what is recorded of it, and by how much it is younger than
// recorded, with what clocks may differ added to be safe; nothing where it fits. It cannot have been stored before the backup
// began, nor after it was recorded as stored.
func (p *clearing) contradiction(held *holding) (younger time.Duration, why string) {
	copied := held.copies[p.index]
	if copied.condition != good {
		return 0, ""
	}
	modified, started, stored := p.place.view.Objects[held.artifact.Key].Modified, held.artifact.StartedAt, copied.record.StoredAt
	switch {
	case modified.IsZero():
		return 0, ""
	case modified.Before(started.Add(-MaxSkew)):
		return modified.Sub(started) - MaxSkew, fmt.Sprintf("by the store's clock %s was stored %s before it began", held.artifact.ID, units.Age(started.Sub(modified)))
	case !stored.IsZero() && modified.After(stored.Add(MaxSkew)):
		return modified.Sub(stored) + MaxSkew, fmt.Sprintf("by the store's clock %s was stored %s after it was recorded as stored", held.artifact.ID, units.Age(modified.Sub(stored)))
	default:
		return 0, ""
	}
}
