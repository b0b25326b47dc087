package planner

import (
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

func TestDiffPrune(t *testing.T) {
	week := spec.Retention{KeepWithin: units.Duration(7 * day)}
	runDiffCases(t, []diffCase{
		{"too old and newer ones remain", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.retain(placeA, week)
			s.have(9*day, placeA, placeB)
			s.have(6*day, placeA, placeB)
			s.have(hour, placeA, placeB)
			return s
		}, []string{"prune time db@a#1113T120000Z: 9d old, keep_within 7d; 2 newer verified backups remain [2 remain]"}},
		{"the newest stays, however old", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.spec.Backups[0].Schedule = spec.Schedule{Once: true}
			s.retain(placeA, week)
			s.have(90*day, placeA)
			s.have(80*day, placeA)
			return s
		}, []string{"prune time db@a#0824T120000Z: 90d old, keep_within 7d; 1 newer verified backup remains [1 remain]"}},
		{"a planned backup counts as the newest, and is waited for", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, spec.Retention{KeepLast: 1})
			s.have(30*hour, placeA)
			return s
		}, []string{
			"backup time db: due: last verified backup is 30h old, every 24h to a",
			"prune time db@a#1121T060000Z: 30h old, keep_last 1; 1 newer verified backup remains [1 remain] after db",
		}},
		{"a backup that cannot be taken deletes nothing in its stead", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, spec.Retention{KeepLast: 1})
			s.have(30*hour, placeA)
			s.observed.Sources["source.command.database"] = &SourceView{Err: errNoRoute}
			return s
		}, []string{"blocked time db: due: last verified backup is 30h old, every 24h; but source.command.database cannot be read: no route to host [failed]"}},
		{"an altered newest does not push out a good one", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, spec.Retention{KeepLast: 1})
			s.have(3*hour, placeA)
			s.putObject(placeA, s.have(hour, placeA).Key, 1)
			return s
		}, []string{
			"note db@a#1122T110000Z: the copy of 1122T110000Z at a is damaged and cannot be repaired, because no good copy is left: size 1 B, manifest says 505 MiB; it is kept and does not count as a backup",
		}},
		{"a changed newest pushes out an older one only after it was read back", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, spec.Retention{KeepLast: 1})
			s.have(3*hour, placeA)
			newest := s.have(hour, placeA)
			s.putObject(placeA, newest.Key, newest.Stored.Size)
			return s
		}, []string{
			"prune time db@a#1122T090000Z: 3h old, keep_last 1; 1 newer verified backup remains [1 remain] after db@a#1122T110000Z",
			"verify drift db@a#1122T110000Z: changed since it was written (modified 2026-11-22 11:00 UTC): read back and compared",
		}},
		{"a replicated newest pushes out an older one only after it was copied", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.retain(placeB, spec.Retention{KeepLast: 1})
			s.have(3*hour, placeA, placeB)
			s.have(hour, placeA)
			return s
		}, []string{
			"prune time db@b#1122T090000Z: 3h old, keep_last 1; 1 newer verified backup remains [1 remain] after db@b#1122T110000Z",
			"replicate change db@b#1122T110000Z: missing on b; copied from a, no new backup",
		}},
		{"a copy that another is repaired from goes after the repair", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.retain(placeA, week)
			old := s.have(9*day, placeA, placeB)
			s.loseCopy(placeB, old)
			s.have(hour, placeA, placeB)
			return s
		}, []string{
			"prune time db@a#1113T120000Z: 9d old, keep_within 7d; 1 newer verified backup remains [1 remain] after db@b#1113T120000Z",
			"repair drift db@b#1113T120000Z: gone from b: copied again from a",
		}},
		{"max_deletes: the oldest go first, the rest waits and still counts", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, spec.Retention{KeepLast: 1, MaxDeletes: 2})
			for age := 5; age >= 1; age-- {
				s.have(time.Duration(age)*hour, placeA)
			}
			return s
		}, []string{
			"prune time db@a#1122T070000Z: 5h old, keep_last 1; 1 newer verified backup remains [3 remain]",
			"prune time db@a#1122T080000Z: 4h old, keep_last 1; 1 newer verified backup remains [3 remain]",
			"blocked time db@a/retention: 2 more would be pruned; max_deletes is 2",
		}},
		{"the store's clock differs", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, week)
			s.have(9*day, placeA)
			s.have(hour, placeA)
			s.observed.Destinations[placeA].Skew = -7 * time.Minute
			return s
		}, []string{"blocked time db@a/retention: clock of a differs by 7m: nothing is deleted [failed]"}},
		{"the store's clock differs a little", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, week)
			s.have(9*day, placeA)
			s.have(hour, placeA)
			s.observed.Destinations[placeA].Skew = 5 * time.Minute
			return s
		}, []string{"prune time db@a#1113T120000Z: 9d old, keep_within 7d; 1 newer verified backup remains [1 remain]"}},
		{"an artifact from the future: nothing is deleted", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, spec.Retention{KeepLast: 1})
			s.have(2*hour, placeA)
			s.have(hour, placeA)
			s.have(-hour, placeA)
			return s
		}, []string{
			"blocked time db@a/retention: 1122T130000Z started in the future (2026-11-22 13:00 UTC), so that some clock is wrong: nothing is deleted [failed]",
			"note db: 1 artifact of db started in the future (2026-11-22 13:00 UTC): the clock of this machine or of the one that took them is wrong",
		}},
		{"nothing is deleted where nothing can be seen", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.retain(placeB, week)
			s.have(9*day, placeA, placeB)
			s.have(hour, placeA, placeB)
			s.observed.Destinations[placeB] = &DestinationView{Err: errNoRoute}
			return s
		}, []string{"blocked drift db@b: b cannot be used: no route to host [failed] [degraded]"}},
		{"a destination that is not in `to` and a backup that is not declared are left alone", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.retain(placeB, week)
			for _, age := range []time.Duration{9 * day, 8 * day, hour} {
				s.have(age, placeA, placeB)
			}
			s.spec.Backups[0].To = []string{placeA}
			return s
		}, []string{"note db@b: 3 copies of db at b, which its `to` does not list any more: kept"}},
		{"a copy that is adopted is not deleted by the same plan", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, week)
			s.have(hour, placeA)
			old := s.make(9 * day)
			s.put(placeA, old)
			s.seal(placeA, old, sceneLineage)
			return s
		}, []string{"verify drift db@a#1113T120000Z: complete but not recorded, and its manifest belongs to this state: read back, then recorded"}},
		{"without looking, the recorded versions are deleted", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.retain(placeA, week)
			s.have(9*day, placeA)
			s.have(hour, placeA)
			s.observed = nil
			return s
		}, []string{"prune time db@a#1113T120000Z: 9d old, keep_within 7d; 1 newer verified backup remains [1 remain]"}},
	})
}

func TestPruneNamesTheObjectsThatWereSeen(t *testing.T) {
	s := newScene(t, placeA)
	s.retain(placeA, spec.Retention{KeepLast: 1})
	old := s.have(3*hour, placeA)
	s.have(hour, placeA)
	s.putObject(placeA, old.Key, old.Stored.Size)
	prune, ok := s.diff().Actions[0].(*Prune)
	if !ok {
		t.Fatal("the first action is no prune")
	}
	objects := s.observed.Destinations[placeA].Objects
	if prune.Key != old.Key || prune.Version != objects[old.Key].Version || prune.ManifestVersion != objects[state.ManifestKey(old.Key)].Version {
		t.Errorf("got %+v, want the versions in %+v", prune, objects)
	}
}

func TestBackupPredictsFromTheLastVerifiedOne(t *testing.T) {
	s := newScene(t, placeA)
	s.have(30*hour, placeA)
	backup, ok := s.diff().Actions[0].(*Backup)
	if !ok || backup.Bytes != 505*mib || backup.Seconds != 130 {
		t.Errorf("got %+v, want 505 MiB and 130 s", backup)
	}
}

func TestFingerprintsMoveOnlyWithTheirOwnBackup(t *testing.T) {
	s := newScene(t, placeA)
	s.declare("other", placeA)
	first := s.diff().Fingerprints
	s.have(hour, placeA)
	second := s.diff().Fingerprints
	if first["backup.other"] != second["backup.other"] {
		t.Error("the fingerprint of backup.other moved with backup.database")
	}
	if _, ok := second[database]; ok {
		t.Error("a backup without actions has a fingerprint")
	}
	if first[database] == s.document.Fingerprints()[database] {
		t.Error("the fingerprint of backup.database did not move with its new artifact")
	}
}
