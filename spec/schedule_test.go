package spec_test

import (
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
)

// With an interval and a cron expression, what comes first counts.
func TestScheduleWithBoth(t *testing.T) {
	schedule, err := spec.NewCronSchedule("0 2 * * *", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for every, want := range map[time.Duration]string{
		0: "2026-03-02T02:00:00Z", 3 * time.Hour: "2026-03-01T15:00:00Z", 14 * time.Hour: "2026-03-02T02:00:00Z", 72 * time.Hour: "2026-03-02T02:00:00Z",
	} {
		schedule.Every = units.Duration(every)
		due := schedule.DueAt(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
		if got := due.Format(time.RFC3339); got != want || schedule.Doubled() != (every > 0) {
			t.Errorf("every %s: due at %s, want %s", every, got, want)
		}
	}
}
