package judgement

import (
	"slices"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// NeverAsked is the verdict on a check of which no result is recorded; the others are those of checks.
const NeverAsked Verdict = "never asked"

// Check is how a check stands.
type Check struct {
	Check   *spec.Check
	Verdict Verdict
	// Last is the latest result that was recorded; nil when there is none.
	Last *state.CheckResult
	// Since is from when on all results that are kept have the verdict of the last one; zero when there is none.
	Since time.Time
}

// checkOf judges one check by the results that are kept, oldest first.
func checkOf(check *spec.Check, results []*state.CheckResult) Check {
	c := Check{Check: check, Verdict: NeverAsked}
	if len(results) == 0 {
		return c
	}
	c.Last = results[len(results)-1]
	c.Verdict = Verdict(c.Last.Verdict)
	for _, result := range slices.Backward(results) {
		if result.Verdict != c.Last.Verdict {
			break
		}
		c.Since = result.AskedAt
	}
	return c
}

// breaches are what of a check is not true. One that warns is worth a look and no breach, and of one that was never asked nobody knows.
func (c *Check) breaches(now time.Time) []Breach {
	if c.Verdict != Verdict(providers.Failed) {
		return nil
	}
	return []Breach{{Address: c.Check.Address, Kind: CheckHasFailed, Severity: Error, Since: c.Since,
		Text: "has failed for " + units.Age(now.Sub(c.Since)) + because(c.Last.Summary)}}
}
