// Package choice decides how data is compressed, from measurements of the methods on a sample of it and from what is known
// of its size, its source and its destinations. It is a pure function: the same question has the same answer.
package choice

import (
	"cmp"
	"slices"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// Goal is what is optimised.
type Goal string

// Size: the fewest stored bytes. Balanced: the last destination has its copy soonest, with no more bytes than gzip would
// store at its best. Speed: soonest, whatever the bytes.
const (
	Size     Goal = "size"
	Balanced Goal = "balanced"
	Speed    Goal = "speed"
)

// Goals lists them.
func Goals() []Goal { return []Goal{Size, Balanced, Speed} }

// Question is everything that a choice depends on. Zero values are what is not known.
type Question struct {
	Goal Goal
	// Measurements of the candidates, in the order in which equals are preferred.
	Measurements []trial.Measurement
	// Dense says in words why the data cannot be made smaller: "an image"; empty when that is not known of it.
	Dense string
	// Reference is the part of the sample that the tool gzip -9 leaves, which bounds Balanced; 0 when it was not measured.
	Reference float64
	// Whole says that the measurements are of all of the data, not of a sample; Surveyed that an earlier run made them of pieces from
	// all over it.
	Whole, Surveyed bool
	// Made is what wrote the stream that was surveyed, and what it left of it; Texture and Spread are those of the survey.
	Made            providers.Experience
	Texture, Spread float64
	// Past is what methods made of the whole of this source in earlier runs, the newest first.
	Past []providers.Experience
	// Bytes is the raw size.
	Bytes int64
	// SourceRate is how many raw bytes the source gives in a second, UploadRate how many stored bytes the slowest
	// destination takes, and AssumedRate what is assumed of the slowest of those of which that was not measured.
	SourceRate, UploadRate, AssumedRate float64
	// Cores is how many processors there are to compress with; 0 counts as 1. Speedup is how many times as fast as one they are
	// together, 0 when it was not measured.
	Cores   int
	Speedup float64
	// MinReduction, in percent, is below what the next of Fallback is tried.
	MinReduction int
	Fallback     []string
	// Disappointing are methods that took off less than MinReduction in an earlier run.
	Disappointing []string
}

// Option is a method with what it would cost.
type Option struct {
	Method string
	Level  int
	// Fraction is the part of the data that stays, Rate how many raw bytes it takes in a second on all cores.
	Fraction, Rate float64
	// Bytes is the predicted stored size and Seconds the predicted time until the last destination has its copy, both 0
	// when the raw size is not known.
	Bytes   int64
	Seconds float64

	// cost is the seconds for each raw byte.
	cost float64
}

// Choice is the answer.
type Choice struct {
	Option
	// Reason is one sentence without a full stop.
	Reason string
	// Warning says in words that min_reduction was missed; usually empty.
	Warning string
	// RunnerUp is what would have been chosen otherwise; nil when there is nothing else.
	RunnerUp *Option
	// Options are all candidates, in their order, with what they would cost; the last is to store the data as it is.
	Options []Option
}

// The constants of the choice. docs/compression.md explains them.
const (
	// pointless is the fraction from which compressing is not worth its time.
	pointless = 0.97
	// near is how much more time counts as no more, nearEnough how many more bytes do: a sample tells no better.
	near       = 1.05
	nearEnough = 1.01
	// further is found by looking further back than a sample shows: 3 to 16 % on dumps, logs, configuration and code.
	further = 0.97
)

// Choose answers a question. Without measurements the data is stored as it is.
func Choose(q Question) Choice {
	options := q.options()
	plain := options[len(options)-1]
	switch {
	case q.Dense != "":
		return Choice{Option: plain, Options: options, Reason: "it is " + q.Dense + ": stored as it is"}
	case best(options).Fraction > pointless:
		return Choice{Option: plain, Options: options, Reason: q.pointless(options)}
	}
	ranked := q.rank(options[:len(options)-1])
	chosen := Choice{Option: ranked[0], Options: options}
	if len(ranked) > 1 {
		chosen.RunnerUp = &ranked[1]
	}
	chosen.Reason = q.reason(chosen, ranked)
	return q.reduce(chosen, ranked, plain)
}

// options are the candidates and, last, to store the data as it is.
func (q Question) options() []Option {
	options := make([]Option, 0, len(q.Measurements)+1)
	lesson := q.lesson()
	for _, m := range q.Measurements {
		m.Rate = q.rate(m)
		options = append(options, q.option(m, lesson))
	}
	return append(options, q.cost(Option{Method: "none", Fraction: 1, Rate: compression.StoringRate}))
}

// option is a candidate that was measured.
func (q Question) option(m trial.Measurement, lesson float64) Option {
	fraction := m.Fraction
	if fraction < 1 {
		fraction = min(1, fraction*lesson*q.reach(m))
	}
	for _, past := range q.Past {
		if past.Method == m.Method && past.Level == m.Level && past.Fraction > 0 && !q.Whole {
			fraction = past.Fraction
			break
		}
	}
	return q.cost(Option{Method: m.Method, Level: m.Level, Fraction: fraction, Rate: q.together(m.Method, m.Rate)})
}

// reach is what methods that look back further than a sample is long leave of a long stream, as a part of what they do of the
// sample. What does not compress is not found further back either.
func (q Question) reach(m trial.Measurement) float64 {
	const least = 8 << 20
	far := m.Method == "xz" && m.Level >= 5 || m.Method == "zstd" && m.Level >= 17
	if q.Whole || !far || q.Bytes > 0 && q.Bytes < least {
		return 1
	}
	return 1 - (1-further)*min(1, (1-m.Fraction)/fullCaution)
}

// together is how many raw bytes all processors take in a second to compress and to check what was compressed, of which one
// compresses rate. A file is checked by one processor.
func (q Question) together(method string, rate float64) float64 {
	speedup := q.Speedup
	if speedup <= 0 {
		speedup = compression.Cores(q.Cores)
	}
	check := compression.CheckRate(method)
	return min(check, speedup/(1/rate+1/check))
}

// cost predicts what an option takes: reading, compressing and uploading go on at the same time, so that the slowest of them
// decides.
func (q Question) cost(o Option) Option {
	o.cost = max(1/o.Rate, o.Fraction/q.upload())
	if q.SourceRate > 0 {
		o.cost = max(o.cost, 1/q.SourceRate)
	}
	o.Bytes = int64(float64(q.Bytes) * o.Fraction)
	o.Seconds = float64(q.Bytes) * o.cost
	return o
}

// upload is the rate of the slowest destination, measured or assumed.
func (q Question) upload() float64 {
	rate := cmp.Or(q.UploadRate, q.AssumedRate, providers.UsualUploadRate)
	if q.AssumedRate > 0 {
		rate = min(rate, q.AssumedRate)
	}
	return rate
}

// best is the option that leaves the least.
func best(options []Option) Option {
	return slices.MinFunc(options, func(a, b Option) int { return cmp.Compare(a.Fraction, b.Fraction) })
}

// rank orders options by the goal, the best first. Each place is filled as if the ones before it were not there.
func (q Question) rank(options []Option) []Option {
	left := slices.Clone(options)
	ranked := make([]Option, 0, len(left))
	for len(left) > 0 {
		i := q.first(left)
		ranked = append(ranked, left[i])
		left = slices.Delete(left, i, i+1)
	}
	return ranked
}

// first is the index of the best option. Of equals the earlier one wins.
func (q Question) first(options []Option) int {
	allowed := q.permitted(options)
	primary, secondary, tolerance := Option.time, Option.size, near
	if q.Goal == Size {
		primary, secondary, tolerance = Option.size, Option.time, nearEnough
	}
	least := 0.0
	for _, o := range options {
		if value := primary(o); allowed(o) && (least == 0 || value < least) {
			least = value
		}
	}
	chosen := -1
	for i, o := range options {
		if allowed(o) && primary(o) <= least*tolerance && (chosen < 0 || secondary(o) < secondary(options[chosen])) {
			chosen = i
		}
	}
	return chosen
}

func (o Option) time() float64 { return o.cost }
func (o Option) size() float64 { return o.Fraction }
