package choice

import (
	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// What is known of speeds before anything is measured. Whatever disturbs a measurement only ever makes it slower, and on a machine that has
// other work it may make it several times as slow.
const (
	// step is how many times as fast as a higher level a level of the same method is at least: those that are tried lie a tenth apart, or more.
	step = 1.1
	// steady is the least part of its round figure that a fast method reaches, on a machine where another one reaches all of it.
	steady = 0.5
	// fast is the round figure from which on that holds, in bytes per second.
	fast = 20e6
)

// rate is how many bytes one processor takes in a second with a candidate: what was measured, or what it must be beside what was measured of
// the others, if that is more.
func (q Question) rate(of trial.Measurement) float64 {
	usual := compression.EstimateOf(of.Method, of.Level).Rate
	if of.Rate <= 0 {
		return usual
	}
	rate := of.Rate
	for _, m := range q.Measurements {
		if m.Method == of.Method && m.Level > of.Level {
			rate = max(rate, m.Rate*step)
		}
		if other := compression.EstimateOf(m.Method, m.Level).Rate; usual >= fast && other >= fast {
			rate = max(rate, usual*steady*m.Rate/other)
		}
	}
	return rate
}
