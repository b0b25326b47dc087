package planner

import (
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

func TestDiffKeptByPolicy(t *testing.T) {
	week := spec.Retention{KeepWithin: units.Duration(7 * day)}
	const hold = "a temporary hold"
	// two have a copy that retention would delete and one that it keeps.
	two := func(t *testing.T) (s *scene, old *state.Artifact) {
		s = newScene(t, placeA)
		s.retain(placeA, week)
		old = s.have(9*day, placeA)
		s.have(hour, placeA)
		return s, old
	}
	runDiffCases(t, []diffCase{
		{"what the store keeps is recorded once", func(t *testing.T) *scene {
			s, old := two(t)
			s.protect(placeA, old, hold)
			return s
		}, []string{"keep time db@a#1113T120000Z/kept: 9d old, keep_within 7d; 1 newer verified backup remains, but kept by policy: a temporary hold"}},
		{"a manifest that is kept keeps its copy", func(t *testing.T) *scene {
			s, old := two(t)
			key := state.ManifestKey(old.Key)
			object := s.observed.Destinations[placeA].Objects[key]
			object.KeptBy = hold
			s.observed.Destinations[placeA].Objects[key] = object
			return s
		}, []string{"keep time db@a#1113T120000Z/kept: 9d old, keep_within 7d; 1 newer verified backup remains, but kept by policy: a temporary hold"}},
		{"and then it is a note", func(t *testing.T) *scene {
			s, old := two(t)
			s.protect(placeA, old, hold)
			old.Replicas[0].KeptBy = hold
			return s
		}, []string{"note db@a: 1 copy of db at a that retention would delete is kept by policy: a temporary hold"}},
		{"another rule is another record", func(t *testing.T) *scene {
			s, old := two(t)
			s.protect(placeA, old, hold)
			old.Replicas[0].KeptBy = "its retention policy until 2026-12-24 00:00 UTC"
			return s
		}, []string{"keep time db@a#1113T120000Z/kept: 9d old, keep_within 7d; 1 newer verified backup remains, but kept by policy: a temporary hold"}},
		{"a hold that was released keeps nothing", func(t *testing.T) *scene {
			s, old := two(t)
			old.Replicas[0].KeptBy = hold
			return s
		}, []string{"prune time db@a#1113T120000Z: 9d old, keep_within 7d; 1 newer verified backup remains [1 remain]"}},
		{"a rule that only the deletion showed is believed for a while", func(t *testing.T) *scene {
			s, old := two(t)
			old.Replicas[0].KeptBy, old.Replicas[0].KeptUntil = hold, s.now.Add(time.Second)
			return s
		}, []string{"note db@a: 1 copy of db at a that retention would delete is kept by policy: a temporary hold"}},
		{"and then tried", func(t *testing.T) *scene {
			s, old := two(t)
			old.Replicas[0].KeptBy, old.Replicas[0].KeptUntil = hold, s.now
			return s
		}, []string{"prune time db@a#1113T120000Z: 9d old, keep_within 7d; 1 newer verified backup remains [1 remain]"}},
		{"what is kept does not use up max_deletes, and counts as there", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, spec.Retention{KeepLast: 1, MaxDeletes: 1})
			s.protect(placeA, s.have(3*hour, placeA), hold)
			s.have(2*hour, placeA)
			s.have(hour, placeA)
			return s
		}, []string{
			"keep time db@a#1122T090000Z/kept: 3h old, keep_last 1; 1 newer verified backup remains, but kept by policy: a temporary hold",
			"prune time db@a#1122T100000Z: 2h old, keep_last 1; 1 newer verified backup remains [2 remain]",
		}},
		{"what retention keeps too needs no word", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, week)
			s.protect(placeA, s.have(hour, placeA), hold)
			return s
		}, nil},
		{"a damaged copy that is kept cannot be repaired, and its origin is kept for it", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.retain(placeB, week)
			bad := s.have(9*day, placeA, placeB)
			s.putObject(placeA, bad.Key, 3)
			s.protect(placeA, bad, hold)
			s.have(hour, placeA, placeB)
			return s
		}, []string{"blocked drift db@a#1113T120000Z: size 3 B, manifest says 505 MiB, and what is there cannot be replaced: kept by policy: a temporary hold [failed] [degraded]"}},
		{"bytes of an interrupted upload that are kept", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(hour, placeA)
			artifact := s.make(2 * hour)
			s.putObject(placeA, artifact.Key, 12*mib)
			s.protect(placeA, artifact, hold)
			s.intend(KindBackup, artifact, placeA)
			return s
		}, []string{"note a: 12.0 MiB of an upload interrupted at 2026-11-22 11:30 UTC lie at a under database/1122T100000Z.sql.gz, kept by policy: a temporary hold"}},
	})
}

func TestDiffDoubtsTheClockOfThen(t *testing.T) {
	// scene has one copy too many, at a store with a clock, and moves the time of what is there.
	clocked := func(t *testing.T, has bool, move func(modified, started time.Time) time.Time) *scene {
		s := newScene(t, placeA)
		s.retain(placeA, spec.Retention{KeepLast: 1})
		for _, age := range []time.Duration{3 * hour, hour} {
			artifact := s.have(age, placeA)
			object := s.observed.Destinations[placeA].Objects[artifact.Key]
			object.Modified = move(artifact.EndedAt, artifact.StartedAt)
			s.observed.Destinations[placeA].Objects[artifact.Key] = object
		}
		s.observed.Destinations[placeA].HasClock = has
		return s
	}
	const deleted = "prune time db@a#1122T090000Z: 3h old, keep_last 1; 1 newer verified backup remains [1 remain]"
	runDiffCases(t, []diffCase{
		{"the times agree", func(t *testing.T) *scene {
			return clocked(t, true, func(modified, _ time.Time) time.Time { return modified.Add(5 * time.Minute) })
		}, []string{deleted}},
		{"stored before it began: too old by both times", func(t *testing.T) *scene {
			return clocked(t, true, func(_, started time.Time) time.Time { return started.Add(-10 * time.Minute) })
		}, []string{deleted}},
		{"stored after it was recorded: too old by both times", func(t *testing.T) *scene {
			return clocked(t, true, func(modified, _ time.Time) time.Time { return modified.Add(10 * time.Minute) })
		}, []string{deleted}},
		{"by the store's time the older is the newer: both stay", func(t *testing.T) *scene {
			s := clocked(t, true, func(modified, _ time.Time) time.Time { return modified })
			s.shift(placeA, 3*hour, 150*time.Minute)
			return s
		}, []string{"note db@a: 1 copy of db at a is not deleted yet: by the store's clock 1122T090000Z was stored 2h after it was recorded as stored, so that some clock was wrong then; they go when they are too old by both"}},
		{"by the store's time the newest is the older: both stay", func(t *testing.T) *scene {
			s := clocked(t, true, func(modified, _ time.Time) time.Time { return modified })
			s.shift(placeA, hour, -3*hour)
			return s
		}, []string{"note db@a: 1 copy of db at a is not deleted yet: by the store's clock 1122T110000Z was stored 2h before it began, so that some clock was wrong then; they go when they are too old by both"}},
		{"a store without a clock of its own proves nothing", func(t *testing.T) *scene {
			return clocked(t, false, func(modified, _ time.Time) time.Time { return modified.Add(10 * day) })
		}, []string{deleted}},
	})
}

// shift moves the store's time of the artifact of that age.
func (s *scene) shift(place string, age, by time.Duration) {
	key := "database/" + s.idOf(age) + ".sql.gz"
	object := s.observed.Destinations[place].Objects[key]
	object.Modified = object.Modified.Add(by)
	s.observed.Destinations[place].Objects[key] = object
}

func TestDiffNotesContradictingRules(t *testing.T) {
	month := spec.Retention{KeepWithin: units.Duration(30 * day)}
	ruled := func(retention *spec.Retention, rules providers.Rules) func(*testing.T) *scene {
		return func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(hour, placeA)
			s.spec.Destinations[0].Retention = retention
			s.observed.Destinations[placeA].Rules = &rules
			return s
		}
	}
	runDiffCases(t, []diffCase{
		{"nothing contradicts", ruled(&month, providers.Rules{DeleteAfter: 30 * day, KeepFor: 30 * day}), nil},
		{"the store deletes earlier", ruled(&month, providers.Rules{DeleteAfter: 7 * day}), []string{
			"note a: a deletes objects by a rule of its own when they are 7d old, and copies are to be kept there up to 30d: they will be lost; change one of the two",
		}},
		{"the store deletes what is to be kept for ever", ruled(nil, providers.Rules{DeleteAfter: 365 * day}), []string{
			"note a: a deletes objects by a rule of its own when they are 365d old, and copies are to be kept there forever: they will be lost; change one of the two",
		}},
		{"counted by the schedule", ruled(&spec.Retention{KeepLast: 10}, providers.Rules{DeleteAfter: 9 * day}), []string{
			"note a: a deletes objects by a rule of its own when they are 9d old, and copies are to be kept there up to 10d: they will be lost; change one of the two",
		}},
		{"the store keeps longer", ruled(&month, providers.Rules{KeepFor: 90 * day}), []string{
			"note a: a keeps objects for 90d by a rule of its own, and its retention would delete some after 30d: until then they are kept by policy, and paid for",
		}},
		{"the store keeps, nobody knows how long", ruled(&month, providers.Rules{Keeps: "an immutability policy"}), []string{
			"note a: a has an immutability policy, and for how long cannot be read: what its retention would delete before is kept by policy",
		}},
		{"the store keeps what is deleted", ruled(&month, providers.Rules{SoftDelete: 7 * day}), []string{
			"note a: a can give deleted copies back for 7d, and they are paid for as long",
		}},
		{"where nothing is ever deleted, it does not matter", ruled(nil, providers.Rules{SoftDelete: 7 * day, KeepFor: 90 * day, Keeps: "a legal hold"}), nil},
	})
}

// TestNotesSpeakToPrograms holds the fields of the notes that have a code.
func TestNotesSpeakToPrograms(t *testing.T) {
	s := newScene(t, placeA)
	s.retain(placeA, spec.Retention{KeepWithin: units.Duration(30 * day)})
	old := s.have(31*day, placeA)
	s.have(hour, placeA)
	s.protect(placeA, old, "a temporary hold")
	old.Replicas[0].KeptBy = "a temporary hold"
	s.observed.Destinations[placeA].Rules = &providers.Rules{DeleteAfter: 7 * day, SoftDelete: 7 * day, KeepFor: 90 * day}
	found := map[NoteCode]Note{}
	for _, note := range s.diff().Notes {
		found[note.Code] = note
	}
	for code, want := range map[NoteCode][2]string{StoreDeletes: {"7d", "30d"}, StoreKeeps: {"90d", "30d"}, SoftDelete: {"7d", ""}} {
		if note := found[code]; note.Address != placeA || note.Found != want[0] || note.Declared != want[1] {
			t.Errorf("%s: %+v", code, note)
		}
	}
	if note := found[KeptByPolicy]; len(note.Artifacts) != 1 || note.Artifacts[0] != old.ID {
		t.Errorf("%+v", note)
	}
}

func TestSpansThatRetentionsKeep(t *testing.T) {
	for _, c := range []struct {
		retention         spec.Retention
		interval          time.Duration
		shortest, longest time.Duration
	}{
		{spec.Retention{KeepWithin: units.Duration(30 * day)}, day, 30 * day, 30 * day},
		{spec.Retention{KeepWithin: units.Duration(7 * day), KeepMonthly: 12}, day, 7 * day, 372 * day},
		{spec.Retention{KeepLast: 3}, day, 3 * day, 3 * day},
		{spec.Retention{KeepDaily: 7}, hour, hour, 7 * day},
		{spec.Retention{KeepYearly: 1_000_000}, day, day, 100 * 366 * day},
		{spec.Retention{KeepLast: 2}, 0, 0, 0},
	} {
		if got := shortestKept(&c.retention, c.interval); got != c.shortest {
			t.Errorf("%+v: shortest %s, want %s", c.retention, got, c.shortest)
		}
		if got := longestKept(&c.retention, c.interval); got != c.longest {
			t.Errorf("%+v: longest %s, want %s", c.retention, got, c.longest)
		}
	}
}
