package strategy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// explain says what decided between the winner and the next.
func (r *Recommendation) explain(winner, next Candidate) {
	lead := func(f Factor) Points { return f.Points[winner.Strategy] - f.Points[next.Strategy] }
	var decided []Factor
	for _, f := range r.Factors {
		if lead(f) > 0 {
			decided = append(decided, f)
		}
	}
	// What speaks for the winner explains it better than what merely speaks more against the other.
	if own := slices.DeleteFunc(slices.Clone(decided), func(f Factor) bool { return f.Points[winner.Strategy] <= 0 }); len(own) > 0 {
		decided = own
	}
	slices.SortStableFunc(decided, func(a, b Factor) int { return cmp.Compare(lead(b), lead(a)) })
	decided = decided[:min(3, len(decided))]
	for _, f := range decided {
		r.Because = append(r.Because, f.phrase)
	}
	if winner.Points == next.Points {
		r.Reason = fmt.Sprintf("%s, the safer of two with as many points, before %s.", winner.Strategy, next.Strategy)
		r.RunnerUpReason = fmt.Sprintf("%s, with as many points, but less safe.", next.Strategy)
		return
	}
	r.Reason = fmt.Sprintf("%s, because %s.", winner.Strategy, listed(r.Because))
	first := decided[0]
	r.RunnerUpReason = fmt.Sprintf("%s, %s behind, most of all for %s (%s against %s).", next.Strategy, pointsApart(winner.Points-next.Points),
		first.Name, first.Points[next.Strategy], first.Points[winner.Strategy])
}

// Brief is the reason for the winner as a clause for a line of a plan: "the change is small (4 files) and it is business hours"; empty where
// there is no winner.
func (r Recommendation) Brief() string {
	if r.Winner == "" {
		return ""
	}
	text := strings.TrimPrefix(r.Reason, string(r.Winner)+", ")
	return strings.TrimSuffix(strings.TrimPrefix(text, "because "), ".")
}

// pointsApart prints a distance.
func pointsApart(p Points) string {
	if p == 100 {
		return "1 point"
	}
	return strconv.FormatFloat(float64(p)/100, 'f', -1, 64) + " points"
}

// noneReason says why nothing can be taken. The reasons of each strategy are in the list of candidates.
func (r *Recommendation) noneReason() string {
	for _, reason := range r.Candidates[0].Excluded {
		if all := !slices.ContainsFunc(r.Candidates, func(c Candidate) bool { return !slices.Contains(c.Excluded, reason) }); all {
			return "No strategy can be taken: " + reason + "."
		}
	}
	return "No strategy can be taken; what is in the way of each is below."
}

// assessFreeze shows the freeze that lasts, if one does. It has no points: it excludes everything.
func assessFreeze(freeze Freeze, known bool) assessment {
	switch {
	case !known:
		return unknown
	case freeze.Active():
		return assessment{known: true, measured: freeze.Name + " until " + stamp(freeze.Until)}
	}
	return assessment{known: true, measured: "none"}
}

// stamp prints a time as people read it, in its own zone.
func stamp(t time.Time) string { return t.Format("2006-01-02 15:04 MST") }

// quoted is a name that people gave.
func quoted(name string) string {
	if name == "" {
		return "a freeze"
	}
	return "the freeze " + strconv.Quote(name)
}
