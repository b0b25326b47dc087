package choice

import (
	"fmt"
	"strconv"
)

// String names a method and its level: "zstd 1", "none".
func (o Option) String() string {
	if o.Method == "none" {
		return o.Method
	}
	return o.Method + " " + strconv.Itoa(o.Level)
}

// reason says in a sentence why the first of the ranked options was chosen.
func (q Question) reason(chosen Choice, ranked []Option) string {
	o := chosen.Option
	switch {
	case q.Goal == Size && o.Fraction > best(ranked).Fraction:
		return fmt.Sprintf("it leaves %s, within 1 %% of the least (%s), and is faster", percent(o.Fraction), best(ranked))
	case q.Goal == Size && chosen.RunnerUp == nil:
		return fmt.Sprintf("it leaves %s", percent(o.Fraction))
	case q.Goal == Size:
		return fmt.Sprintf("it leaves %s, the least; %s would leave %s", percent(o.Fraction), chosen.RunnerUp, percent(chosen.RunnerUp.Fraction))
	}
	text := fmt.Sprintf("it leaves %s and has the last copy in place soonest%s", percent(o.Fraction), q.bottleneck(o))
	if least := q.reference(ranked); q.Goal == Balanced && o.Fraction <= least {
		text += ", with no more bytes than gzip 9"
	}
	if q.Surveyed {
		text += ", by what an earlier run tried all over it"
	}
	return text
}

// bottleneck says what an option waits for, where that is known.
func (q Question) bottleneck(o Option) string {
	switch {
	case q.SourceRate > 0 && o.cost <= 1/q.SourceRate:
		return " (the source is the slowest part)"
	case q.UploadRate > 0 && o.cost > 1/o.Rate && o.cost <= o.Fraction/q.UploadRate:
		return " (the upload is the slowest part)"
	}
	return ""
}

// pointless says that nothing makes the data smaller.
func (q Question) pointless(options []Option) string {
	if len(options) == 1 {
		return "nothing was tried: stored as it is"
	}
	least := best(options)
	if least.Fraction >= 1 {
		return "no method makes it smaller: stored as it is"
	}
	return fmt.Sprintf("no method takes off more than %s: stored as it is", percent(1-least.Fraction))
}

// percent prints a fraction: "27.9 %".
func percent(fraction float64) string { return strconv.FormatFloat(fraction*100, 'f', 1, 64) + " %" }
