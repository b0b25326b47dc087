package choice

import (
	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// The most that is hoped for of a method that was not tried yet: how many times its round figure it may compress, and which
// part of what the best one so far leaves it may leave.
const (
	hopedSpeed = 4
	hopedSize  = 0.7
)

// worth tells whether a candidate may still be chosen, given what was measured: a trial costs time in which nothing is stored.
// For the least bytes, and where a fallback may be needed, all are worth it.
func (q Question) worth(candidate trial.Candidate) bool {
	switch {
	case q.Goal == Size || len(q.Measurements) == 0 || q.MinReduction > 0 && len(q.Fallback) > 0:
		return true
	case q.Goal == Balanced && candidate.Method == "gzip" && candidate.Level < 9:
		// They leave more than 9, which is the bound.
		return false
	}
	options := q.options()
	options = options[:len(options)-1]
	allowed, bound := q.permitted(options), q.reference(options)
	quickest, least := 0.0, best(options).Fraction
	for _, o := range options {
		small := q.Goal != Balanced || o.Fraction <= bound*(1-q.margin(o, bound))
		if small && allowed(o) && (quickest == 0 || o.cost < quickest) {
			quickest = o.cost
		}
	}
	if quickest == 0 {
		return true
	}
	for _, o := range options {
		// Higher levels take longer still.
		if o.Method == candidate.Method && o.Level < candidate.Level && o.cost > quickest*near && o.cost <= 1/o.Rate {
			return false
		}
	}
	hope := compression.EstimateOf(candidate.Method, candidate.Level)
	hoped := q.cost(Option{Method: candidate.Method, Level: candidate.Level, Fraction: least * hopedSize, Rate: q.together(candidate.Method, hope.Rate*hopedSpeed)})
	return hoped.cost <= quickest*near
}
