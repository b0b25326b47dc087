package judgement

import (
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/state"
)

// withSetbacks adds what the last runs could not do: to the breach that is about the same, or as one of its own.
func withSetbacks(all []Breach, setbacks []*state.Setback, now time.Time) []Breach {
	at := make(map[string]int, len(all))
	for i := range all {
		at[all[i].Address] = i
	}
	for _, setback := range setbacks {
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
			units.Counted(setback.Runs, "run", "runs"), units.Age(now.Sub(setback.Since)), because(setback.Error))})
	}
	return all
}
