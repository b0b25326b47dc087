package spec

import (
	"errors"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/castrolanda/imsctl/internal/units"
)

// Schedule says when a backup is due. Once is set alone; of Every and a cron expression one is, or both: then what comes first
// counts.
type Schedule struct {
	// Every: when no verified backup is younger than this.
	Every units.Duration
	// Once: when there never was a verified backup.
	Once bool
	// Expression is the cron expression as written: when it has fired since the last verified backup began.
	Expression string
	timing     cron.Schedule
	location   *time.Location
}

// NewCronSchedule parses a five-field cron expression or a descriptor such as "@daily", read in a time zone. An expression
// that never fires ("0 0 30 2 *") is an error, and so are a time zone of its own and "@every".
func NewCronSchedule(expression string, location *time.Location) (Schedule, error) {
	switch trimmed := strings.TrimSpace(expression); {
	case strings.HasPrefix(trimmed, "TZ="), strings.HasPrefix(trimmed, "CRON_TZ="):
		return Schedule{}, errors.New("the time zone is set in the imsctl block")
	case strings.HasPrefix(trimmed, "@every"):
		return Schedule{}, errors.New("an interval is written every = \"24h\"")
	}
	timing, err := cron.ParseStandard(expression)
	if err != nil {
		return Schedule{}, err
	}
	// The library looks five years ahead, which hold a 29th of February from any day of this century.
	if timing.Next(time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Schedule{}, errors.New("it never fires")
	}
	return Schedule{Expression: expression, timing: timing, location: location}, nil
}

// DueAt returns when the next backup is due, given when the last verified one started; the zero time when never.
func (s Schedule) DueAt(last time.Time) time.Time {
	switch {
	case s.Once:
		return time.Time{}
	case s.timing == nil:
		return last.Add(s.Every.Std())
	}
	fires := s.timing.Next(last.In(s.location))
	if s.Every > 0 && last.Add(s.Every.Std()).Before(fires) {
		return last.Add(s.Every.Std())
	}
	return fires
}

// Doubled reports whether both an interval and a cron expression are set.
func (s Schedule) Doubled() bool { return s.Every > 0 && s.timing != nil }

// String is the schedule in words that fit into a sentence: `every 24h`, `schedule "0 2 * * *"`, `once`.
func (s Schedule) String() string {
	switch {
	case s.Once:
		return "once"
	case s.Doubled():
		return "every " + s.Every.String() + ` and schedule "` + s.Expression + `"`
	case s.Expression != "":
		return `schedule "` + s.Expression + `"`
	default:
		return "every " + s.Every.String()
	}
}

// Interval is the time between two backups; 0 when there is no next one.
func (s Schedule) Interval() time.Duration {
	if s.Once {
		return 0
	}
	// Any moment will do: what counts is the distance of two.
	first := s.DueAt(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if first.IsZero() {
		return 0
	}
	return s.DueAt(first).Sub(first)
}
