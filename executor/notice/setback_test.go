package notice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

func TestSettlement(t *testing.T) {
	backup := &planner.Backup{Meta: meta("backup.a")}
	copied := &planner.Replicate{Meta: planner.Meta{Address: "backup.a@d", Backup: "backup.a", Reason: "missing"}}
	earlier := []*state.Setback{{Address: "backup.a", Since: now.Add(-time.Hour), LastAt: now.Add(-time.Hour), Runs: 2, Error: "broken"}}
	broken := errors.New("broken\n  pipe")
	for name, c := range map[string]struct {
		before  []*state.Setback
		entries []executor.Entry
		after   []judgement.Breach
		part    bool
		cut     bool
		want    string
	}{
		"nothing, and nothing before":         {},
		"it fails":                            {entries: []executor.Entry{entry(backup, executor.Failed, broken)}, want: "backup.a 1 false broken pipe"},
		"it fails again":                      {before: earlier, entries: []executor.Entry{entry(backup, executor.Failed, broken)}, want: "backup.a 3 false broken pipe"},
		"it is blocked":                       {entries: []executor.Entry{blocked("backup.a", false, "")}, want: "backup.a 1 false due"},
		"a copy is missing":                   {entries: []executor.Entry{entry(backup, executor.Degraded, broken)}, want: "backup.a 1 true broken pipe"},
		"cut off":                             {entries: []executor.Entry{entry(backup, executor.Failed, context.Canceled)}, cut: true},
		"done":                                {before: earlier, entries: []executor.Entry{entry(backup, executor.Done, nil)}, part: true, want: "well backup.a"},
		"nothing to do any more":              {before: earlier, want: "well backup.a"},
		"not looked at":                       {before: earlier, part: true},
		"not reached":                         {before: earlier, entries: []executor.Entry{entry(backup, executor.NotStarted, nil)}, cut: true},
		"a copy of it still fails":            {before: earlier, entries: []executor.Entry{entry(copied, executor.Failed, broken)}, want: "backup.a@d 1 false broken pipe"},
		"still not true":                      {before: earlier, after: []judgement.Breach{{Address: "backup.a@d", Kind: judgement.CopiesMissing}}},
		"its own record is no reason to stay": {before: earlier, after: []judgement.Breach{{Address: "backup.a", Kind: judgement.RunFailed}}, want: "well backup.a"},
	} {
		t.Run(name, func(t *testing.T) {
			run := Run{EndedAt: now, Plan: &planner.Plan{}, Before: Memory{Setbacks: c.before}, Report: &executor.Report{Entries: c.entries, Interrupted: c.cut}, After: c.after, Whole: !c.part}
			var got []string
			if settlement := run.Settlement(); settlement != nil {
				for _, setback := range settlement.Failed {
					got = append(got, fmt.Sprint(setback.Address, " ", setback.Runs, " ", setback.Degraded, " ", setback.Error))
				}
				for _, address := range settlement.Well {
					got = append(got, "well "+address)
				}
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			recovered := slices.ContainsFunc(run.recovered(), func(concern providers.Concern) bool { return concern.Address == "backup.a" })
			if recovered != strings.Contains(c.want, "well backup.a") {
				t.Errorf("recovered: %t", recovered)
			}
		})
	}
}
