package disk

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// A forecast needs so many measurements, the first and the last of them so far apart.
const (
	leastPoints = 3
	leastSpan   = 24 * time.Hour
)

// point is how much was used at a moment.
type point struct {
	at   time.Time
	used float64
}

// forecast is what is expected of a file system.
type forecast struct {
	// unknown is why nothing can be expected yet: a part of a sentence; the rest is zero then.
	unknown string
	// growth is what is used in addition each day, less than nothing where it becomes less; days is how many more it lasts so, +Inf
	// where it does not fill up.
	growth, days float64
}

// foresee puts a line through the measurements, by least squares, and follows it from what is free now. Points that are later than now, of a
// clock that was wrong, are left out.
func foresee(points []point, free float64, now time.Time) forecast {
	points = slices.DeleteFunc(slices.Clone(points), func(p point) bool { return p.at.After(now) })
	slices.SortFunc(points, func(a, b point) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.used, b.used)) })
	span := time.Duration(0)
	if len(points) > 0 {
		span = points[len(points)-1].at.Sub(points[0].at)
	}
	if len(points) < leastPoints || span < leastSpan {
		return forecast{unknown: fmt.Sprintf("%s over %s; at least %d over %s are needed",
			units.Counted(len(points), "measurement", "measurements"), units.Age(span), leastPoints, units.Age(leastSpan))}
	}
	growth := slope(points)
	switch {
	case free <= 0:
		return forecast{growth: growth}
	case growth <= 0:
		return forecast{growth: growth, days: math.Inf(1)}
	}
	return forecast{growth: growth, days: free / growth}
}

// slope is that of the line through points, for each day. They are not all of one moment.
func slope(points []point) float64 {
	var days, used float64
	first := points[0]
	for _, p := range points {
		days += p.at.Sub(first.at).Hours() / 24
		used += p.used - first.used
	}
	days, used = days/float64(len(points)), used/float64(len(points))
	var above, below float64
	for _, p := range points {
		x, y := p.at.Sub(first.at).Hours()/24-days, p.used-first.used-used
		above += x * y
		below += x * x
	}
	return above / below
}

// history are the measurements of one figure.
func history(past []providers.Measurement, figure string) []point {
	var points []point
	for _, measured := range past {
		if used, ok := measured.Figures[figure]; ok {
			points = append(points, point{at: measured.At, used: used})
		}
	}
	return points
}
