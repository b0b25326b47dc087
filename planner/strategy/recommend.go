package strategy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// Points are hundredths, so that sums are exact.
type Points int

// String prints them with their sign, without needless digits: "+10", "-2.5", "0".
func (p Points) String() string {
	if p == 0 {
		return "0"
	}
	return fmt.Sprintf("%+g", float64(p)/100)
}

// MarshalJSON writes a number.
func (p Points) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(p)/100, 'f', -1, 64), nil
}

// Factor is a row of the table: points are weight × value.
type Factor struct {
	Name string `json:"name"`
	// Known is whether it was measured; Measured what was found, "unknown" otherwise.
	Known    bool   `json:"known"`
	Measured string `json:"measured"`
	// Weight is 0 for the freeze, which has none.
	Weight float64 `json:"weight"`
	// Values are -2 (strongly against) to 2 (strongly for).
	Values map[Strategy]int    `json:"values"`
	Points map[Strategy]Points `json:"points"`

	phrase string
}

// Candidate is a strategy with what became of it.
type Candidate struct {
	Strategy Strategy `json:"strategy"`
	Points   Points   `json:"points"`
	// Excluded are the reasons for which it cannot be taken, clauses without a full stop.
	Excluded []string `json:"excluded"`
}

// Recommendation is what is recommended, and the table that it comes from.
type Recommendation struct {
	// Winner is the strategy to take; empty when none can be, or a freeze lasts.
	Winner Strategy `json:"winner"`
	// Reason says in one sentence why, beginning with its name; or why none is.
	Reason string `json:"reason"`
	// Because are the facts that decided, each in a few words, the weightiest first; none where nothing did.
	Because []string `json:"because"`
	// RunnerUp is the next best one, empty where there is none; RunnerUpReason says in one sentence, beginning with
	// its name, why it is not the winner.
	RunnerUp       Strategy `json:"runner_up"`
	RunnerUpReason string   `json:"runner_up_reason"`
	// Blocked is the freeze that lasts.
	Blocked *Freeze `json:"blocked"`
	// Candidates are all strategies, in the order of All; Factors the rows of the table.
	Candidates []Candidate `json:"strategies"`
	Factors    []Factor    `json:"factors"`
	// Unknown are the factors that were not measured; Doubts those of them that the winner cannot do without.
	Unknown []string `json:"unknown"`
	Doubts  []string `json:"doubts"`
}

// Recommend weighs the facts. Of those strategies that are not excluded the one with most points wins; of equals the safer one.
func Recommend(facts Facts, weights Weights, allowed Allowed) Recommendation {
	r := Recommendation{Because: []string{}, Unknown: []string{}, Doubts: []string{}}
	for _, s := range All() {
		r.Candidates = append(r.Candidates, Candidate{Strategy: s, Excluded: append([]string{}, exclusions(s, facts, allowed)...)})
	}
	for i, f := range factors {
		r.add(f.name, weights.hundredths[i], f.assess(facts, allowed))
	}
	freeze, known := facts.Freeze.Get()
	r.add(freezeFactor, 0, assessFreeze(freeze, known))
	if freeze.Active() {
		r.Blocked = &freeze
		r.Reason = "Nothing is deployed until " + stamp(freeze.Until) + ": " + quoted(freeze.Name) + " lasts."
		return r
	}
	ranked := r.ranked()
	if len(ranked) == 0 {
		r.Reason = r.noneReason()
		return r
	}
	r.Winner = ranked[0].Strategy
	r.Doubts = append(r.Doubts, doubts(r.Winner, facts)...)
	if len(ranked) == 1 {
		r.Reason = fmt.Sprintf("%s, the only one that can be taken.", r.Winner)
		return r
	}
	r.RunnerUp = ranked[1].Strategy
	r.explain(ranked[0], ranked[1])
	return r
}

// add adds a row.
func (r *Recommendation) add(name string, hundredths int, a assessment) {
	row := Factor{
		Name: name, Known: a.known, Measured: a.measured, Weight: float64(hundredths) / 100, phrase: a.phrase,
		Values: map[Strategy]int{}, Points: map[Strategy]Points{},
	}
	for i, s := range All() {
		points := Points(hundredths * a.values[i])
		row.Values[s], row.Points[s] = a.values[i], points
		r.Candidates[i].Points += points
	}
	if !a.known {
		r.Unknown = append(r.Unknown, name)
	}
	r.Factors = append(r.Factors, row)
}

// ranked are the candidates that can be taken, the best first.
func (r *Recommendation) ranked() []Candidate {
	var possible []Candidate
	for _, c := range r.Candidates {
		if len(c.Excluded) == 0 {
			possible = append(possible, c)
		}
	}
	slices.SortFunc(possible, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.Points, a.Points), cmp.Compare(slices.Index(safest[:], a.Strategy), slices.Index(safest[:], b.Strategy)))
	})
	return possible
}
