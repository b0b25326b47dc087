package judgement

import (
	"fmt"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// withSetbacks adds what the last runs could not do: to the breach that is about the same, or as one of its own. A check that was asked since
// then, and did not fail, has ended the one that is about it.
func (j *Judgement) withSetbacks(all []Breach) []Breach {
	asked := make(map[string]*state.CheckResult, len(j.Checks))
	for _, check := range j.Checks {
		asked[check.Check.Address] = check.Last
	}
	at := make(map[string]int, len(all))
	for i := range all {
		at[all[i].Address] = i
	}
	for _, setback := range j.Setbacks {
		if last := asked[setback.Address]; last != nil && last.Verdict != string(providers.Failed) && last.AskedAt.After(setback.LastAt) {
			continue
		}
		if i, told := at[setback.Address]; told {
			if all[i].Kind != CheckHasFailed && all[i].Kind != DrillHasFailed {
				all[i].Text += "; the last run says" + because(setback.Error)
			}
			continue
		}
		severity := Error
		if setback.Degraded {
			severity = Warning
		}
		all = append(all, Breach{Address: setback.Address, Kind: RunFailed, Severity: severity, Since: setback.Since, Text: fmt.Sprintf("failed in the last %s, since %s%s",
			runs(setback.Runs), units.Age(j.At.Sub(setback.Since)), because(setback.Error))})
	}
	return all
}

// runs are the last so many of them, in words.
func runs(count int) string {
	if count == 1 {
		return "run"
	}
	return fmt.Sprintf("%d runs", count)
}
