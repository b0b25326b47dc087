package planner

import (
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// doubt says why nothing may be deleted at the place, or is empty: a clock is wrong now, or was when something was stored
// there, so that no age can be relied on.
func (p *clearing) doubt() string {
	view := p.place.view
	if view != nil && view.Skew.Abs() > maxSkew {
		return fmt.Sprintf("clock of %s differs by %s", p.place.address, units.Age(view.Skew.Abs()))
	}
	for _, held := range p.stay {
		if held.artifact.StartedAt.Sub(p.now) > maxSkew {
			return fmt.Sprintf("%s started in the future (%s), so that some clock is wrong", held.artifact.ID, moment(held.artifact.StartedAt))
		}
	}
	if view == nil || !view.HasClock {
		return ""
	}
	for _, held := range p.holdings {
		if why := p.contradiction(held); why != "" {
			return why
		}
	}
	return ""
}

// contradiction says how the store's own time of a copy does not fit what is recorded of it, or is empty. It cannot have been
// stored before the backup began, nor after it was recorded as stored.
func (p *clearing) contradiction(held *holding) string {
	copied := held.copies[p.index]
	if copied.condition != good {
		return ""
	}
	modified := p.place.view.Objects[held.artifact.Key].Modified
	was := time.Duration(0)
	switch {
	case modified.IsZero():
	case modified.Before(held.artifact.StartedAt.Add(-maxSkew)):
		was = modified.Sub(held.artifact.StartedAt)
	case !copied.record.StoredAt.IsZero() && modified.After(copied.record.StoredAt.Add(maxSkew)):
		was = modified.Sub(copied.record.StoredAt)
	}
	switch {
	case was < 0:
		return fmt.Sprintf("by the clock of %s, %s was stored %s before it began, so that some clock was wrong then", p.place.address, held.artifact.ID, units.Age(-was))
	case was > 0:
		return fmt.Sprintf("by the clock of %s, %s was stored %s after it was recorded as stored, so that some clock was wrong then or it was replaced; \"imsctl state rm\" of that copy lets the next apply read it back and record it anew",
			p.place.address, held.artifact.ID, units.Age(was))
	}
	return ""
}
