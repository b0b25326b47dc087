package planner

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// renamedScene has a backup that was called backup.wiki when its artifacts were taken.
func renamedScene(t *testing.T) *scene {
	s := newScene(t, placeA, placeB)
	s.spec.Moves = []spec.Move{{From: "backup.wiki", To: database}}
	return s
}

func TestDiffMoves(t *testing.T) {
	runDiffCases(t, []diffCase{
		{"a rename makes nothing due", func(t *testing.T) *scene {
			s := renamedScene(t)
			s.haveOf("wiki", 30*hour, placeA, placeB)
			s.haveOf("wiki", 3*hour, placeA, placeB)
			return s
		}, []string{"move change db/moved: 2 artifacts recorded as backup.wiki belong to db now; no copy is touched"}},
		{"once moved there is nothing to do", func(t *testing.T) *scene {
			s := renamedScene(t)
			s.haveOf("wiki", 3*hour, placeA, placeB).Backup = database
			return s
		}, nil},
		{"everything else waits for the move", func(t *testing.T) *scene {
			s := renamedScene(t)
			s.retain(placeA, spec.Retention{KeepLast: 1, KeepWithin: units.Duration(day)})
			s.haveOf("wiki", 60*hour, placeA, placeB)
			s.haveOf("wiki", 30*hour, placeA)
			return s
		}, []string{
			"backup time db: due: last verified backup is 30h old, every 24h to a,b after db/moved",
			"move change db/moved: 2 artifacts recorded as backup.wiki belong to db now; no copy is touched",
			"prune time db@a#wiki-20261120T000000Z: 2d old, keep_within 24h, keep_last 1; 1 newer verified backup remains [1 remain] after db,db/moved",
			"prune time db@a#wiki-20261121T060000Z: 30h old, keep_within 24h, keep_last 1; 1 newer verified backup remains [1 remain] after db,db/moved",
		}},
		{"moves follow each other", func(t *testing.T) *scene {
			s := renamedScene(t)
			s.spec.Moves = append(s.spec.Moves, spec.Move{From: "backup.notes", To: "backup.wiki"})
			s.haveOf("notes", hour, placeA, placeB)
			return s
		}, []string{"move change db/moved: 1 artifact recorded as backup.notes belongs to db now; no copy is touched"}},
		{"a destination is renamed, and its backup too", func(t *testing.T) *scene {
			s := renamedScene(t)
			s.spec.Moves = append(s.spec.Moves, spec.Move{From: placeC, To: placeB})
			s.observed.Destinations[placeC] = s.observed.Destinations[placeB]
			s.haveOf("wiki", hour, placeA, placeC)
			delete(s.observed.Destinations, placeC)
			return s
		}, []string{
			"move change db/moved: 1 artifact recorded as backup.wiki belongs to db now; no copy is touched",
			"move change db@b/moved: 1 copy recorded as c belongs to b now; no copy is touched after db/moved",
		}},
		{"a copy under the old name is adopted for the new one", func(t *testing.T) *scene {
			s := renamedScene(t)
			held := s.makeOf("wiki", hour)
			s.put(placeA, held)
			s.seal(placeA, held, sceneLineage)
			s.intend(KindBackup, held, placeA)
			s.document.Intents[0].Backup = "backup.wiki"
			s.spec.Backups[0].To = []string{placeA}
			return s
		}, []string{"verify recovery db@a#wiki-20261122T110000Z: complete but not recorded: the apply of 2026-11-22 11:30 UTC was interrupted; read back, then recorded"}},
		{"what an interrupted upload left under the old name is removed", func(t *testing.T) *scene {
			s := renamedScene(t)
			s.haveOf("wiki", hour, placeA, placeB).Backup = database
			unfinished := s.makeOf("wiki", 2*hour)
			s.intend(KindBackup, unfinished, placeA)
			s.document.Intents[0].Backup = "backup.wiki"
			s.putObject(placeA, unfinished.Key, 100)
			return s
		}, []string{`sweep recovery db@a#wiki-20261122T100000Z/unfinished: 100 B of a backup interrupted at 2026-11-22 11:30 UTC, never completed [version "v5", remnants []]`}},
	})
}

func TestDiffReleases(t *testing.T) {
	runDiffCases(t, []diffCase{
		{"a backup is forgotten", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(hour, placeA)
			s.haveOf("wiki", hour, placeA)
			s.spec.Removals = []spec.Removal{{From: "backup.wiki"}}
			return s
		}, []string{"release change backup.wiki/removed: 1 artifact recorded of backup.wiki is forgotten; nothing is deleted, the copies stay where they are"}},
		{"a destination is forgotten", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.observed.Destinations[placeC] = emptyView()
			s.have(30*hour, placeC)
			s.have(hour, placeA, placeC)
			delete(s.observed.Destinations, placeC)
			s.spec.Removals = []spec.Removal{{From: placeC}}
			return s
		}, []string{"release change db@c/removed: 2 copies recorded of c are forgotten; nothing is deleted, the copies stay where they are; of 1 artifact no other copy is recorded"}},
		{"once forgotten there is nothing to do", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(hour, placeA)
			s.spec.Removals = []spec.Removal{{From: "backup.wiki"}, {From: placeC}}
			return s
		}, nil},
	})
}

// TestReconcileMovesFirst brings a state up to date whose backup was renamed.
func TestReconcileMovesFirst(t *testing.T) {
	s := renamedScene(t)
	s.loseCopy(placeA, s.haveOf("wiki", hour, placeA))
	plan := Reconcile(s.spec, s.document, s.observed, s.now)
	checkPlan(t, plan)
	want := []string{
		"move change db/moved: 1 artifact recorded as backup.wiki belongs to db now; no copy is touched",
		"forget drift db@a#wiki-20261122T110000Z: gone from a, and no good copy is left to repair it from after db/moved",
	}
	if difference := cmp.Diff(want, lines(plan)); difference != "" {
		t.Errorf("plan (-want +got):\n%s", difference)
	}
}

// importScene has an artifact of another state at place a, and a young one of its own.
func importScene(t *testing.T) (*scene, *state.Artifact) {
	s := newScene(t, placeA)
	s.have(hour, placeA)
	foreign := s.makeOf("old", 2*hour)
	s.put(placeA, foreign)
	s.seal(placeA, foreign, "another lineage")
	s.spec.Imports = []spec.Import{{To: database, ID: foreign.ID}}
	return s, foreign
}

func TestDiffImports(t *testing.T) {
	runDiffCases(t, []diffCase{
		{"an artifact of another state", func(t *testing.T) *scene {
			s, _ := importScene(t)
			return s
		}, []string{"adopt change db@a#old-20261122T100000Z: complete but not recorded, and to be adopted: read back, then recorded"}},
		{"it puts no backup off before it is recorded", func(t *testing.T) *scene {
			s, _ := importScene(t)
			s.document.Artifacts[0].StartedAt = s.now.Add(-30 * hour)
			return s
		}, []string{
			"backup time db: due: last verified backup is 30h old, every 24h to a",
			"adopt change db@a#old-20261122T100000Z: complete but not recorded, and to be adopted: read back, then recorded",
		}},
		{"it is copied from only when it has been read", func(t *testing.T) *scene {
			s, _ := importScene(t)
			s.document.Artifacts[0].StartedAt = s.now.Add(-3 * hour)
			s.observed.Destinations[placeB] = emptyView()
			s.spec.Destinations = append(s.spec.Destinations, &spec.Destination{Address: placeB, Type: "local"})
			s.spec.Backups[0].To = []string{placeA, placeB}
			return s
		}, []string{
			"adopt change db@a#old-20261122T100000Z: complete but not recorded, and to be adopted: read back, then recorded",
			"replicate change db@b#old-20261122T100000Z: missing on b; copied from a, no new backup after db@a#old-20261122T100000Z",
		}},
		{"adopted already", func(t *testing.T) *scene {
			s, foreign := importScene(t)
			foreign.Backup = database
			objects := s.observed.Destinations[placeA].Objects
			foreign.Replicas = []state.Replica{{
				Destination: placeA, Condition: state.Verified,
				Version: objects[foreign.Key].Version, ManifestVersion: objects[state.ManifestKey(foreign.Key)].Version,
			}}
			s.observed.Destinations[placeA].Manifests = nil
			s.document.Artifacts = append(s.document.Artifacts, foreign)
			return s
		}, nil},
		{"nowhere to be found", func(t *testing.T) *scene {
			s, foreign := importScene(t)
			s.loseCopy(placeA, foreign)
			s.observed.Destinations[placeA].Manifests = nil
			return s
		}, []string{"blocked change db#old-20261122T100000Z: no complete artifact old-20261122T100000Z can be found at the destinations of db [failed]"}},
		{"deleted in its time", func(t *testing.T) *scene {
			s, foreign := importScene(t)
			s.retain(placeA, spec.Retention{KeepLast: 1})
			s.loseCopy(placeA, foreign)
			s.observed.Destinations[placeA].Manifests = nil
			return s
		}, []string{"note db: old-20261122T100000Z lies at no destination of db and their retention would not keep it: its import block can go"}},
		{"recorded for another backup", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(hour, placeA)
			s.declare("wiki", placeA)
			other := s.haveOf("wiki", hour, placeA)
			s.spec.Imports = []spec.Import{{To: database, ID: other.ID}}
			return s
		}, []string{"blocked change db#wiki-20261122T110000Z: wiki-20261122T110000Z is recorded for backup.wiki already, and an artifact belongs to one backup [failed]"}},
		{"nobody looked", func(t *testing.T) *scene {
			s, _ := importScene(t)
			s.observed = nil
			return s
		}, []string{"note db: old-20261122T100000Z is to be adopted: without looking at the destinations nothing is done about it"}},
	})
}

// TestSelectRecords narrows plans with changes to what is recorded: what is kept brings the change it waits for along.
func TestSelectRecords(t *testing.T) {
	s := renamedScene(t)
	s.haveOf("wiki", 30*hour, placeA, placeB)
	s.declare("keycloak", placeA)
	for _, test := range []struct {
		scope Scope
		want  []string
	}{
		{Scope{Targets: []string{database}}, []string{database, database + "/moved"}},
		{Scope{Targets: []string{"backup.keycloak"}}, []string{"backup.keycloak"}},
		{Scope{Exclude: []string{database + "/moved"}}, []string{"backup.keycloak"}},
	} {
		plan, err := Select(s.diff(), s.spec, test.scope)
		if err != nil {
			t.Fatal(err)
		}
		checkPlan(t, plan)
		var got []string
		for _, action := range plan.Actions {
			got = append(got, action.Common().Address)
		}
		if difference := cmp.Diff(test.want, got); difference != "" {
			t.Errorf("%v (-want +got):\n%s", test.scope, difference)
		}
	}
}

// TestSavedMoveHoldsToBothAddresses changes the state of the backup that a saved plan moves from.
func TestSavedMoveHoldsToBothAddresses(t *testing.T) {
	s := renamedScene(t)
	s.haveOf("wiki", hour, placeA, placeB)
	before := slices.Clone(s.document.Artifacts)
	saved := &SavedPlan{Plan: s.diff()}
	if err := saved.Check(s.spec, s.document, s.now, 0); err != nil {
		t.Error(err)
	}
	if difference := cmp.Diff(before, s.document.Artifacts); difference != "" {
		t.Errorf("making the plan changed the state:\n%s", difference)
	}
	s.haveOf("wiki", 2*hour, placeA)
	if err := saved.Check(s.spec, s.document, s.now, 0); err == nil {
		t.Error("the plan is still accepted")
	}
}
