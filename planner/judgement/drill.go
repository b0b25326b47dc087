package judgement

import (
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
)

// The verdicts on a drill, beside Well and Overdue.
const (
	Failed       Verdict = "failed"
	NeverDrilled Verdict = "never drilled"
)

// Drill is how a drill stands.
type Drill struct {
	planner.DrillStanding
	Verdict Verdict
}

// drillOf judges one drill.
func drillOf(standing planner.DrillStanding, now time.Time) Drill {
	d := Drill{DrillStanding: standing, Verdict: Well}
	switch {
	case standing.Last == nil:
		d.Verdict = NeverDrilled
	case !standing.Last.Passed():
		d.Verdict = Failed
	case !standing.DueAt.After(now):
		d.Verdict = Overdue
	}
	return d
}

// breaches are what of a drill is not true.
func (d *Drill) breaches(now time.Time) []Breach {
	breach := Breach{Address: d.Drill.Address, Kind: DrillOverdue, Severity: Warning}
	switch d.Verdict {
	case NeverDrilled:
		breach.Text = fmt.Sprintf("was never made: nobody knows whether %s can be restored", d.Drill.Backup)
	case Failed:
		breach.Kind, breach.Severity, breach.Since = DrillHasFailed, Error, d.Last.StartedAt
		breach.Text = fmt.Sprintf("failed %s ago: %s", units.Age(now.Sub(d.Last.StartedAt)), planner.FirstProblem(d.Last))
	case Overdue:
		breach.Since = d.DueAt.UTC()
		breach.Text = fmt.Sprintf("has been due for %s: the last good one was %s ago, %s",
			units.Age(now.Sub(d.DueAt)), units.Age(now.Sub(d.Passed.StartedAt)), d.Drill.Schedule)
	default:
		return nil
	}
	return []Breach{breach}
}
