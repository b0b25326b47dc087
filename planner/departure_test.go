package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
)

func TestDepartures(t *testing.T) {
	week := spec.Retention{KeepWithin: units.Duration(7 * day)}
	for name, c := range map[string]struct {
		retention spec.Retention
		ages      []time.Duration
		once      bool
		most      int
		want      string
	}{
		"when it grows too old":            {week, []time.Duration{6 * day, hour}, false, 1, "144h in 24h"},
		"several, in their order":          {week, []time.Duration{6 * day, 5 * day, hour}, false, 2, "144h in 24h, 120h in 48h"},
		"too old already":                  {week, []time.Duration{9 * day, hour}, false, 1, "216h in 0h"},
		"pushed out by what comes":         {spec.Retention{KeepLast: 2}, []time.Duration{30 * hour, 6 * hour}, false, 2, "30h in 18h, 6h in 42h"},
		"not before so many have come":     {spec.Retention{KeepLast: 5}, []time.Duration{6 * hour}, false, 1, "6h in 114h"},
		"by the calendar":                  {spec.Retention{KeepDaily: 2}, []time.Duration{26 * hour, 2 * hour}, false, 1, "26h in 22h"},
		"the newest stays":                 {week, []time.Duration{9 * day}, true, 1, ""},
		"nothing comes any more":           {spec.Retention{KeepLast: 2}, []time.Duration{30 * hour, 6 * hour}, true, 1, ""},
		"out of sight":                     {spec.Retention{KeepLast: 900}, []time.Duration{6 * hour}, false, 1, ""},
		"a backup that is due comes first": {spec.Retention{KeepLast: 1}, []time.Duration{30 * hour}, false, 1, "30h in 0h"},
		"everything is kept":               {spec.Retention{}, []time.Duration{900 * day, hour}, false, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, placeA)
			s.retain(placeA, c.retention)
			s.spec.Backups[0].Schedule.Once = c.once
			for _, age := range c.ages {
				s.have(age, placeA)
			}
			var got []string
			for _, departure := range Departures(s.spec, s.document, s.now, c.most) {
				got = append(got, fmt.Sprintf("%.0fh in %.0fh", s.now.Sub(departure.StartedAt).Hours(), departure.At.Sub(s.now).Hours()))
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestDeparturesComeTrue carries plans out when backups are due, and holds what they delete against what was foretold.
func TestDeparturesComeTrue(t *testing.T) {
	for seed := range uint64(200) {
		m := newModel(t, seed)
		m.settleDown(seed)
		for _, departure := range Departures(m.spec, m.document, m.now, 1) {
			if departure.At.After(m.now) {
				continue
			}
			plan := Diff(m.spec, m.document, nil, m.now)
			found := slices.ContainsFunc(plan.Actions, func(action Action) bool {
				prune, ok := action.(*Prune)
				return ok && prune.Artifact == departure.Artifact && prune.Destination == departure.Destination
			})
			if !found && plan.Count(KindBlocked) == 0 {
				t.Errorf("seed %d: %+v is foretold, and the plan is %q", seed, departure, lines(plan))
			}
		}
		// Before the first of them nothing is deleted, as long as no backup is due.
		first := m.now.Add(100 * 365 * day)
		for _, departure := range Departures(m.spec, m.document, m.now, 1) {
			if departure.At.Before(first) {
				first = departure.At
			}
		}
		for _, backup := range Standings(m.spec, m.document, m.now) {
			if !backup.DueAt.IsZero() && backup.DueAt.Before(first) {
				first = backup.DueAt
			}
		}
		if before := first.Add(-time.Second); before.After(m.now) {
			if plan := Diff(m.spec, m.document, nil, before); plan.Count(KindPrune) > 0 {
				t.Errorf("seed %d: nothing was foretold before %s, and at %s the plan is %q", seed, first, before, lines(plan))
			}
		}
	}
}
