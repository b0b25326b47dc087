package planner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

func TestReconcile(t *testing.T) {
	for _, c := range []diffCase{
		{"nothing differs, though a backup is due and a copy missing", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.have(26*hour, placeA)
			return s
		}, nil},
		{"what retention would delete stays", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, spec.Retention{KeepLast: 1})
			s.have(2*hour, placeA)
			s.have(26*hour, placeA)
			return s
		}, nil},
		{"a changed copy is read back", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.put(placeB, s.have(hour, placeA, placeB))
			return s
		}, []string{"verify drift db@b#1122T110000Z: changed since it was written (modified 2026-11-22 11:00 UTC): read back and compared"}},
		{"a cut copy is recorded, not repaired", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA, placeB)
			s.putObject(placeB, artifact.Key, mib)
			return s
		}, []string{"verify drift db@b#1122T110000Z: size 1.0 MiB, manifest says 505 MiB: looked at again, then recorded"}},
		{"what the state calls altered already is no news", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA, placeB)
			artifact.Replicas[1].Condition = state.Altered
			s.loseCopy(placeB, artifact)
			return s
		}, nil},
		{"a lost copy that can be repaired stays recorded", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.loseCopy(placeB, s.have(hour, placeA, placeB))
			return s
		}, []string{"verify drift db@b#1122T110000Z: gone from b: looked at again, then recorded"}},
		{"the record of a copy that is lost for good goes", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.loseCopy(placeA, s.have(hour, placeA))
			return s
		}, []string{"forget drift db@a#1122T110000Z: gone from a, and no good copy is left to repair it from"}},
		{"a copy whose record was lost is adopted", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			artifact := s.make(hour)
			s.put(placeA, artifact)
			s.seal(placeA, artifact, sceneLineage)
			return s
		}, []string{"verify drift db@a#1122T110000Z: complete but not recorded, and its manifest belongs to this state: read back, then recorded"}},
		{"what an interrupted upload left stays", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(2*hour, placeA)
			artifact := s.make(hour)
			s.putObject(placeA, artifact.Key, mib)
			s.intend(KindBackup, artifact, placeA)
			return s
		}, nil},
		{"a deletion that was done is recorded", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(hour, placeA)
			pruned := s.have(26*hour, placeA)
			s.loseCopy(placeA, pruned)
			s.intend(KindPrune, pruned, placeA)
			return s
		}, []string{"forget recovery db@a#1121T100000Z: was pruned; the apply of 2026-11-22 11:30 UTC was interrupted before it could say so"}},
		{"a place that cannot be looked at is an error", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.have(hour, placeA, placeB)
			s.observed.Destinations[placeB] = &DestinationView{Free: -1, Err: errNoRoute}
			return s
		}, []string{"blocked drift db@b: b cannot be used: no route to host [failed] [degraded]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.scene(t)
			plan := Reconcile(s.spec, s.document, s.observed, s.now)
			checkPlan(t, plan)
			if difference := cmp.Diff(c.want, lines(plan)); difference != "" {
				t.Errorf("plan (-want +got):\n%s", difference)
			}
			if !plan.RefreshOnly {
				t.Error("the plan does not say that it only refreshes")
			}
		})
	}
}
