package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// lane is a backup at one destination: a row of the timeline.
type lane struct {
	chart
	Place
	// Name is the destination's, Counts what lies there, Next when the next copy is let go.
	Name, Counts, Next string
	// All and Some are the windows of retention, Now is where now lies.
	AllWindow, SomeWindow window
	Now                   float64
	Marks                 []mark
	// Dense are the verified copies as one path, Ends the moments at which copies go, where there are too many for a mark each.
	Dense, Ends string
	// Earlier is how many copies lie before the scale.
	Earlier int
}

// window is a stretch of a lane.
type window struct{ X, Width float64 }

// mark is something that happened, or will, as a shape with a title.
type mark struct {
	X            float64
	Shape, Title string
}

// mostMarks is how many copies of a lane get a mark each.
const mostMarks = 100

func (b *builder) lane(backup Backup, place Place) lane {
	s := b.timeline
	l := lane{Place: place, Name: short(place.Destination), Now: s.at(b.MadeAt)}
	if place.All > 0 {
		l.AllWindow = s.window(b.MadeAt.Add(-place.All), b.MadeAt)
		l.SomeWindow = s.window(b.MadeAt.Add(-place.Some), b.MadeAt.Add(-place.All))
	} else {
		l.AllWindow = s.window(s.from, b.MadeAt)
	}
	var dense, ends strings.Builder
	crowded := len(place.Copies) > mostMarks
	var there int
	var bytes int64
	for _, held := range place.Copies {
		artifact := backup.Artifacts[held.Artifact]
		if held.Condition != Missing {
			there++
			bytes += artifact.StoredBytes
		}
		switch future := held.KeptBy == "" && s.holds(held.EndsAt) && held.EndsAt.After(b.MadeAt); {
		case future && crowded:
			fmt.Fprintf(&ends, "M%g 0V10", 10*s.at(held.EndsAt))
		case future:
			l.Marks = append(l.Marks, mark{s.at(held.EndsAt), "end", fmt.Sprintf("%s: the copy of %s goes", b.date(held.EndsAt), b.moment(artifact.StartedAt))})
		}
		switch {
		case artifact.StartedAt.Before(s.from):
			l.Earlier++
		case held.Condition == Verified && held.KeptBy == "" && crowded && !b.ending(held):
			fmt.Fprintf(&dense, "M%g 0V10", 10*s.at(artifact.StartedAt))
		default:
			l.Marks = append(l.Marks, mark{s.at(artifact.StartedAt), b.shape(held), b.copyTitle(artifact, held)})
		}
	}
	l.Dense, l.Ends = dense.String(), ends.String()
	l.Counts = fmt.Sprintf("%s · %s", many(there, "copy", "copies"), units.Bytes(bytes))
	l.Next = b.nextEnd(place)
	l.chart = b.chart(fmt.Sprintf("%s at %s", backup.Address, place.Destination), b.laneWords(l, there))
	return l
}

// window is what of a stretch of time can be seen.
func (s scale) window(from, to time.Time) window {
	x := s.at(from)
	return window{x, round(max(0, s.at(to)-x))}
}

// ending reports whether retention does not keep a copy any more.
func (b *builder) ending(held Copy) bool {
	return held.KeptBy == "" && !held.EndsAt.IsZero() && !held.EndsAt.After(b.MadeAt)
}

// shape is how a copy is drawn.
func (b *builder) shape(held Copy) string {
	switch {
	case held.Condition == Verified && held.KeptBy != "":
		return "held"
	case held.Condition == Verified && b.ending(held):
		return "ending"
	}
	return held.Condition.String()
}

// copyTitle says all of a copy.
func (b *builder) copyTitle(artifact Artifact, held Copy) string {
	text := fmt.Sprintf("%s, %s, %s", b.moment(artifact.StartedAt), units.Bytes(artifact.StoredBytes), held.Condition)
	if held.Problem != "" {
		text += ": " + held.Problem
	}
	if fate := b.fate(held); fate != "" {
		text += "; " + fate
	}
	return text
}

// fate is what becomes of a copy: "kept until 28 Dec"; empty where nothing is foretold.
func (b *builder) fate(held Copy) string {
	switch {
	case held.KeptBy != "":
		return "kept by the store: " + held.KeptBy
	case held.EndsAt.IsZero():
		return ""
	case b.ending(held):
		return "let go at the next apply"
	}
	return "kept until " + b.date(held.EndsAt)
}

// nextEnd says when the next copy of a place is let go.
func (b *builder) nextEnd(place Place) string {
	if place.Retention == "" {
		return "everything is kept"
	}
	var next time.Time
	due := 0
	for _, held := range place.Copies {
		switch {
		case held.KeptBy != "" || held.EndsAt.IsZero():
		case b.ending(held):
			due++
		case next.IsZero() || held.EndsAt.Before(next):
			next = held.EndsAt
		}
	}
	switch {
	case due > 0:
		return fmt.Sprintf("%d to prune at the next apply", due)
	case next.IsZero():
		return "none to prune before " + b.date(b.Until)
	}
	return "next prune " + b.date(next)
}

// laneWords describe a lane to who does not see it.
func (b *builder) laneWords(l lane, there int) string {
	words := fmt.Sprintf("%s recorded; retention: %s; %s.", units.Counted(there, "copy is", "copies are"), orElse(l.Retention, "everything is kept"), l.Next)
	if l.Earlier > 0 {
		words += fmt.Sprintf(" %d of them are older than the chart.", l.Earlier)
	}
	return words
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
