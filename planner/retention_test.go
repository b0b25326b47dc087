package planner

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
)

// keptTimes returns those of the times, newest first, that a retention keeps.
func keptTimes(t *testing.T, retention *spec.Retention, now string, location *time.Location, times ...string) []string {
	t.Helper()
	parse := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	var starts []time.Time
	for _, text := range times {
		starts = append(starts, parse(text))
	}
	var keep []string
	for i, isKept := range kept(retention, starts, parse(now), location) {
		if isKept {
			keep = append(keep, times[i])
		}
	}
	return keep
}

func TestKept(t *testing.T) {
	saoPaulo, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		t.Fatal(err)
	}
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		retention *spec.Retention
		location  *time.Location
		now       string
		times     []string
		want      []string
	}{
		{"no retention keeps all", nil, time.UTC, "2026-11-22T00:00:00Z",
			[]string{"2026-01-01T00:00:00Z", "2001-01-01T00:00:00Z"}, []string{"2026-01-01T00:00:00Z", "2001-01-01T00:00:00Z"}},
		{"a retention without rules keeps all", &spec.Retention{MaxDeletes: 3}, time.UTC, "2026-11-22T00:00:00Z",
			[]string{"2026-01-01T00:00:00Z", "2001-01-01T00:00:00Z"}, []string{"2026-01-01T00:00:00Z", "2001-01-01T00:00:00Z"}},
		{"keep_within keeps what is exactly that old", &spec.Retention{KeepWithin: units.Duration(day)}, time.UTC, "2026-11-22T00:00:00Z",
			[]string{"2026-11-21T12:00:00Z", "2026-11-21T00:00:00Z", "2026-11-20T23:59:59Z"}, []string{"2026-11-21T12:00:00Z", "2026-11-21T00:00:00Z"}},
		{"the newest is kept although too old", &spec.Retention{KeepWithin: units.Duration(day)}, time.UTC, "2026-11-22T00:00:00Z",
			[]string{"2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"}, []string{"2026-01-02T00:00:00Z"}},
		{"rules add up", &spec.Retention{KeepLast: 1, KeepYearly: 2}, time.UTC, "2026-11-22T00:00:00Z",
			[]string{"2026-11-20T00:00:00Z", "2026-11-19T00:00:00Z", "2025-05-01T00:00:00Z", "2025-04-01T00:00:00Z", "2024-01-01T00:00:00Z"},
			[]string{"2026-11-20T00:00:00Z", "2025-05-01T00:00:00Z"}},
		{"days without a backup do not count", &spec.Retention{KeepDaily: 2}, time.UTC, "2026-11-22T00:00:00Z",
			[]string{"2026-11-20T08:00:00Z", "2026-11-20T02:00:00Z", "2026-11-03T02:00:00Z", "2026-11-02T02:00:00Z"},
			[]string{"2026-11-20T08:00:00Z", "2026-11-03T02:00:00Z"}},
		{"days are those of the time zone", &spec.Retention{KeepDaily: 2}, saoPaulo, "2026-11-22T12:00:00Z",
			[]string{"2026-11-22T02:30:00Z", "2026-11-21T03:30:00Z", "2026-11-21T02:30:00Z"},
			[]string{"2026-11-22T02:30:00Z", "2026-11-21T02:30:00Z"}},
		{"ISO weeks cross the year", &spec.Retention{KeepWeekly: 2}, time.UTC, "2027-01-10T00:00:00Z",
			[]string{"2027-01-03T00:00:00Z", "2026-12-28T00:00:00Z", "2026-12-27T00:00:00Z", "2026-12-20T00:00:00Z"},
			[]string{"2027-01-03T00:00:00Z", "2026-12-27T00:00:00Z"}},
		{"months", &spec.Retention{KeepMonthly: 2}, time.UTC, "2026-11-22T00:00:00Z",
			[]string{"2026-11-01T00:00:00Z", "2026-10-31T00:00:00Z", "2026-10-30T00:00:00Z", "2025-10-30T00:00:00Z"},
			[]string{"2026-11-01T00:00:00Z", "2026-10-31T00:00:00Z"}},
		{"the hour that comes twice is two hours", &spec.Retention{KeepHourly: 3}, newYork, "2026-11-22T00:00:00Z",
			[]string{"2026-11-01T06:30:00Z", "2026-11-01T06:10:00Z", "2026-11-01T05:30:00Z", "2026-11-01T04:30:00Z", "2026-11-01T03:30:00Z"},
			[]string{"2026-11-01T06:30:00Z", "2026-11-01T05:30:00Z", "2026-11-01T04:30:00Z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if difference := cmp.Diff(c.want, keptTimes(t, c.retention, c.now, c.location, c.times...)); difference != "" {
				t.Errorf("kept (-want +got):\n%s", difference)
			}
		})
	}
}

// Without one of the backups, the rules must keep at least what they kept of the others.
func TestKeptNeverDropsMoreForLess(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		retention := randomRetention(random)
		var starts []time.Time
		for range 1 + random.IntN(12) {
			starts = append(starts, sceneNow.Add(-time.Duration(random.Int64N(int64(60*day)))))
		}
		slices.SortFunc(starts, func(a, b time.Time) int { return b.Compare(a) })
		all := kept(retention, starts, sceneNow, time.UTC)
		if len(starts) > 0 && !all[0] {
			t.Fatalf("%+v does not keep the newest of %v", retention, starts)
		}
		out := random.IntN(len(starts))
		fewer := kept(retention, slices.Delete(slices.Clone(starts), out, out+1), sceneNow, time.UTC)
		for i, isKept := range slices.Delete(slices.Clone(all), out, out+1) {
			if isKept && !fewer[i] {
				t.Fatalf("%+v drops number %d of %v once number %d is gone", retention, i, starts, out)
			}
		}
	}
}

// randomRetention makes a retention of one or more rules.
func randomRetention(random *rand.Rand) *spec.Retention {
	retention := &spec.Retention{KeepLast: 1 + random.IntN(3)}
	if random.IntN(2) == 0 {
		retention.KeepLast = 0
		retention.KeepWithin = units.Duration(random.Int64N(int64(30*day)) + 1)
	}
	for _, rule := range []*int{&retention.KeepHourly, &retention.KeepDaily, &retention.KeepWeekly, &retention.KeepMonthly, &retention.KeepYearly} {
		if random.IntN(4) == 0 {
			*rule = random.IntN(4)
		}
	}
	return retention
}
