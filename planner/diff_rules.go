package planner

import (
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
)

// forever is how long a destination keeps what no rule ever deletes.
const forever = "forever"

// noteRules tells where what a store does by itself contradicts the retention that is declared for it.
func (d *differ) noteRules() {
	if d.observed == nil {
		return
	}
	for _, destination := range d.specification.Destinations {
		view := d.observed.Destinations[destination.Address]
		if view == nil || view.Err != nil || view.Rules == nil {
			continue
		}
		d.noteDeletion(destination, view.Rules.DeleteAfter)
		if destination.Retention != nil && hasRules(destination.Retention) {
			d.noteKeeping(destination, view.Rules.KeepFor)
			d.noteSoftDelete(destination, view.Rules.SoftDelete)
			if view.Rules.Keeps != "" {
				d.notes = append(d.notes, Note{Address: destination.Address, Code: StoreMayKeep, Declared: declared(destination.Retention, d.interval(destination.Address)),
					Text: fmt.Sprintf("%s has %s, and for how long cannot be read: what its retention would delete before is %s", destination.Address, view.Rules.Keeps, keptByPolicy)})
			}
		}
	}
}

// noteDeletion tells of a store that deletes earlier than the retention does.
func (d *differ) noteDeletion(destination *spec.Destination, after time.Duration) {
	if after <= 0 {
		return
	}
	text := forever
	if retention := destination.Retention; retention != nil && hasRules(retention) {
		longest := longestKept(retention, d.interval(destination.Address))
		if longest <= after {
			return
		}
		text = units.Duration(longest).String()
	}
	d.notes = append(d.notes, Note{Address: destination.Address, Code: StoreDeletes, Found: units.Duration(after).String(), Declared: text,
		Text: fmt.Sprintf("%s deletes objects by a rule of its own when they are %s old, and copies are to be kept there %s: they will be lost; change one of the two",
			destination.Address, units.Duration(after), lasting(text))})
}

// lasting puts a span into a sentence.
func lasting(text string) string {
	if text == forever {
		return text
	}
	return "up to " + text
}

// noteKeeping tells of a store that keeps longer than the retention does.
func (d *differ) noteKeeping(destination *spec.Destination, keeps time.Duration) {
	shortest := shortestKept(destination.Retention, d.interval(destination.Address))
	if keeps <= shortest {
		return
	}
	d.notes = append(d.notes, Note{Address: destination.Address, Code: StoreKeeps, Found: units.Duration(keeps).String(), Declared: units.Duration(shortest).String(),
		Text: fmt.Sprintf("%s keeps objects for %s by a rule of its own, and its retention would delete some after %s: until then they are %s, and paid for",
			destination.Address, units.Duration(keeps), units.Duration(shortest), keptByPolicy)})
}

// noteSoftDelete tells of a store that goes on keeping what was deleted.
func (d *differ) noteSoftDelete(destination *spec.Destination, kept time.Duration) {
	if kept <= 0 {
		return
	}
	d.notes = append(d.notes, Note{Address: destination.Address, Code: SoftDelete, Found: units.Duration(kept).String(),
		Text: fmt.Sprintf("%s can give deleted copies back for %s, and they are paid for as long", destination.Address, units.Duration(kept))})
}

// interval is the longest time between two backups that a destination gets; 0 when there is none.
func (d *differ) interval(destination string) time.Duration {
	longest := time.Duration(0)
	for _, backup := range d.specification.Backups {
		if d.uses(backup.Address, destination) {
			longest = max(longest, backup.Schedule.Interval())
		}
	}
	return longest
}

const (
	hours  = time.Hour
	days   = 24 * hours
	weeks  = 7 * days
	months = 31 * days
	years  = 366 * days
)

// longestKept is the age up to which a retention may keep an artifact that is not the newest, when a backup comes in every
// interval.
func longestKept(r *spec.Retention, interval time.Duration) time.Duration {
	return max(r.KeepWithin.Std(), times(r.KeepLast, interval), times(r.KeepHourly, max(hours, interval)), times(r.KeepDaily, max(days, interval)),
		times(r.KeepWeekly, max(weeks, interval)), times(r.KeepMonthly, max(months, interval)), times(r.KeepYearly, max(years, interval)))
}

// shortestKept is the age from which a retention may delete an artifact, when a backup comes in every interval.
func shortestKept(r *spec.Retention, interval time.Duration) time.Duration {
	return max(r.KeepWithin.Std(), times(max(r.KeepLast, 1), interval))
}

// times multiplies without running over.
func times(n int, span time.Duration) time.Duration {
	const most = 100 * years
	if n > 0 && span > most/time.Duration(n) {
		return most
	}
	return time.Duration(n) * span
}

// declared is what a retention asks for, as a note has it.
func declared(r *spec.Retention, interval time.Duration) string {
	return units.Duration(shortestKept(r, interval)).String()
}
