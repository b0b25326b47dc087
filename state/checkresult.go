package state

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// CheckResult is what a check saw when it was asked.
type CheckResult struct {
	// Address is the check block's, AskedAt when the asking was over, UTC.
	Address string    `json:"address"`
	AskedAt time.Time `json:"asked_at"`
	// Verdict is "passed", "warned" or "failed", Summary what was seen, in one line without secrets.
	Verdict string `json:"verdict"`
	Summary string `json:"summary,omitempty"`
	// Figures are what was measured, by name with the unit: "latency_seconds".
	Figures map[string]float64 `json:"figures,omitempty"`
	Unknown jsontext.Value     `json:",embed"`
}

const (
	// KeptResults is how many results are kept of each check.
	KeptResults = 60
	// CloseResults is for how long results are kept an hour apart; older ones are a day apart.
	CloseResults = 24 * time.Hour
)

// hourApart and dayApart leave room for jobs that do not begin to the second.
const (
	hourApart = 50 * time.Minute
	dayApart  = 23 * time.Hour
)

// check says what contradicts the promises of the result.
func (r *CheckResult) check() error {
	switch {
	case r.Address == "" || r.AskedAt.IsZero():
		return errors.New("a result of a check has no address or no time")
	case r.Verdict != "passed" && r.Verdict != "warned" && r.Verdict != "failed":
		return fmt.Errorf("the result of %s has the verdict %q, which there is not", r.Address, r.Verdict)
	}
	return nil
}

// id tells the results of one check apart.
func (r *CheckResult) id() string {
	return r.Address + " of " + r.AskedAt.UTC().Format(time.RFC3339Nano)
}

// ResultsOf returns the results of a check in the order in which they were recorded.
func (d *Document) ResultsOf(address string) []*CheckResult {
	var results []*CheckResult
	for _, result := range d.Checks {
		if result.Address == address {
			results = append(results, result)
		}
	}
	return results
}

// LastResult returns what a check saw the last time, nil when nothing is recorded.
func (d *Document) LastResult(address string) *CheckResult {
	for _, result := range slices.Backward(d.Checks) {
		if result.Address == address {
			return result
		}
	}
	return nil
}

// putResult returns the results with one added, or in the place of that of the same moment, and of its check those left out that
// lie too close to others. The newest always stays.
func putResult(results []*CheckResult, result *CheckResult) []*CheckResult {
	if i := slices.IndexFunc(results, func(other *CheckResult) bool { return other.id() == result.id() }); i >= 0 {
		results = slices.Clone(results)
		results[i] = result
		return results
	}
	results = append(slices.Clip(results), result)
	count := 0
	var before *CheckResult
	results = slices.DeleteFunc(results, func(other *CheckResult) bool {
		if other.Address != result.Address {
			return false
		}
		if other != result && before != nil && isClose(before.AskedAt, other.AskedAt, result.AskedAt) {
			return true
		}
		before = other
		count++
		return false
	})
	return slices.DeleteFunc(results, func(other *CheckResult) bool {
		if other.Address != result.Address || count <= KeptResults {
			return false
		}
		count--
		return true
	})
}

// isClose reports whether a result says little beside the one before, seen from now. A clock that was wrong for a while has left times
// of the future: what follows them is measured in the same way.
func isClose(before, at, now time.Time) bool {
	apart := hourApart
	if now.Sub(at) > CloseResults {
		apart = dayApart
	}
	return at.Sub(before).Abs() < apart
}
