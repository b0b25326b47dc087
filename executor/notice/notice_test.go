package notice

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

var now = time.Date(2026, 11, 28, 2, 0, 0, 0, time.UTC)

func meta(address string) planner.Meta { return planner.Meta{Address: address, Reason: "due"} }

func entry(action planner.Action, status executor.Status, err error) executor.Entry {
	return executor.Entry{Action: action, Status: status, Err: err, Summary: "summary"}
}

func blocked(address string, degraded bool, code planner.BlockCode) executor.Entry {
	return executor.Entry{Action: &planner.Blocked{Meta: meta(address), Failed: true, Degraded: degraded, Code: code}, Status: executor.Blocked}
}

func TestOf(t *testing.T) {
	backup := &planner.Backup{Meta: meta("backup.a")}
	drill := &planner.Drill{Meta: meta("drill.a"), Artifact: "a-1"}
	prune := &planner.Prune{Meta: meta("backup.a@d#a-1"), Artifact: "a-1"}
	overdue := Memory{Overdue: map[string]time.Time{"backup.a": now.Add(-48 * time.Hour)}}
	broken := errors.New("broken\n  pipe")
	waiting := executor.Entry{Action: &planner.Blocked{Meta: meta("backup.w")}, Status: executor.Blocked}
	for name, test := range map[string]struct {
		entries []executor.Entry
		notes   []planner.Note
		before  Memory
		err     error
		cut     bool
		want    []string
	}{
		"nothing to do":     {want: []string{"success Well: nothing had to be done (imsctl apply on vm)"}},
		"done":              {entries: []executor.Entry{entry(backup, executor.Done, nil)}, want: []string{"success Well: 1 done (imsctl apply on vm)"}},
		"a wait is no harm": {entries: []executor.Entry{waiting}, want: []string{"success Well: nothing had to be done (imsctl apply on vm)"}},
		"failed":            {entries: []executor.Entry{entry(backup, executor.Failed, broken)}, want: []string{"failure Failed: backup.a (imsctl apply on vm)|backup.a: broken pipe"}},
		"blocked":           {entries: []executor.Entry{blocked("backup.b", false, "")}, want: []string{"failure Failed: backup.b (imsctl apply on vm)|backup.b: due"}},
		"degraded":          {entries: []executor.Entry{entry(backup, executor.Degraded, broken)}, want: []string{"degraded Degraded: backup.a (imsctl apply on vm)|backup.a: broken pipe"}},
		"full for a copy": {entries: []executor.Entry{blocked("backup.a@d", true, planner.NoSpace)}, want: []string{
			"degraded Degraded: backup.a@d (imsctl apply on vm)|backup.a@d: due", "disk_warning Short of space: backup.a@d (imsctl apply on vm)|backup.a@d: due"}},
		"full while writing": {entries: []executor.Entry{entry(backup, executor.Failed, fmt.Errorf("d: %w", providers.ErrNoSpace))}, want: []string{
			"failure Failed: backup.a (imsctl apply on vm)|backup.a: d: not enough free space", "disk_warning Short of space: backup.a (imsctl apply on vm)|backup.a: d: not enough free space"}},
		"a disk warns": {notes: []planner.Note{{Address: "check.disk.vm", Text: "80%"}, {Address: "check.http.x", Text: "slow"}}, want: []string{
			"disk_warning Short of space: check.disk.vm (imsctl apply on vm)|check.disk.vm: 80%", "success Well: nothing had to be done (imsctl apply on vm)"}},
		"drill failed": {entries: []executor.Entry{entry(drill, executor.Failed, broken)}, want: []string{
			"failure Failed: drill.a (imsctl apply on vm)|drill.a: broken pipe", "drill_failed Drill failed: drill.a (imsctl apply on vm)|drill.a: broken pipe"}},
		"drill recovered": {entries: []executor.Entry{entry(drill, executor.Done, nil)}, before: Memory{Failed: map[string]bool{"drill.a": true}}, want: []string{
			"recovered Recovered: drill.a (imsctl apply on vm)|drill.a: summary", "success Well: 1 done (imsctl apply on vm)"}},
		"overdue": {entries: []executor.Entry{entry(backup, executor.Failed, broken)}, before: overdue, want: []string{
			"failure Failed: backup.a (imsctl apply on vm)|backup.a: broken pipe",
			"overdue Overdue: backup.a (imsctl apply on vm)|backup.a: due since 2026-11-26 02:00 UTC and could not be taken: broken pipe"}},
		"recovered": {entries: []executor.Entry{entry(backup, executor.Done, nil)}, before: overdue, want: []string{
			"recovered Recovered: backup.a (imsctl apply on vm)|backup.a: summary", "success Well: 1 done (imsctl apply on vm)"}},
		"prune refused": {entries: []executor.Entry{entry(prune, executor.Failed, fmt.Errorf("%w: none would remain", executor.ErrPruneRefused))}, want: []string{
			"failure Failed: backup.a@d#a-1 (imsctl apply on vm)|backup.a@d#a-1: nothing was deleted: none would remain",
			"prune_refused Prune refused: backup.a@d#a-1 (imsctl apply on vm)|backup.a@d#a-1: nothing was deleted: none would remain"}},
		"prune failed": {entries: []executor.Entry{entry(prune, executor.Failed, broken)}, want: []string{"failure Failed: backup.a@d#a-1 (imsctl apply on vm)|backup.a@d#a-1: broken pipe"}},
		"clock doubted": {notes: []planner.Note{{Address: "backup.a@d", Code: planner.ClockDoubt, Text: "not deleted"}}, want: []string{
			"prune_refused Prune refused: backup.a@d (imsctl apply on vm)|backup.a@d: not deleted", "success Well: nothing had to be done (imsctl apply on vm)"}},
		"interrupted": {entries: []executor.Entry{entry(backup, executor.NotStarted, nil)}, cut: true, want: []string{"failure Failed: apply (imsctl apply on vm)|apply: interrupted: 1 action was not started"}},
		"the run":     {err: errors.New("state lost"), want: []string{"failure Failed: apply (imsctl apply on vm)|apply: state lost"}},
	} {
		t.Run(name, func(t *testing.T) {
			run := Run{Command: "apply", Host: "vm", EndedAt: now, Plan: &planner.Plan{Notes: test.notes}, Before: test.before,
				Report: &executor.Report{Entries: test.entries, Interrupted: test.cut}, Err: test.err}
			var got []string
			for _, notice := range run.Of() {
				line := string(notice.Event) + " " + notice.Subject
				if notice.Text != "" {
					line += "|" + notice.Text
				}
				got = append(got, line)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// TestManyFailuresAreOneNotice also holds what a notice is made of.
func TestManyFailuresAreOneNotice(t *testing.T) {
	report := &executor.Report{}
	for i := range 60 {
		report.Entries = append(report.Entries, entry(&planner.Verify{Meta: meta(fmt.Sprintf("v%02d", i)), Artifact: "x"}, executor.Failed, errors.New("hunter2")))
	}
	run := Run{Command: "verify", Host: "vm", EndedAt: now, Plan: &planner.Plan{}, Report: report,
		Redact: func(text string) string { return strings.ReplaceAll(text, "hunter2", "***") }}
	notices := run.Of()
	if len(notices) != 1 {
		t.Fatalf("%d notices", len(notices))
	}
	got := notices[0]
	if got.Subject != "Failed: v00, v01, v02 and 57 more (imsctl verify on vm)" || !strings.HasSuffix(got.Text, "v49: ***\nand 10 more") ||
		len(got.About) != 60 || got.About[0] != (providers.Concern{Address: "v00", Artifact: "x", Text: "***"}) ||
		len(got.Log) != logLines || got.Log[logLines-1] != "v59: failed: ***" || got.Severity != providers.SeverityError || !got.Time.Equal(now) {
		t.Errorf("got %+v", got)
	}
}

func TestRemember(t *testing.T) {
	day := spec.Schedule{Every: units.Duration(24 * time.Hour)}
	artifact := func(backup string, age time.Duration, condition state.Condition) *state.Artifact {
		made := &state.Artifact{Replicas: []state.Replica{{Destination: "d", Condition: condition}}}
		made.Backup, made.StartedAt = backup, now.Add(-age)
		return made
	}
	document := &state.Document{
		Artifacts: []*state.Artifact{
			artifact("due", 25*time.Hour, state.Verified), artifact("overdue", 49*time.Hour, state.Verified),
			artifact("altered", 60*time.Hour, state.Verified), artifact("altered", time.Hour, state.Altered), artifact("once", 900*time.Hour, state.Verified),
		},
		Drills:   []*state.Drill{{Address: "drill.a", Outcome: state.Failed}, {Address: "drill.b", Outcome: state.Failed}, {Address: "drill.a", Outcome: state.Done}},
		Releases: []*state.Release{{Address: "deploy.a", Phase: state.Promoted}, {Address: "deploy.a", Phase: state.RolledBack}},
	}
	to := []string{"d"}
	specification := &spec.Spec{Backups: []*spec.Backup{
		{Address: "due", Schedule: day, To: to}, {Address: "overdue", Schedule: day, To: to}, {Address: "altered", Schedule: day, To: to},
		{Address: "once", Schedule: spec.Schedule{Once: true}, To: to}, {Address: "never", Schedule: day, To: to},
	}, Destinations: []*spec.Destination{{Address: "d"}}, Drills: []*spec.Drill{{Address: "drill.a"}, {Address: "drill.b"}}, Deploys: []*spec.Deploy{{Address: "deploy.a"}}}
	memory := Remember(specification, document, now)
	if len(memory.Overdue) != 2 || !memory.Overdue["overdue"].Equal(now.Add(-25*time.Hour)) || memory.Overdue["altered"].IsZero() {
		t.Errorf("overdue are %v", memory.Overdue)
	}
	if memory.Failed["drill.a"] || !memory.Failed["drill.b"] || !memory.Failed["deploy.a"] {
		t.Errorf("failed are %v", memory.Failed)
	}
}
