// Package units parses and prints durations and sizes the way people write them in a specification: "90m", "30d", "16MiB".
package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a positive span of time. Its text is a sequence of whole or decimal numbers, each with a unit:
// w (7 days), d (24 hours), h, m, s, ms. Zero and negative spans do not parse: in a retention rule they would mean
// "delete everything", in an interval "always".
type Duration time.Duration

var durationUnits = []struct {
	name string
	size time.Duration
}{
	{"ms", time.Millisecond}, {"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour},
	{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second},
}

// ParseDuration reads a Duration. The error says what is wrong and shows a correct example.
func ParseDuration(text string) (Duration, error) {
	rest := strings.TrimSpace(text)
	if rest == "" {
		return 0, fmt.Errorf(`empty duration: write a number and a unit, such as "24h" or "30d"`)
	}
	if strings.HasPrefix(rest, "-") {
		return 0, fmt.Errorf("duration %q is negative: only a positive one makes sense here", text)
	}
	var total float64
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		number, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return 0, fmt.Errorf(`duration %q is not a number with a unit: write "90m", "24h", "30d" or "8w"`, text)
		}
		size, width := durationUnit(rest[digits:])
		if width == 0 {
			return 0, fmt.Errorf("duration %q has no known unit: use w, d, h, m, s or ms", text)
		}
		total += number * float64(size)
		rest = rest[digits+width:]
	}
	if total >= math.MaxInt64 {
		return 0, fmt.Errorf("duration %q is longer than 292 years", text)
	}
	if total < 1 {
		return 0, fmt.Errorf("duration %q is zero: only a positive one makes sense here", text)
	}
	return Duration(total), nil
}

// durationUnit finds the unit that text starts with: its size and how many bytes name it, or zeros.
func durationUnit(text string) (time.Duration, int) {
	for _, unit := range durationUnits {
		if strings.HasPrefix(text, unit.name) {
			return unit.size, len(unit.name)
		}
	}
	return 0, 0
}

// UnmarshalText implements encoding.TextUnmarshaler with ParseDuration.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// MarshalText implements encoding.TextMarshaler with String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Std returns the same span as a time.Duration.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String prints the span exactly, in its largest whole unit up to days where it is one; one day is "24h" ("30d", "36h",
// "90m").
func (d Duration) String() string {
	span := time.Duration(d)
	for _, unit := range []struct {
		name  string
		size  time.Duration
		least int64
	}{{"d", 24 * time.Hour, 2}, {"h", time.Hour, 1}, {"m", time.Minute, 1}, {"s", time.Second, 1}, {"ms", time.Millisecond, 1}} {
		if int64(span/unit.size) >= unit.least && span%unit.size == 0 {
			return strconv.FormatInt(int64(span/unit.size), 10) + unit.name
		}
	}
	return span.String()
}

// Age prints a span roughly, for people: one unit, no fraction; days from 48 hours on ("26h", "8d", "45s", "0s").
func Age(span time.Duration) string {
	switch {
	case span < 0:
		return "0s"
	case span < time.Minute:
		return fmt.Sprintf("%ds", int(span.Seconds()))
	case span < 2*time.Hour:
		return fmt.Sprintf("%dm", int(span.Minutes()))
	case span < 48*time.Hour:
		return fmt.Sprintf("%dh", int(span.Hours()))
	default:
		return fmt.Sprintf("%dd", int(span.Hours()/24))
	}
}

// Span prints how long something took, the longer the coarser: "205ms", "2.1s", "2m10s".
func Span(took time.Duration) string {
	switch {
	case took < time.Second:
		return took.Round(time.Millisecond).String()
	case took < 10*time.Second:
		return took.Round(100 * time.Millisecond).String()
	}
	return took.Round(time.Second).String()
}
