package planner

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// drill declares drill.NAME of backup.database, every 7 days, from a place or from any.
func (s *scene) drill(name, from string) *spec.Drill {
	drill := &spec.Drill{Address: "drill." + name, Name: name, Backup: database, From: from, Into: "postgres",
		Schedule: spec.Schedule{Every: units.Duration(7 * day)}}
	s.spec.Drills = append(s.spec.Drills, drill)
	return drill
}

// drilled records a drill of that age that passed in two minutes, unless it is changed.
func (s *scene) drilled(name string, age time.Duration, change func(*state.Drill)) {
	began := s.now.Add(-age)
	made := &state.Drill{ID: "run" + age.String() + "/drill." + name, Address: "drill." + name, Backup: database, Artifact: s.idOf(age), Destination: placeA,
		Into: "postgres", StartedAt: began, EndedAt: began.Add(2 * time.Minute), RecoverySeconds: 100, Outcome: state.Done}
	if change != nil {
		change(made)
	}
	s.document.Drills = append(s.document.Drills, made)
}

// scratchName is that of the scratch database of leaveScratch.
const scratchName = providers.ScratchPrefix + "01234567_0123456789abcdef"

// leaveScratch leaves the open intent of a drill that was killed.
func (s *scene) leaveScratch(name string) {
	s.document.Intents = append(s.document.Intents, &state.Intent{
		ID: "run/drill." + name, Run: "run", Address: "drill." + name, Kind: string(KindDrill), BeganAt: s.now.Add(-30 * time.Minute), Backup: database,
		Artifact: "x", Scratch: scratchName, ScratchAt: "db:5432",
	})
}

func failedDrill(d *state.Drill) { d.Outcome, d.Error = state.Failed, "no answer" }

func TestDiffDrill(t *testing.T) {
	young := func(t *testing.T) *scene {
		s := newScene(t, placeA, placeB)
		s.have(3*hour, placeA, placeB)
		return s
	}
	runDiffCases(t, []diffCase{
		{"never drilled", func(t *testing.T) *scene {
			s := young(t)
			s.drill("d", placeB)
			return s
		}, []string{"drill change drill.d: due: never drilled, every 7d; restores 1122T090000Z, 3h old, from b"}},
		{"the last successful one is too old", func(t *testing.T) *scene {
			s := young(t)
			s.drill("d", placeB)
			s.drilled("d", 8*day, nil)
			return s
		}, []string{"drill time drill.d: due: last successful drill 8d ago, every 7d; restores 1122T090000Z, 3h old, from b"}},
		{"the last successful one is young enough", func(t *testing.T) *scene {
			s := young(t)
			s.drill("d", placeB)
			s.drilled("d", 6*day, nil)
			return s
		}, nil},
		{"a schedule that has fired since", func(t *testing.T) *scene {
			s := young(t)
			s.drill("d", placeB).Schedule = cronSchedule(t, "0 2 * * *", time.UTC)
			s.drilled("d", 11*hour, nil)
			return s
		}, []string{`drill time drill.d: due: last successful drill 11h ago, schedule "0 2 * * *"; restores 1122T090000Z, 3h old, from b`}},
		{"it failed since", func(t *testing.T) *scene {
			s := young(t)
			s.drill("d", placeB)
			s.drilled("d", 8*day, nil)
			s.drilled("d", 2*hour, failedDrill)
			return s
		}, []string{"drill time drill.d: due: last successful drill 8d ago, every 7d; the last one failed 2h ago: no answer; restores 1122T090000Z, 3h old, from b"}},
		{"it never passed", func(t *testing.T) *scene {
			s := young(t)
			s.drill("d", placeB)
			s.drilled("d", 2*hour, failedDrill)
			return s
		}, []string{"drill time drill.d: due: no successful drill yet, every 7d; the last one failed 2h ago: no answer; restores 1122T090000Z, 3h old, from b"}},
		{"one that failed and is not due is told", func(t *testing.T) *scene {
			s := young(t)
			s.drill("d", placeB)
			s.drilled("d", 2*day, nil)
			s.drilled("d", 2*hour, failedDrill)
			return s
		}, []string{"note drill.d: drill.d is not due, but the last one failed 2h ago: no answer"}},
		{"a drill of another backup proves nothing, nor does one of the future", func(t *testing.T) *scene {
			s := young(t)
			s.drill("d", placeB)
			s.drilled("d", 2*hour, func(d *state.Drill) { d.Backup = "backup.other" })
			s.drilled("d", -hour, nil)
			return s
		}, []string{"drill change drill.d: due: never drilled, every 7d; restores 1122T090000Z, 3h old, from b"}},
		{"a drill of the backup under its earlier name counts", func(t *testing.T) *scene {
			s := young(t)
			s.drill("d", placeB)
			s.drilled("d", 2*hour, func(d *state.Drill) { d.Backup = "backup.before" })
			s.spec.Moves = []spec.Move{{From: "backup.before", To: database}}
			return s
		}, nil},
		{"the nearest place where none is named", func(t *testing.T) *scene {
			s := young(t)
			s.drill("d", "")
			s.spec.Destinations[0].Type = "gcs"
			return s
		}, []string{"drill change drill.d: due: never drilled, every 7d; restores 1122T090000Z, 3h old, from b"}},
		{"the newest that has a good copy there", func(t *testing.T) *scene {
			s := young(t)
			s.have(20*hour, placeB)
			s.loseCopy(placeB, s.document.Artifacts[0])
			s.drill("d", placeB)
			return s
		}, []string{
			"repair drift db@b#1122T090000Z: gone from b: copied again from a",
			"drill change drill.d: due: never drilled, every 7d; restores 1121T160000Z, 20h old, from b",
		}},
		{"what is about to be taken, where nothing is there", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.drill("d", placeB)
			return s
		}, []string{
			"backup change db: due: no verified backup yet, every 24h to a,b",
			"drill change drill.d: due: never drilled, every 7d; restores what is about to be taken, from b after db",
		}},
		{"what is about to be copied there", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.have(hour, placeA)
			s.drill("d", placeB)
			return s
		}, []string{
			"replicate change db@b#1122T110000Z: missing on b; copied from a, no new backup",
			"drill change drill.d: due: never drilled, every 7d; restores 1122T110000Z, 60m old, from b after db@b#1122T110000Z",
		}},
		{"what is read back first", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(hour, placeA).Replicas[0].Condition = state.Unproven
			s.drill("d", placeA)
			return s
		}, []string{
			"verify time db@a#1122T110000Z: recorded from its manifest and never read: read back and compared",
			"drill change drill.d: due: never drilled, every 7d; restores 1122T110000Z, 60m old, from a after db@a#1122T110000Z",
		}},
		{"nothing good there", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.have(hour, placeA, placeB).Replicas[1].Condition = state.Altered
			s.document.Artifacts[0].Replicas[0].Condition = state.Altered
			s.drill("d", placeB)
			s.spec.Backups[0].NotBuilt = "it cannot be taken"
			return s
		}, []string{
			"blocked drift db: due: no verified copy is left of 1 recorded backup, every 24h; but it cannot be taken [failed]",
			"blocked change drill.d: due: never drilled, every 7d; but b has no verified copy of db [failed]",
			"note db@a#1122T110000Z: the copy of 1122T110000Z at a is damaged and cannot be repaired, because no good copy is left: altered at a; it is kept and does not count as a backup",
			"note db@b#1122T110000Z: the copy of 1122T110000Z at b is damaged and cannot be repaired, because no good copy is left: altered at b; it is kept and does not count as a backup",
		}},
		{"a place that cannot be looked at", func(t *testing.T) *scene {
			s := young(t)
			s.observed.Destinations[placeB] = &DestinationView{Err: errNoRoute}
			s.drill("d", placeB)
			return s
		}, []string{
			"blocked drift db@b: b cannot be used: no route to host [failed] [degraded]",
			"blocked change drill.d: due: never drilled, every 7d; but b cannot be used: no route to host [failed]",
		}},
		{"a copy is not deleted before it was drilled", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, spec.Retention{KeepLast: 1})
			s.have(30*hour, placeA)
			s.drill("d", placeA)
			return s
		}, []string{
			"backup time db: due: last verified backup is 30h old, every 24h to a",
			"prune time db@a#1121T060000Z: 30h old, keep_last 1; 1 newer verified backup remains [1 remain] after db,drill.d",
			"drill change drill.d: due: never drilled, every 7d; restores 1121T060000Z, 30h old, from a",
		}},
		{"what a killed drill left is removed first", func(t *testing.T) *scene {
			s := young(t)
			s.drill("d", placeB)
			s.leaveScratch("d")
			return s
		}, []string{
			"drill change drill.d: due: never drilled, every 7d; restores 1122T090000Z, 3h old, from b after drill.d/scratch/" + scratchName,
			"sweep recovery drill.d/scratch/" + scratchName + ": the drill begun at 2026-11-22 11:30 UTC was interrupted: its scratch database at db:5432 is removed, if it is still there [version \"\", remnants []]",
		}},
		{"what a killed drill left that is not declared any more", func(t *testing.T) *scene {
			s := young(t)
			s.leaveScratch("gone")
			return s
		}, []string{
			"note drill.gone: the drill drill.gone begun at 2026-11-22 11:30 UTC was interrupted and is not declared any more: remove " + scratchName + " at db:5432 by hand, if it is still there",
		}},
	})
}

func TestDrillPrediction(t *testing.T) {
	s := newScene(t, placeA)
	s.have(hour, placeA)
	s.drill("d", placeA)
	s.drilled("d", 9*day, nil)
	action := s.diff().Actions[0].(*Drill)
	if action.Seconds != 120 || action.Bytes != 505*mib {
		t.Errorf("got %v seconds, %v bytes", action.Seconds, action.Bytes)
	}
	if text := prediction(action); text != "reads 505 MiB; the last one that passed took 2m" {
		t.Errorf("got %q", text)
	}
}

func TestDrilling(t *testing.T) {
	s := newScene(t, placeA, placeB)
	s.have(hour, placeA, placeB)
	s.drill("d", placeB)
	s.drill(`each["x"]`, placeB)
	s.drill(`each["y"]`, placeB)
	s.drilled("d", hour, nil)
	for _, c := range []struct {
		address, from string
		want          []string
		problem       string
	}{
		{"", "", []string{"drill.d", `drill.each["x"]`, `drill.each["y"]`}, ""},
		{"drill.d", "", []string{"drill.d"}, ""},
		{"drill.each", "", []string{`drill.each["x"]`, `drill.each["y"]`}, ""},
		{"drill.d", placeA, []string{"drill.d"}, ""},
		{"drill.d", placeC, nil, "drill.d: destination.local.c is not a destination of backup.database"},
		{"drill.e", "", nil, "there is no drill drill.e. Did you mean drill.d?"},
	} {
		plan, err := Drilling(s.spec, s.document, c.address, c.from, s.now)
		if c.problem != "" {
			if err == nil || err.Error() != c.problem {
				t.Errorf("%s %s: got %v, want %q", c.address, c.from, err, c.problem)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", c.address, c.from, err)
			continue
		}
		checkPlan(t, plan)
		var got []string
		for _, action := range plan.Actions {
			got = append(got, action.Common().Address)
			if from := action.(*Drill).From; from != placeB && from != c.from {
				t.Errorf("%s %s: from %s", c.address, c.from, from)
			}
		}
		if !slices.Equal(c.want, got) {
			t.Errorf("%s %s: %s", c.address, c.from, cmp.Diff(c.want, got))
		}
	}
	s.spec.Drills = nil
	if _, err := Drilling(s.spec, s.document, "", "", s.now); err == nil {
		t.Error("no error without drills")
	}
}

// TestSavedDrill shows that a saved plan is refused when a drill was made since, and that nothing but a scratch place is
// ever removed as one.
func TestSavedDrill(t *testing.T) {
	s := newScene(t, placeA)
	s.have(hour, placeA)
	s.drill("d", placeA)
	s.leaveScratch("d")
	var buffer bytes.Buffer
	if err := Save(&buffer, SavedPlan{Plan: s.diff()}); err != nil {
		t.Fatal(err)
	}
	text := buffer.String()
	loaded, err := LoadSaved(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := loaded.Check(s.spec, s.document, s.now, 0); err != nil {
		t.Error(err)
	}
	s.drilled("d", time.Minute, failedDrill)
	if err := loaded.Check(s.spec, s.document, s.now, 0); err == nil || !strings.Contains(err.Error(), "the state of drill.d has changed") {
		t.Errorf("got %v", err)
	}
	for from, to := range map[string]string{
		`"scratch":"` + scratchName + `"`: `"scratch":"production"`,
		`"drill":"drill.d"`:               `"drill":"backup.d"`,
		`"scratch_at":`:                   `"key":"x","scratch_at":`,
	} {
		changed := strings.Replace(text, from, to, 1)
		if _, err := LoadSaved(strings.NewReader(changed)); changed == text || err == nil {
			t.Errorf("%s was accepted", to)
		}
	}
}

func TestDrillStandings(t *testing.T) {
	s := newScene(t, placeA)
	s.drill("fresh", placeA)
	s.drill("old", placeA)
	s.drilled("old", 9*day, nil)
	s.drilled("old", hour, failedDrill)
	standings := DrillStandings(s.spec, s.document, s.now)
	if fresh := standings[0]; fresh.Last != nil || fresh.Passed != nil || !fresh.DueAt.Equal(s.now) {
		t.Errorf("got %+v", fresh)
	}
	if old := standings[1]; old.Last.Passed() || !old.Passed.Passed() || !old.DueAt.Equal(s.now.Add(-2*day)) {
		t.Errorf("got %+v", old)
	}
}
