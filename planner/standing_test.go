package planner

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

func TestStandings(t *testing.T) {
	const size = 505 * mib
	week := spec.Retention{KeepWithin: units.Duration(7 * day)}
	for name, c := range map[string]struct {
		scene func(t *testing.T) *scene
		want  Standing
	}{
		"nothing yet": {func(t *testing.T) *scene { return newScene(t, placeB) }, Standing{}},
		"all is there": {func(t *testing.T) *scene {
			s := newScene(t, placeB)
			s.have(2*day, placeB)
			s.readAt(s.have(hour, placeB), time.Minute)
			return s
		}, Standing{NewestAt: sceneNow.Add(-hour), Copies: 2, Bytes: 2 * size, ReadBackAt: sceneNow.Add(-time.Minute)}},
		"the newest is missing": {func(t *testing.T) *scene {
			s := newScene(t, placeB, placeA)
			s.have(2*day, placeB)
			s.have(hour, placeA)
			return s
		}, Standing{NewestAt: sceneNow.Add(-2 * day), Copies: 1, Bytes: size, Missing: 1}},
		"what backfill asks for": {func(t *testing.T) *scene {
			s := backfilling(t, placeB, placeA)
			s.retain(placeB, week)
			for _, age := range []time.Duration{9 * day, 2 * day, hour} {
				s.have(age, placeA)
			}
			return s
		}, Standing{Missing: 2}},
		"an altered one": {func(t *testing.T) *scene {
			s := newScene(t, placeB)
			s.have(hour, placeB).Replicas[0].Condition = state.Altered
			return s
		}, Standing{Altered: 1}},
		"kept by policy, but for what retention keeps anyway": {func(t *testing.T) *scene {
			s := newScene(t, placeB)
			s.retain(placeB, week)
			s.have(9*day, placeB).Replicas[0].KeptBy = "a hold"
			s.have(hour, placeB).Replicas[0].KeptBy = "a hold"
			return s
		}, Standing{NewestAt: sceneNow.Add(-hour), Copies: 2, Bytes: 2 * size, Kept: 1}},
		"latest is due until it was read": {func(t *testing.T) *scene {
			s := reading(t, readLatest, placeB)
			s.have(hour, placeB)
			return s
		}, Standing{NewestAt: sceneNow.Add(-hour), Copies: 1, Bytes: size, ReadBackDue: sceneNow}},
		"all: when the oldest reading is too old": {func(t *testing.T) *scene {
			s := reading(t, readAll, placeB)
			s.readAt(s.have(2*day, placeB), 3*day)
			s.readAt(s.have(hour, placeB), day)
			return s
		}, Standing{NewestAt: sceneNow.Add(-hour), Copies: 2, Bytes: 2 * size, ReadBackAt: sceneNow.Add(-day), ReadBackDue: sceneNow.Add(4 * day)}},
		"a share: when the readings are no share any more": {func(t *testing.T) *scene {
			s := reading(t, readTenth, placeB)
			s.readAt(s.have(2*day, placeB), 20*hour)
			s.readAt(s.have(hour, placeB), 3*hour)
			return s
		}, Standing{NewestAt: sceneNow.Add(-hour), Copies: 2, Bytes: 2 * size, ReadBackAt: sceneNow.Add(-3 * hour), ReadBackDue: sceneNow.Add(21 * hour)}},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.scene(t)
			c.want.Backup, c.want.Destination = database, placeB
			got := Standings(s.spec, s.document, s.now)[0].Places[0]
			if difference := cmp.Diff(c.want, got); difference != "" {
				t.Errorf("(-want +got):\n%s", difference)
			}
		})
	}
}

// TestStandingsForetellReadBacks holds when reading back is said to be due against when it is planned.
func TestStandingsForetellReadBacks(t *testing.T) {
	for seed := range uint64(500) {
		m := newModel(t, seed)
		m.settleDown(seed)
		next := time.Time{}
		for _, backup := range Standings(m.spec, m.document, m.now) {
			for _, standing := range backup.Places {
				if !standing.ReadBackDue.IsZero() && (next.IsZero() || standing.ReadBackDue.Before(next)) {
					next = standing.ReadBackDue
				}
			}
		}
		for _, c := range []struct {
			at      time.Time
			planned bool
		}{{next.Add(-time.Second), false}, {next, true}} {
			if next.IsZero() || !c.at.After(m.now) {
				continue
			}
			plan := Diff(m.spec, m.document, nil, c.at)
			if (rereads(plan) > 0) != c.planned && plan.Count(KindBackup) == 0 && plan.Count(KindPrune) == 0 {
				t.Fatalf("seed %d: due at %s, planned at %s: %q", seed, next, c.at, lines(plan))
			}
		}
	}
}
