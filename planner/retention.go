package planner

import (
	"fmt"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/spec"
)

// kept says which of the backups that started at those times, newest first, a retention keeps: all that any of its rules
// keeps, and always the newest. Calendar rules count in location; an hour, day, week, month or year without a backup does
// not count. Weeks are those of ISO 8601. A nil retention keeps everything, and so does one without any rule.
//
// Taking a backup out of the list never makes the rules drop another one.
func kept(retention *spec.Retention, starts []time.Time, now time.Time, location *time.Location) []bool {
	keep := make([]bool, len(starts))
	if retention == nil || !hasRules(retention) {
		for i := range keep {
			keep[i] = true
		}
		return keep
	}
	for i, start := range starts {
		within := retention.KeepWithin > 0 && now.Sub(start) <= retention.KeepWithin.Std()
		keep[i] = i == 0 || i < retention.KeepLast || within
	}
	for _, rule := range []struct {
		count  int
		period func(time.Time) period
	}{
		{retention.KeepHourly, hourOf}, {retention.KeepDaily, dayOf}, {retention.KeepWeekly, weekOf},
		{retention.KeepMonthly, monthOf}, {retention.KeepYearly, yearOf},
	} {
		keepNewestOf(keep, starts, rule.count, rule.period, location)
	}
	return keep
}

// hasRules reports whether a retention says anything about what is kept.
func hasRules(r *spec.Retention) bool {
	return r.KeepWithin > 0 || max(r.KeepLast, r.KeepHourly, r.KeepDaily, r.KeepWeekly, r.KeepMonthly, r.KeepYearly) > 0
}

// period is an hour, day, week, month or year of the calendar.
type period struct{ year, part, hour, offset int }

// keepNewestOf marks the newest backup of each of the last count periods that have one.
func keepNewestOf(keep []bool, starts []time.Time, count int, periodOf func(time.Time) period, location *time.Location) {
	var last period
	periods := 0
	for i, start := range starts {
		if periods == count && count >= 0 {
			return
		}
		current := periodOf(start.In(location))
		if periods > 0 && current == last {
			continue
		}
		keep[i], last = true, current
		periods++
	}
}

// hourOf tells apart the two hours of the same name when clocks are set back.
func hourOf(t time.Time) period {
	_, offset := t.Zone()
	return period{year: t.Year(), part: t.YearDay(), hour: t.Hour(), offset: offset}
}

func dayOf(t time.Time) period { return period{year: t.Year(), part: t.YearDay()} }

func weekOf(t time.Time) period {
	year, week := t.ISOWeek()
	return period{year: year, part: week}
}

func monthOf(t time.Time) period { return period{year: t.Year(), part: int(t.Month())} }

func yearOf(t time.Time) period { return period{year: t.Year()} }

// rules prints the rules of a retention as they are written: "keep_within 30d, keep_last 3".
func rules(retention *spec.Retention) string {
	var parts []string
	if retention.KeepWithin > 0 {
		parts = append(parts, "keep_within "+retention.KeepWithin.String())
	}
	for _, rule := range []struct {
		name  string
		count int
	}{
		{"keep_last", retention.KeepLast}, {"keep_hourly", retention.KeepHourly}, {"keep_daily", retention.KeepDaily},
		{"keep_weekly", retention.KeepWeekly}, {"keep_monthly", retention.KeepMonthly}, {"keep_yearly", retention.KeepYearly},
	} {
		if rule.count > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", rule.name, rule.count))
		}
	}
	return strings.Join(parts, ", ")
}
