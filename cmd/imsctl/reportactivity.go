package main

import (
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/report"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/state"
)

// drills are those that are declared, with every one that is recorded.
func (r *reporter) drills() []report.Drill {
	var list []report.Drill
	for _, judged := range r.judged.Drills {
		drill := report.Drill{
			Address: judged.Drill.Address, Backup: judged.Drill.Backup, Verdict: string(judged.Verdict), Level: levelOf(judged.Verdict),
			Schedule: judged.Drill.Schedule.String(), DueAt: judged.DueAt,
		}
		for _, made := range r.document.DrillsOf(judged.Drill.Address) {
			drill.Runs = append(drill.Runs, report.DrillRun{
				StartedAt: made.StartedAt, Passed: made.Passed(), Recovery: time.Duration(made.RecoverySeconds * float64(time.Second)),
				Artifact: made.Artifact, Destination: made.Destination, Compared: comparedBy(made), Problem: r.problemOf(made),
			})
		}
		list = append(list, drill)
	}
	return list
}

// comparedBy says what a drill compared: "118 tables, 4210 rows, 1 assertion".
func comparedBy(made *state.Drill) string {
	var parts []string
	for _, count := range []struct {
		n         int64
		one, many string
	}{
		{int64(made.Tables), "table", "tables"}, {made.Rows, "row", "rows"}, {made.Keys, "key", "keys"},
		{int64(made.Files), "file", "files"}, {int64(made.Assertions), "assertion", "assertions"},
	} {
		if count.n > 0 {
			parts = append(parts, units.Counted(count.n, count.one, count.many))
		}
	}
	return strings.Join(parts, ", ")
}

// problemOf says why a drill failed.
func (r *reporter) problemOf(made *state.Drill) string {
	parts := made.Differences
	if made.Error != "" {
		parts = append([]string{made.Error}, parts...)
	}
	return r.spec.Redact(strings.Join(parts, "; "))
}

// deploys are those that are declared, with every attempt that is recorded.
func (r *reporter) deploys() []report.Deploy {
	var list []report.Deploy
	for _, judged := range r.judged.Deploys {
		deploy := report.Deploy{Address: judged.Deploy.Address, Verdict: string(judged.Verdict), Level: levelOf(judged.Verdict)}
		for _, release := range r.document.ReleasesOf(judged.Deploy.Address) {
			deploy.Runs = append(deploy.Runs, report.DeployRun{
				StartedAt: release.StartedAt(), EndedAt: release.EndedAt(), Revision: planner.Abbreviated(release.Commit), Branch: release.Branch,
				Strategy: release.Strategy, By: release.By, Result: release.Phase.Words(), Level: levelOfRelease(release), Backups: release.Backups,
				Problem: r.spec.Redact(release.Error),
			})
		}
		list = append(list, deploy)
	}
	return list
}

// levelOfRelease is how bad the end of a deploy is. One that has not ended runs, or was interrupted.
func levelOfRelease(release *state.Release) report.Level {
	switch release.Phase {
	case state.Promoted:
		return report.Well
	case state.Failure:
		return report.Wrong
	default:
		return report.Watch
	}
}

// usedPercent is the figure of a check of a disk.
const usedPercent = "used_percent"

// checks are those that are declared, with every result that is recorded.
func (r *reporter) checks() []report.Check {
	var list []report.Check
	for _, judged := range r.judged.Checks {
		check := report.Check{Address: judged.Check.Address, Verdict: string(judged.Verdict), Level: levelOf(judged.Verdict)}
		for _, result := range r.document.ResultsOf(judged.Check.Address) {
			used, measured := result.Figures[usedPercent]
			if !measured {
				used = -1
			}
			check.Results = append(check.Results, report.CheckResult{
				At: result.AskedAt, Verdict: result.Verdict, Level: levelOf(judgement.Verdict(result.Verdict)), Summary: r.spec.Redact(result.Summary), UsedPercent: used,
			})
		}
		list = append(list, check)
	}
	return list
}
