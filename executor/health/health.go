// Package health asks checks as often as their policy wants, and says what came of it.
package health

import (
	"context"
	"time"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// Policy says how often a check is asked, and when that is enough.
type Policy struct {
	// Timeout is for one try; 0 is no limit. Interval is the pause between two.
	Timeout, Interval time.Duration
	// Retries is how many more tries a failure has; a success between two failures gives all of them back.
	Retries int
	// Successes is how many tries in a row must pass; 0 is 1.
	Successes int
	// StartPeriod is how long from the first try on failures are not counted.
	StartPeriod time.Duration
	// WarnOnly makes a failure a warning.
	WarnOnly bool
}

// Result is what came of a check.
type Result struct {
	providers.Finding
	// Tries is how often it was asked, Took how long that needed with all pauses.
	Tries int
	Took  time.Duration
}

// Try is told of each try that does not decide: its number from 1, and what it saw.
type Try func(number int, finding providers.Finding)

// Ask asks a check until its policy says that it is well or not. An error means that ctx ended before that was known;
// a check that cannot be asked has failed. observe may be nil.
func Ask(ctx context.Context, now clock.Clock, check providers.Check, policy Policy, observe Try) (Result, error) {
	begun := now.Now()
	var result Result
	failures, successes := 0, 0
	for {
		result.Tries++
		result.Finding = providers.Once(ctx, check, policy.Timeout)
		if ctx.Err() != nil {
			return result, cause.Interruption(ctx)
		}
		result.Took = now.Now().Sub(begun)
		if result.Verdict == providers.Failed {
			successes = 0
			if result.Took >= policy.StartPeriod {
				failures++
			}
			if failures > policy.Retries {
				if policy.WarnOnly {
					result.Verdict = providers.Warned
				}
				return result, nil
			}
		} else {
			failures = 0
			if successes++; successes >= policy.Successes {
				return result, nil
			}
		}
		if observe != nil {
			observe(result.Tries, result.Finding)
		}
		if clock.Sleep(ctx, policy.Interval) != nil {
			return result, cause.Interruption(ctx)
		}
	}
}
