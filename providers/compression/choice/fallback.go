package choice

import (
	"fmt"
	"slices"
	"strings"
)

// reduce holds the choice against min_reduction, and tries the methods of fallback in their order where it misses it.
func (q Question) reduce(chosen Choice, ranked []Option, plain Option) Choice {
	problem := q.shortfall(chosen.Option)
	if problem == "" {
		return chosen
	}
	for _, method := range q.Fallback {
		next, ok := plain, method == "none"
		if i := slices.IndexFunc(ranked, func(o Option) bool { return o.Method == method }); i >= 0 {
			next, ok = ranked[i], q.shortfall(ranked[i]) == ""
		}
		if ok {
			before := chosen.Option
			chosen.Option, chosen.RunnerUp = next, &before
			chosen.Reason = fmt.Sprintf("%s; %s is the next of fallback", problem, next)
			chosen.Warning = fmt.Sprintf("%s, which is below min_reduction = %d: %s is used", problem, q.MinReduction, next)
			return chosen
		}
	}
	chosen.Warning = fmt.Sprintf("%s, which is below min_reduction = %d, and %s", problem, q.MinReduction, q.noFallback(chosen.Option))
	return chosen
}

// noFallback says why the choice stays.
func (q Question) noFallback(chosen Option) string {
	if len(q.Fallback) == 0 {
		return fmt.Sprintf("there is no fallback: %s is used", chosen)
	}
	return fmt.Sprintf("so is what %s would take off: %s is used", strings.Join(q.Fallback, ", "), chosen)
}

// shortfall says how an option misses min_reduction; empty when it does not.
func (q Question) shortfall(o Option) string {
	switch {
	case q.MinReduction <= 0:
		return ""
	case slices.Contains(q.Disappointing, o.Method):
		return fmt.Sprintf("%s took off less than %d %% the last time", o.Method, q.MinReduction)
	case o.Fraction*100 > float64(100-q.MinReduction):
		return fmt.Sprintf("%s would take off only %s", o, percent(1-o.Fraction))
	}
	return ""
}
