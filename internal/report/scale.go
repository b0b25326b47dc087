package report

import "time"

// scale lays a stretch of time across a chart.
type scale struct{ from, to time.Time }

// at is where a moment lies, in percent of the width; what lies outside is put at the edge.
func (s scale) at(moment time.Time) float64 {
	whole := s.to.Sub(s.from)
	if whole <= 0 {
		return 100
	}
	return round(min(100, max(0, 100*float64(moment.Sub(s.from))/float64(whole))))
}

// holds reports whether a moment lies on the scale.
func (s scale) holds(moment time.Time) bool { return !moment.Before(s.from) && !moment.After(s.to) }

// tick is a date below a chart.
type tick struct {
	X    float64
	Text string
	// Minor ones are left out where there is little room.
	Minor bool
}

const (
	day = 24 * time.Hour
	// mostTicks is how many dates there is room for.
	mostTicks = 9
)

// ticks are dates at even distances, counted back from today's beginning, but for those that would touch the word at now or an edge.
func (s scale) ticks(now time.Time, location *time.Location) []tick {
	step := 1
	for _, days := range []int{1, 2, 4, 7, 14, 28, 56, 91, 182, 364} {
		if step = days; s.to.Sub(s.from) <= time.Duration(days)*day*mostTicks {
			break
		}
	}
	local := now.In(location)
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, location)
	first := midnight
	for n := 1; !first.Before(s.from); n++ {
		first = midnight.AddDate(0, 0, -n*step)
	}
	const edge, room = 3, 6
	var ticks []tick
	for n, at := 0, first; !at.After(s.to); n++ {
		x := s.at(at)
		if s.holds(at) && x >= edge && x <= 100-edge && (x <= s.at(now)-room || x >= s.at(now)+room) {
			ticks = append(ticks, tick{X: x, Text: at.Format(dayForm), Minor: n%2 == 1})
		}
		at = at.AddDate(0, 0, step)
	}
	return ticks
}

// axis is what stands below a timeline.
type axis struct {
	Ticks []tick
	Now   float64
}

func (b *builder) axis() axis {
	return axis{b.timeline.ticks(b.MadeAt, b.Location), b.timeline.at(b.MadeAt)}
}

// Timelines show at least shortestPast of what was, at most longestPast, and a third of that of what comes.
const (
	shortestPast = 14 * day
	longestPast  = 92 * day
	shortestNext = 5 * day
)

// timeline is the scale of all timelines of a report, so that they can be compared.
func timeline(document *Document) scale {
	oldest := document.MadeAt
	for _, backup := range document.Backups {
		for _, artifact := range backup.Artifacts {
			if artifact.StartedAt.Before(oldest) {
				oldest = artifact.StartedAt
			}
		}
	}
	past := min(longestPast, max(shortestPast, document.MadeAt.Sub(oldest)+day))
	next := min(document.Until.Sub(document.MadeAt), max(shortestNext, past/3))
	return scale{from: document.MadeAt.Add(-past), to: document.MadeAt.Add(max(next, day))}
}
