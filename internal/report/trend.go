package report

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// chart is what every chart has: a number that no other one has, a title, and a description for who does not see it.
type chart struct {
	ID                 int
	Heading, Described string
}

// chart makes the next one.
func (b *builder) chart(heading, described string) chart {
	b.charts++
	return chart{ID: b.charts, Heading: heading, Described: described}
}

// point is a value at a moment.
type point struct {
	at     time.Time
	value  float64
	failed bool
}

// trend is a value over time, as a line.
type trend struct {
	chart
	// Name says what it is, Last, Least and Most are values in words.
	Name, Last, Least, Most string
	// From and To are the dates at the edges.
	From, To string
	// Line and Area are paths in a box of 1000 by 100; Dots are the points where there are few, in percent.
	Line, Area string
	Dots       []dot
}

// dot is a point of a line.
type dot struct {
	X, Y         float64
	Shape, Title string
}

// headroom keeps a line from the upper edge.
const headroom = 1.15

// mostDots is how many points of a line are drawn as such.
const mostDots = 40

// trend draws points, oldest first, from zero to a ceiling; without one, to the highest of them. Points without a value are left out.
func (b *builder) trend(of, name string, points []point, ceiling float64, words func(float64) string) *trend {
	var known []point
	for _, p := range points {
		if !math.IsNaN(p.value) && !math.IsInf(p.value, 0) {
			known = append(known, p)
		}
	}
	if len(known) == 0 {
		return nil
	}
	least, most := known[0].value, known[0].value
	for _, p := range known {
		least, most = min(least, p.value), max(most, p.value)
	}
	last := known[len(known)-1]
	unbroken := words
	words = func(value float64) string { return strings.ReplaceAll(unbroken(value), " ", together) }
	t := &trend{Name: name, Last: words(last.value), Least: words(least), Most: words(most), From: b.date(known[0].at), To: b.date(b.MadeAt)}
	box := box{scale: scale{known[0].at, b.MadeAt}, floor: min(0, least), top: max(ceiling, most)}
	if ceiling == 0 {
		box.top *= headroom
	}
	if !b.MadeAt.After(known[0].at) {
		box.scale.from = b.MadeAt.Add(-day)
	}
	t.Line, t.Area = box.paths(known)
	for i, p := range known {
		if len(known) <= mostDots || p.failed || i == len(known)-1 {
			shape := "dot"
			if p.failed {
				shape = "altered"
			}
			t.Dots = append(t.Dots, dot{box.at(p.at), box.y(p.value), shape, b.moment(p.at) + ": " + words(p.value)})
		}
	}
	t.chart = b.chart(fmt.Sprintf("%s: %s over time", of, strings.ToLower(name)), fmt.Sprintf("%d values from %s to %s; lowest %s, highest %s, last %s.",
		len(known), b.moment(known[0].at), b.moment(last.at), t.Least, t.Most, t.Last))
	return t
}

// box is where a line is drawn.
type box struct {
	scale
	floor, top float64
}

// y is the height of a value, in percent from above.
func (b box) y(value float64) float64 {
	if b.top <= b.floor {
		return 100
	}
	return round(100 - 100*(value-b.floor)/(b.top-b.floor))
}

// paths are the line through the points and the area below it.
func (b box) paths(points []point) (line, area string) {
	if len(points) < 2 {
		return "", ""
	}
	var path strings.Builder
	for i, p := range points {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%g %g", command, round(10*b.at(p.at)), b.y(p.value))
	}
	line = path.String()
	return line, fmt.Sprintf("%sL%g 100L%g 100Z", line, round(10*b.at(points[len(points)-1].at)), round(10*b.at(points[0].at)))
}
