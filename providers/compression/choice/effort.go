package choice

import (
	"context"
	"slices"

	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// The most that is hoped for of a method that was not tried yet: how many times its round figure it may compress, and which
// part of what the best one so far leaves it may leave; and of one that was tried on a sample only: which part of that it may leave of
// more.
const (
	hopedSpeed = 4
	hopedSize  = 0.7
	hopedMore  = 0.985
)

// worthLong is from how many bytes on all that is held is looked at again.
const worthLong = 4 * trial.HeadSize

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
	for _, m := range q.Measurements {
		// Higher levels take longer still.
		if m.Method == candidate.Method && m.Level < candidate.Level && 1/q.together(m.Method, q.rate(m)/step) > quickest*near {
			return false
		}
	}
	hope := compression.EstimateOf(candidate.Method, candidate.Level)
	hoped := q.cost(Option{Method: candidate.Method, Level: candidate.Level, Fraction: least * hopedSize, Rate: q.together(candidate.Method, hope.Rate*hopedSpeed)})
	return hoped.cost <= quickest*near
}

// Deepen measures again, on all that is held of a stream, what the sample leaves in doubt. Nothing is held of what was tried as a whole or
// in pieces from all over.
func (q *Question) Deepen(ctx context.Context, meter *trial.Meter, held []byte) (err error) {
	if len(held) == 0 {
		return nil
	}
	for i := q.longer(); i >= 0; i = q.longer() {
		if q.Measurements[i], err = meter.MeasureLong(ctx, q.Measurements[i], held); err != nil {
			return err
		}
	}
	return nil
}

// longer is the measurement that is worth a look at all that is held of the stream, because a quicker method may then be permitted than
// by the sample; -1 where there is none. Where there was an earlier run, its method comes first: it tells whether the whole is as its beginning.
func (q Question) longer() int {
	if q.Goal != Balanced || len(q.Measurements) == 0 || q.Bytes > 0 && q.Bytes < worthLong {
		return -1
	}
	options := q.options()
	options = options[:len(options)-1]
	allowed, bound := q.permitted(options), q.reference(options)
	quickest := options[q.first(options)]
	_, newest := q.newest()
	for i, o := range options {
		hoped := o.Fraction * hopedMore
		if !o.isHasty() || allowed(o) || o.cost*near >= quickest.cost || hoped > bound*(1-searching) {
			continue
		}
		if at := slices.Index(q.Measurements, newest); at >= 0 && newest.Long == 0 && newest.Method == "zstd" && newest.Level <= 7 {
			return at
		}
		if q.Measurements[i].Long == 0 && hoped <= bound*(1-q.margin(o, bound)) {
			return i
		}
	}
	return -1
}
