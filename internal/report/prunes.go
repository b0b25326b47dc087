package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// pruneView is what retention lets go until the end of what is foretold.
type pruneView struct {
	chart
	// Until is that end; Days are the days with something, in their order.
	Until string
	Days  []pruneDay
	// Bars are the days as columns, From and To the dates at the edges.
	Bars     []bar
	From, To string
	Most     string
}

// pruneDay is what is let go on one day.
type pruneDay struct {
	Day, Copies, Bytes string
	Rows               []pruneRow
}

// pruneRow is what is let go of one backup: at which destinations, and of which days the copies are.
type pruneRow struct{ Backup, Copies string }

// bar is a column of a chart, in percent.
type bar struct {
	X, Width, Height, Y float64
	Title               string
}

// shownDays are shown at once.
const shownDays = 7

// prune is one copy that is let go.
type prune struct {
	at                  time.Time
	backup, destination string
	artifact            Artifact
}

func (b *builder) prunes() *pruneView {
	all := b.allPrunes()
	v := &pruneView{Until: b.date(b.Until), From: "now", To: b.date(b.Until)}
	if len(all) == 0 {
		return v
	}
	var most int64
	var sums []int64
	var at []time.Time
	for len(all) > 0 {
		n := 1
		for n < len(all) && b.day(all[n].at) == b.day(all[0].at) {
			n++
		}
		sum := int64(0)
		for _, p := range all[:n] {
			sum += p.artifact.StoredBytes
		}
		v.Days = append(v.Days, pruneDay{Day: b.day(all[0].at), Copies: fmt.Sprint(n), Bytes: units.Bytes(sum), Rows: b.pruneRows(all[:n])})
		sums, at, most = append(sums, sum), append(at, all[0].at), max(most, sum)
		all = all[n:]
	}
	v.Most = units.Bytes(most)
	days := max(1, int(b.Until.Sub(b.MadeAt)/day)+1)
	width := 100 / float64(days)
	start := b.midnight(b.MadeAt)
	for i, sum := range sums {
		height := 100.0
		if most > 0 {
			height = round(max(2, 100*float64(sum)/float64(most)))
		}
		// Days are not all of 24 hours.
		x := float64((b.midnight(at[i]).Sub(start) + day/2) / day)
		v.Bars = append(v.Bars, bar{X: round(x*width + width/10), Width: round(width * 8 / 10), Height: height, Y: round(100 - height),
			Title: fmt.Sprintf("%s: %s copies, %s", v.Days[i].Day, v.Days[i].Copies, v.Days[i].Bytes)})
	}
	v.chart = b.chart("What retention lets go, by day", fmt.Sprintf("%s with something to prune until %s; the most on one day is %s.",
		units.Counted(len(v.Days), "day", "days"), v.Until, v.Most))
	return v
}

// allPrunes are the copies that are let go, in the order in which they are.
func (b *builder) allPrunes() []prune {
	var all []prune
	for _, backup := range b.Backups {
		for _, place := range backup.Places {
			for _, held := range place.Copies {
				if held.EndsAt.IsZero() || held.KeptBy != "" || held.EndsAt.After(b.Until) {
					continue
				}
				at := held.EndsAt
				if at.Before(b.MadeAt) {
					at = b.MadeAt
				}
				all = append(all, prune{at, backup.Address, place.Destination, backup.Artifacts[held.Artifact]})
			}
		}
	}
	slices.SortStableFunc(all, func(a, c prune) int {
		return cmp.Or(b.midnight(a.at).Compare(b.midnight(c.at)), strings.Compare(a.backup, c.backup), strings.Compare(a.destination, c.destination),
			a.artifact.StartedAt.Compare(c.artifact.StartedAt))
	})
	return all
}

// midnight is the beginning of the day of a moment.
func (b *builder) midnight(at time.Time) time.Time {
	local := at.In(b.Location)
	return time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, b.Location)
}

// day names the day of a moment.
func (b *builder) day(at time.Time) string {
	if b.midnight(at).Equal(b.midnight(b.MadeAt)) {
		return "today"
	}
	return at.In(b.Location).Format("Mon 2 Jan")
}

// pruneRows gather the copies of one day by their backup.
func (b *builder) pruneRows(day []prune) []pruneRow {
	var rows []pruneRow
	for len(day) > 0 {
		n := 0
		var copies []string
		for n < len(day) && day[n].backup == day[0].backup {
			at := n
			for n < len(day) && day[n].backup == day[0].backup && day[n].destination == day[at].destination {
				n++
			}
			words := "of " + b.date(day[at].artifact.StartedAt)
			if n-at > 1 {
				words = fmt.Sprintf("%d of %s to %s", n-at, b.date(day[at].artifact.StartedAt), b.date(day[n-1].artifact.StartedAt))
			}
			copies = append(copies, fmt.Sprintf("%s (%s)", short(day[at].destination), words))
		}
		rows = append(rows, pruneRow{day[0].backup, enumerated(copies)})
		day = day[n:]
	}
	return rows
}

// enumerated joins some of many words: "a, b, c and 47 more".
func enumerated(words []string) string {
	const most = 8
	if len(words) <= most {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:most-1], ", "), len(words)-most+1)
}

// pruneTable is a table of days.
type pruneTable struct {
	Name string
	Days []pruneDay
}

// Soon are the days that are shown.
func (v *pruneView) Soon() pruneTable {
	return pruneTable{"Prunes of the next days", v.Days[:min(shownDays, len(v.Days))]}
}

// Later are the days that are folded up.
func (v *pruneView) Later() pruneTable {
	return pruneTable{"Prunes after that", v.Days[min(shownDays, len(v.Days)):]}
}
