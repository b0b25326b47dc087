package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// The forms in which times are written.
const (
	dayForm     = "2 Jan"
	yearForm    = "2 Jan 2006"
	minuteForm  = "2 Jan 2006, 15:04"
	machineForm = time.RFC3339
)

// together is the space between a number and its unit where a line must not break.
const together = "\u00a0"

// dash stands for what there is none of.
const dash = "–"

// short leaves out of an address what a heading has said already: "gcs.primary" of "destination.gcs.primary".
func short(address string) string {
	_, rest, found := strings.Cut(address, ".")
	if !found {
		return address
	}
	return rest
}

// reduction is the share that is not stored, in percent; NaN where nothing was read.
func reduction(artifact Artifact) float64 {
	if artifact.RawBytes <= 0 {
		return math.NaN()
	}
	return 100 * (1 - float64(artifact.StoredBytes)/float64(artifact.RawBytes))
}

// percent prints a share in percent.
func percent(value float64) string {
	if math.IsNaN(value) {
		return dash
	}
	return fmt.Sprintf("%.1f"+together+"%%", value)
}

// took is how long something lasted; a clock that was set back makes it 0.
func took(from, to time.Time) time.Duration { return max(0, to.Sub(from)) }

// span prints how long something took.
func span(took time.Duration) string {
	if took == 0 {
		return dash
	}
	return units.Span(took)
}

// level names a level in a class and in an icon.
func (l Level) String() string {
	switch l {
	case Well:
		return "well"
	case Unknown:
		return "unknown"
	case Watch:
		return "watch"
	default:
		return "wrong"
	}
}

// words of a condition.
func (c Condition) String() string {
	switch c {
	case Verified:
		return "verified"
	case Unproven:
		return "unproven"
	case Altered:
		return "altered"
	default:
		return "missing"
	}
}

// round keeps the digits that can be seen.
func round(value float64) float64 {
	const digits = 100
	return math.Round(value*digits) / digits
}

// many prints a number with its noun, in groups of three digits: "25,000 copies".
func many(n int, one, more string) string {
	digits, noun, _ := strings.Cut(units.Counted(n, one, more), " ")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits + " " + noun
}
