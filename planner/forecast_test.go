package planner

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

func TestForecast(t *testing.T) {
	const size = 505 * mib
	for name, c := range map[string]struct {
		retention *spec.Retention
		// ages are those of the copies; the backup is due every 24 hours.
		ages []time.Duration
		want Outlook
	}{
		"nothing yet": {&spec.Retention{KeepLast: 2}, nil, Outlook{All: 2 * day, Some: 2 * day}},
		"everything is kept": {nil, []time.Duration{40 * day, hour},
			Outlook{LaterBytes: 2*size + 10*size}},
		"too old by now, and in four days": {&spec.Retention{KeepWithin: units.Duration(7 * day)}, []time.Duration{9 * day, 3 * day, hour}, Outlook{
			Expiries: []Expiry{{Artifact: "9d", At: sceneNow}, {Artifact: "3d", At: sceneNow.Add(4*day + 1)}, {Artifact: "1h", At: sceneNow.Add(7*day - hour + 1)}},
			All:      7 * day, Some: 7 * day,
			// Seven of those to come are not older than seven days in ten.
			LaterBytes: 7 * size,
		}},
		"pushed out by those to come": {&spec.Retention{KeepLast: 2}, []time.Duration{25 * hour, hour}, Outlook{
			Expiries: []Expiry{{Artifact: "25h", At: sceneNow.Add(23 * hour)}, {Artifact: "1h", At: sceneNow.Add(47 * hour)}},
			All:      2 * day, Some: 2 * day, LaterBytes: 2 * size,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, placeB)
			if c.retention != nil {
				s.retain(placeB, *c.retention)
			}
			ids := make(map[string]string)
			for _, age := range c.ages {
				ids[units.Duration(age).String()] = s.have(age, placeB).ID
			}
			c.want.Backup, c.want.Destination = database, placeB
			for i := range c.want.Expiries {
				c.want.Expiries[i].Artifact = ids[c.want.Expiries[i].Artifact]
			}
			if c.ages == nil {
				c.want.LaterBytes = 0
			}
			got := Forecast(s.spec, s.document, s.now, s.now.Add(10*day))[0]
			if difference := cmp.Diff(c.want, got); difference != "" {
				t.Errorf("(-want +got):\n%s", difference)
			}
		})
	}
}

// A store that keeps a copy keeps it beyond its time, and is said to.
func TestForecastOfWhatTheStoreKeeps(t *testing.T) {
	s := newScene(t, placeB)
	s.retain(placeB, spec.Retention{KeepWithin: units.Duration(7 * day)})
	s.have(9*day, placeB).Replicas[0].KeptBy = "a hold"
	s.have(hour, placeB)
	got := Forecast(s.spec, s.document, s.now, s.now.Add(hour))[0]
	if len(got.Expiries) != 1 || got.Expiries[0].KeptBy != "a hold" || got.LaterBytes != 2*505*mib {
		t.Errorf("got %+v", got)
	}
}

// TestForecastIsWhatPlansDo holds what is foretold against the plans of those moments: with the backups that came until then, a plan
// prunes what was foretold to be pruned, and nothing else, and nothing of it a moment before.
func TestForecastIsWhatPlansDo(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		s := newScene(t, placeB)
		s.spec.Backups[0].Schedule = spec.Schedule{Every: units.Duration([]time.Duration{6 * hour, day, 3 * day}[random.IntN(3)])}
		s.retain(placeB, spec.Retention{
			KeepWithin: units.Duration(random.IntN(2)) * units.Duration(random.IntN(200)+1) * units.Duration(hour), KeepLast: random.IntN(3) + 1,
			KeepHourly: random.IntN(2) * random.IntN(30), KeepDaily: random.IntN(2) * random.IntN(9), KeepWeekly: random.IntN(2) * random.IntN(4),
			KeepMonthly: random.IntN(2) * random.IntN(3),
		})
		for i := range random.IntN(30) {
			s.have(time.Duration(i*7+1)*hour+time.Duration(random.IntN(400))*time.Minute, placeB)
		}
		until := s.now.Add(10 * day)
		outlook := Forecast(s.spec, s.document, s.now, until)[0]
		moments := []time.Time{s.now, until}
		for _, expiry := range outlook.Expiries {
			moments = append(moments, expiry.At, expiry.At.Add(-1))
		}
		for _, at := range moments {
			if at.Before(s.now) || at.After(until) {
				continue
			}
			var want []string
			for _, expiry := range outlook.Expiries {
				if !expiry.At.After(at) {
					want = append(want, expiry.Artifact)
				}
			}
			if got := s.prunedAt(at); !slices.Equal(got, sorted(want)) {
				t.Fatalf("seed %d, at %s: the plan prunes %q, foretold was %q", seed, at, got, sorted(want))
			}
		}
	}
}

// prunedAt is what a plan prunes at a moment, of what is there now, after every backup was taken that came due.
func (s *scene) prunedAt(at time.Time) []string {
	document := *s.document
	d := newDiffer(s.spec, s.document, nil, s.now)
	coming, _ := d.newTask(s.spec.Backups[0]).coming(at, mostComing)
	for _, start := range coming {
		artifact := s.make(s.now.Sub(start))
		artifact.Replicas = []state.Replica{{Destination: placeB, Condition: state.Verified, StoredAt: start, VerifiedAt: start}}
		document.Artifacts = append(slices.Clip(document.Artifacts), artifact)
	}
	var pruned []string
	for _, action := range Diff(s.spec, &document, nil, at).Actions {
		if prune, ok := action.(*Prune); ok && document.Find(prune.Artifact).StartedAt.Before(s.now) && s.document.Find(prune.Artifact) != nil {
			pruned = append(pruned, prune.Artifact)
		}
	}
	return sorted(pruned)
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
