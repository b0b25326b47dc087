package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// mostRuns is how many drills, deploys and results a table has.
const mostRuns = 60

// drillView is a drill with the times that its restores took.
type drillView struct {
	Drill
	When  string
	Trend *trend
	Rows  []drillRow
}

// drillRow is a restore in words.
type drillRow struct {
	Machine, When, Result, Recovery, Artifact, From, Says string
	Level                                                 Level
}

func (b *builder) drills() []drillView {
	var views []drillView
	for _, drill := range b.Drills {
		v := drillView{Drill: drill, When: drill.Schedule + " · never drilled"}
		var points []point
		for _, run := range drill.Runs {
			if run.Recovery > 0 {
				points = append(points, point{at: run.StartedAt, value: run.Recovery.Seconds(), failed: !run.Passed})
			}
		}
		if n := len(drill.Runs); n > 0 {
			v.When = drill.Schedule + " · last " + b.ago(drill.Runs[n-1].StartedAt)
			if drill.DueAt.After(b.MadeAt) {
				v.When += " · due in " + units.Age(drill.DueAt.Sub(b.MadeAt).Round(time.Minute))
			} else {
				v.When += " · due now"
			}
		}
		v.Trend = b.trend(drill.Address, "Recovery time", points, 0, seconds)
		for _, run := range slices.Backward(drill.Runs) {
			if len(v.Rows) == mostRuns {
				break
			}
			row := drillRow{Machine: run.StartedAt.In(b.Location).Format(machineForm), When: b.moment(run.StartedAt), Result: "passed", Recovery: span(run.Recovery),
				Artifact: run.Artifact, From: short(run.Destination), Says: run.Compared}
			if !run.Passed {
				row.Result, row.Says, row.Level = "failed", run.Problem, Wrong
			}
			v.Rows = append(v.Rows, row)
		}
		views = append(views, v)
	}
	return views
}

// deployView is a deploy block with its attempts.
type deployView struct {
	chart
	Deploy
	Says  string
	Marks []mark
	Rows  []deployRow
}

// deployRow is an attempt in words.
type deployRow struct {
	Machine, When, Revision, Branch, Strategy, By, Result, Took, Problem string
	Level                                                                Level
	Backups                                                              []backupLink
}

// backupLink is an artifact that stood behind a deploy. Anchor is where the page shows its backup, empty when it is not recorded any more.
type backupLink struct{ ID, Anchor string }

const shownDeploys = 5

// deployTable is a table of attempts.
type deployTable struct {
	Name string
	Rows []deployRow
}

// Latest are the attempts that are shown.
func (v deployView) Latest() deployTable {
	return deployTable{"Latest deploys of " + v.Address, v.Rows[:min(shownDeploys, len(v.Rows))]}
}

// Earlier are the attempts that are folded up.
func (v deployView) Earlier() deployTable {
	return deployTable{"Earlier deploys of " + v.Address, v.Rows[min(shownDeploys, len(v.Rows)):]}
}

func (b *builder) deploys() []deployView {
	anchors := make(map[string]string)
	for i, backup := range b.Backups {
		for _, artifact := range backup.Artifacts {
			anchors[artifact.ID] = anchorOf(i)
		}
	}
	var views []deployView
	for _, deploy := range b.Deploys {
		v := deployView{Deploy: deploy, Says: "Never deployed."}
		results := make(map[string]int)
		for _, run := range deploy.Runs {
			results[run.Result]++
			if b.timeline.holds(run.StartedAt) {
				shape := map[Level]string{Well: "verified", Unknown: "verified", Watch: "back", Wrong: "altered"}[run.Level]
				v.Marks = append(v.Marks, mark{b.timeline.at(run.StartedAt), shape, fmt.Sprintf("%s: %s, %s", b.moment(run.StartedAt), run.Revision, run.Result)})
			}
		}
		for _, run := range slices.Backward(deploy.Runs) {
			if len(v.Rows) == mostRuns {
				break
			}
			row := deployRow{Machine: run.StartedAt.In(b.Location).Format(machineForm), When: b.moment(run.StartedAt), Revision: run.Revision, Branch: run.Branch,
				Strategy: run.Strategy, By: run.By, Result: run.Result, Level: run.Level, Took: dash, Problem: run.Problem}
			for _, id := range run.Backups {
				row.Backups = append(row.Backups, backupLink{id, anchors[id]})
			}
			if !run.EndedAt.IsZero() {
				row.Took = span(took(run.StartedAt, run.EndedAt))
			}
			v.Rows = append(v.Rows, row)
		}
		if len(deploy.Runs) > 0 {
			v.Says = tally(results)
		}
		v.chart = b.chart("Deploys of "+deploy.Address, v.Says+" Those before "+b.date(b.timeline.from)+" are not drawn.")
		views = append(views, v)
	}
	return views
}

// tally counts words: "12 promoted, 1 rolled back."
func tally(counts map[string]int) string {
	var words []string
	for word := range counts {
		words = append(words, word)
	}
	slices.Sort(words)
	for i, word := range words {
		words[i] = fmt.Sprintf("%d %s", counts[word], word)
	}
	return strings.Join(words, ", ") + "."
}

// checkView is a check with what it saw.
type checkView struct {
	chart
	Check
	Last, When string
	Marks      []mark
	Rows       []checkRow
}

// checkRow is a result in words.
type checkRow struct {
	Machine, When, Verdict, Summary string
	Level                           Level
}

// diskView is how full a disk was.
type diskView struct {
	Address, Last string
	Trend         *trend
	Rows          []diskRow
}

// diskRow is how full it was at a moment.
type diskRow struct{ Machine, When, Used string }

// leastPoints are needed for a line of a disk.
const leastPoints = 2

func (b *builder) checks() (views []checkView, disks []diskView) {
	for _, check := range b.Checks {
		v := checkView{Check: check, When: "never asked"}
		results := make(map[string]int)
		var points []point
		for _, result := range check.Results {
			results[result.Verdict]++
			if b.timeline.holds(result.At) {
				shape := map[Level]string{Well: "low", Unknown: "low", Watch: "middle", Wrong: "high"}[result.Level]
				v.Marks = append(v.Marks, mark{b.timeline.at(result.At), shape, fmt.Sprintf("%s: %s. %s", b.moment(result.At), result.Verdict, result.Summary)})
			}
			if result.UsedPercent >= 0 {
				points = append(points, point{at: result.At, value: result.UsedPercent})
			}
		}
		for _, result := range slices.Backward(check.Results) {
			v.Rows = append(v.Rows, checkRow{result.At.In(b.Location).Format(machineForm), b.moment(result.At), result.Verdict, result.Summary, result.Level})
		}
		says := "Nothing is recorded."
		if n := len(check.Results); n > 0 {
			last := check.Results[n-1]
			v.Last, v.When, says = last.Summary, b.ago(last.At), tally(results)
		}
		v.chart = b.chart("Results of "+check.Address, says)
		views = append(views, v)
		if len(points) >= leastPoints {
			disks = append(disks, b.disk(v, points))
		}
	}
	return views, disks
}

// disk is how full the disk of a check was.
func (b *builder) disk(check checkView, points []point) diskView {
	v := diskView{Address: check.Address, Last: check.Last, Trend: b.trend(check.Address, "Disk used", points, 100, percent)}
	for _, p := range slices.Backward(points) {
		v.Rows = append(v.Rows, diskRow{p.at.In(b.Location).Format(machineForm), b.moment(p.at), percent(p.value)})
	}
	return v
}
