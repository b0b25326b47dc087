package choice

import (
	"cmp"
	"math"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// The caution with which balanced holds what a sample says against gzip -9: by how much a method must be smaller, as a part of
// what gzip -9 leaves, because the rest of a stream may be of another kind than its beginning. How much that changes depends on
// the method: those that search least depend on the data most.
const (
	// hasty is for zstd up to level 4, which looks at one place or two for what it has seen before: so much of what gzip -9 takes off,
	// but at most mostHasty. What hardly compresses is about as small with any method.
	hasty     = 0.035
	mostHasty = 0.065
	// searching is for the others, which make less of long streams than of samples, mostly by more than the rest may differ; where
	// gzip -9 takes off less than fullCaution, it is less in proportion.
	searching   = 0.005
	fullCaution = 0.6
	// pieced is for the hasty ones where pieces from all over the stream were tried, besides what the whole became otherwise than the pieces;
	// where gzip -9 takes off less than fullCaution, it is less in proportion.
	pieced = 0.01
	// alike is by how much what the whole became in an earlier run may differ from what its beginning does now to count as
	// the same. Then searching is enough for all; otherwise nothing is for the hasty ones.
	alike = 0.05
)

// reference is what gzip -9 leaves: what was measured of it, otherwise what the method gzip 9 does; 0 when neither is known.
func (q Question) reference(options []Option) float64 {
	switch {
	case q.Surveyed:
		return min(1, q.Reference*q.drift())
	case q.Reference > 0:
		return min(1, q.Reference*q.lesson())
	}
	for _, o := range options {
		if o.isGzip9() {
			return o.Fraction
		}
	}
	return 0
}

func (o Option) isGzip9() bool { return o.Method == "gzip" && o.Level == 9 }

// permitted tells which options the goal permits. Where none of them is safely small enough, those are permitted that seem to be,
// and where none is, all.
func (q Question) permitted(options []Option) func(Option) bool {
	least := q.reference(options)
	all := func(Option) bool { return true }
	if q.Goal != Balanced || least == 0 {
		return all
	}
	// What takes next to nothing off is no choice, also where gzip -9 is expected to do no better.
	safely := func(o Option) bool { return o.Fraction <= min(pointless, least*(1-q.margin(o, least))) }
	seemingly := func(o Option) bool { return o.Fraction <= min(pointless, least) || o.isGzip9() }
	for _, allowed := range []func(Option) bool{safely, seemingly} {
		for _, o := range options {
			if allowed(o) {
				return allowed
			}
		}
	}
	return all
}

// margin is the caution that an option needs where gzip -9 leaves so much. Where the whole became something else than its beginning, a
// sample of that says nothing of what is hasty.
func (q Question) margin(o Option, least float64) float64 {
	compressible := min(1, max(0, 1-least)/fullCaution)
	careful := searching * compressible
	past, beginning := q.newest()
	switch {
	case q.Whole:
		return 0
	case !o.isHasty():
		return careful
	case q.Surveyed && past.Fraction > 0:
		return pieced*compressible + math.Abs(q.lesson()-1)
	case isAlike(past, beginning):
		return careful
	case past.Fraction > 0:
		return 1
	}
	return min(mostHasty, hasty*(1-least)/least)
}

// isHasty tells of the methods that search least.
func (o Option) isHasty() bool { return o.Method == "zstd" && o.Level <= 4 }

// isAlike tells whether the whole became what its beginning becomes now. What was measured of more of it counts.
func isAlike(past providers.Experience, beginning trial.Measurement) bool {
	fraction := cmp.Or(beginning.Long, beginning.Fraction)
	return fraction > 0 && math.Abs(past.Fraction/fraction-1) < alike
}

// lesson is how many times as large as the sample says the whole became in the newest of the earlier runs; 1 when there was none.
func (q Question) lesson() float64 {
	if past, m := q.newest(); m.Fraction > 0 {
		return past.Fraction / m.Fraction
	}
	return 1
}

// drift is how many times as large the whole became since it was surveyed, if what wrote it then wrote it again; otherwise that is not known,
// and 1.
func (q Question) drift() float64 {
	if len(q.Past) > 0 && q.Made.Fraction > 0 && q.Past[0].Method == q.Made.Method && q.Past[0].Level == q.Made.Level {
		return q.Past[0].Fraction / q.Made.Fraction
	}
	return 1
}

// newest is what the newest of the earlier runs became whose method was tried, and what its method makes of the sample; without fractions
// when there was none.
func (q Question) newest() (providers.Experience, trial.Measurement) {
	if q.Whole {
		return providers.Experience{}, trial.Measurement{}
	}
	for _, past := range q.Past {
		for _, m := range q.Measurements {
			if m.Method == past.Method && m.Level == past.Level && m.Fraction > 0 && past.Fraction > 0 {
				return past, m
			}
		}
	}
	return providers.Experience{}, trial.Measurement{}
}
