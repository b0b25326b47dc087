package schedule

import (
	"fmt"
	"strings"
	"time"
)

// steps are how many minutes there can be between two runs, so that the same minutes of every hour are met.
var steps = []int{60, 30, 20, 15, 12, 10, 6, 5}

// pace is how often imsctl is run.
type pace struct {
	// Minutes is one of steps.
	Minutes int
	// Reason says what asked for it, in a line.
	Reason string
}

// patience is which part of an interval may pass until somebody looks: a backup every 24h is at most 2h late.
const patience = 12

// paceOf finds the longest step that meets every minute at which a cron expression fires, and by which nothing that is
// due at an interval is late by more than a twelfth of that. Nothing is looked at less than hourly or more than every
// five minutes.
func paceOf(timings []Timing) pace {
	result := pace{Minutes: steps[0], Reason: "the longest step there is: nothing is due more often"}
	for _, timing := range timings {
		if step := stepOf(timing); step < result.Minutes {
			result = pace{Minutes: step, Reason: fmt.Sprintf("%s is due %s", timing.Address, timing.Words)}
		}
	}
	if len(timings) == 0 {
		result.Reason = "the longest step there is: no backup and no drill is due again and again"
	}
	// Steps that are met alone need not be met together: 20 and 15 have 5 in common.
	common := result.Minutes
	for _, timing := range timings {
		if len(timing.Fires) > 0 {
			common = divisor(common, stepOf(timing))
		}
	}
	if common != result.Minutes {
		result = pace{Minutes: largest(common, common), Reason: "the longest step that all schedules have in common"}
	}
	return result
}

// stepOf is the longest step that is good for a timing.
func stepOf(timing Timing) int {
	common, limit := steps[0], steps[0]
	for _, fires := range timing.Fires {
		common = divisor(common, fires.UTC().Minute())
	}
	if timing.Every > 0 {
		limit = int(min(timing.Every/patience, time.Hour) / time.Minute)
	}
	return largest(common, limit)
}

// largest is the longest step that divides common and is not longer than limit; the shortest one when none is.
func largest(common, limit int) int {
	for _, step := range steps {
		if step <= limit && common%step == 0 {
			return step
		}
	}
	return steps[len(steps)-1]
}

// divisor is the greatest common one.
func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Calendar is when a timer of systemd fires.
func (p pace) Calendar() string {
	if p.Minutes == 60 {
		return "*-*-* *:00:00 UTC"
	}
	return fmt.Sprintf("*-*-* *:00/%d:00 UTC", p.Minutes)
}

// Cron is the same as a cron expression.
func (p pace) Cron() string {
	if p.Minutes == 60 {
		return "0 * * * *"
	}
	return fmt.Sprintf("*/%d * * * *", p.Minutes)
}

// Delay is how many seconds a run may be put off, so that many machines do not come at once.
func (p pace) Delay() int { return p.Minutes * 60 / 10 }

// Seconds is the step in seconds.
func (p pace) Seconds() int { return p.Minutes * 60 }

// Words is the step in words.
func (p pace) Words() string {
	if p.Minutes == 60 {
		return "every hour"
	}
	return fmt.Sprintf("every %d minutes", p.Minutes)
}

// Sentence says how often and why.
func (p pace) Sentence() string {
	words := p.Words()
	return strings.ToUpper(words[:1]) + words[1:] + ": " + p.Reason + "."
}
