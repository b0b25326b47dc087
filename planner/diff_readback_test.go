package planner

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// reading is a scene whose copies are read back.
func reading(t *testing.T, how spec.ReadBack, places ...string) *scene {
	s := newScene(t, places...)
	s.spec.Backups[0].ReadBack = how
	return s
}

// readAt notes that an artifact's copies were all read back so long ago.
func (s *scene) readAt(artifact *state.Artifact, age time.Duration) *state.Artifact {
	for i := range artifact.Replicas {
		artifact.Replicas[i].ReadBackAt = s.now.Add(-age)
	}
	return artifact
}

var (
	readLatest = spec.ReadBack{Latest: true}
	readAll    = spec.ReadBack{Percent: 100, Every: units.Duration(7 * day)}
	readTenth  = spec.ReadBack{Percent: 10, Every: units.Duration(day)}
)

func TestDiffReadBack(t *testing.T) {
	runDiffCases(t, []diffCase{
		{"latest: what is taken is read back at each destination", func(t *testing.T) *scene {
			s := reading(t, readLatest, placeA, placeB)
			s.have(30*hour, placeA, placeB)
			return s
		}, []string{
			"backup time db: due: last verified backup is 30h old, every 24h to a,b",
			"verify time db@a/read_back: read back once it is stored, read_back latest after db",
			"verify time db@b/read_back: read back once it is stored, read_back latest after db",
		}},
		{"latest: the newest only, and only once", func(t *testing.T) *scene {
			s := reading(t, readLatest, placeA, placeB)
			s.have(3*hour, placeA, placeB)
			s.have(hour, placeA, placeB).Replicas[0].ReadBackAt = s.now.Add(-time.Minute)
			return s
		}, []string{"verify time db@b#1122T110000Z: never read back, read_back latest"}},
		{"latest: what is copied is read back where it went", func(t *testing.T) *scene {
			s := reading(t, readLatest, placeA, placeB)
			s.readAt(s.have(hour, placeA), hour)
			return s
		}, []string{
			"replicate change db@b#1122T110000Z: missing on b; copied from a, no new backup",
			"verify time db@b#1122T110000Z/read_back: read back once it is stored, read_back latest after db@b#1122T110000Z",
		}},
		{"nothing is deleted before what stays was read back", func(t *testing.T) *scene {
			s := reading(t, readLatest, placeA)
			s.retain(placeA, spec.Retention{KeepLast: 1})
			s.have(30*hour, placeA)
			return s
		}, []string{
			"backup time db: due: last verified backup is 30h old, every 24h to a",
			"prune time db@a#1121T060000Z: 30h old, keep_last 1; 1 newer verified backup remains [1 remain] after db,db@a/read_back",
			"verify time db@a/read_back: read back once it is stored, read_back latest after db",
		}},
		{"all: each again after the interval, and not what is deleted", func(t *testing.T) *scene {
			s := reading(t, readAll, placeA)
			s.retain(placeA, spec.Retention{KeepWithin: units.Duration(30 * day)})
			s.have(31*day, placeA)
			s.readAt(s.have(20*day, placeA), 7*day)
			s.readAt(s.have(10*day, placeA), 7*day-time.Second)
			s.have(hour, placeA)
			return s
		}, []string{
			"prune time db@a#1022T120000Z: 31d old, keep_within 30d; 3 newer verified backups remain [3 remain] after db@a#1102T120000Z,db@a#1122T110000Z",
			"verify time db@a#1102T120000Z: last read back 7d ago, every 7d",
			"verify time db@a#1122T110000Z: never read back, every 7d",
		}},
		{"all: what is read for another reason is not read twice", func(t *testing.T) *scene {
			s := reading(t, readAll, placeA)
			touched := s.have(hour, placeA)
			s.putObject(placeA, touched.Key, touched.Stored.Size)
			return s
		}, []string{"verify drift db@a#1122T110000Z: changed since it was written (modified 2026-11-22 11:00 UTC): read back and compared"}},
		{"a share: those first that were proven longest ago, one at least", func(t *testing.T) *scene {
			s := reading(t, readTenth, placeA)
			s.readAt(s.have(9*day, placeA), 2*day)
			s.have(5*day, placeA)
			s.have(hour, placeA)
			return s
		}, []string{"verify time db@a#1117T120000Z: never read back, 10% of 3 copies every 24h"}},
		{"a share: once in an interval", func(t *testing.T) *scene {
			s := reading(t, readTenth, placeA)
			s.readAt(s.have(9*day, placeA), 23*hour)
			s.have(hour, placeA)
			return s
		}, nil},
		{"a destination that cannot be looked at waits", func(t *testing.T) *scene {
			s := reading(t, readAll, placeA)
			s.have(hour, placeA)
			s.observed.Destinations[placeA] = &DestinationView{Err: errNoRoute}
			return s
		}, []string{"blocked drift db@a: a cannot be used: no route to host [failed]"}},
	})
}

func TestDiffComparesTheStoresChecksum(t *testing.T) {
	// set makes a store say something of an object's bytes.
	set := func(s *scene, place, key string, crc32c uint32) {
		object := s.observed.Destinations[place].Objects[key]
		object.CRC32C = &crc32c
		s.observed.Destinations[place].Objects[key] = object
	}
	runDiffCases(t, []diffCase{
		{"equal", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA, placeB)
			artifact.Stored.CRC32C = "0badcafe"
			set(s, placeA, artifact.Key, 0x0badcafe)
			return s
		}, nil},
		{"another one is damage, without a byte being read", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA, placeB)
			artifact.Stored.CRC32C = "0badcafe"
			set(s, placeA, artifact.Key, 0x1badcafe)
			return s
		}, []string{"repair drift db@a#1122T110000Z: the store's checksum is 1badcafe, manifest says 0badcafe: copied again from b"}},
		{"an unrecorded copy with another one is not adopted", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(hour, placeA)
			artifact := s.make(2 * hour)
			artifact.Stored.CRC32C = "0badcafe"
			s.put(placeA, artifact)
			s.seal(placeA, artifact, sceneLineage)
			set(s, placeA, artifact.Key, 0x1badcafe)
			return s
		}, []string{"note a: 1 manifest at a without the described bytes: not a backup"}},
	})
}

// TestATenthReadsEverythingInTenTurns lets time pass, an interval after the other.
func TestATenthReadsEverythingInTenTurns(t *testing.T) {
	for _, copies := range []int{1, 3, 10, 27, 60} {
		s := reading(t, readTenth, placeA)
		s.spec.Backups[0].Schedule = spec.Schedule{Once: true}
		for age := range copies {
			s.have(time.Duration(age+1)*day, placeA)
		}
		read := map[string]int{}
		for turn := 1; turn <= 10; turn++ {
			plan := s.diff()
			if len(plan.Actions) == 0 || len(plan.Actions) > (copies+9)/10 {
				t.Fatalf("%d copies: %d are read in turn %d", copies, len(plan.Actions), turn)
			}
			for _, action := range plan.Actions {
				verify := action.(*Verify)
				read[verify.Artifact]++
				s.document.Find(verify.Artifact).Replicas[0].ReadBackAt = s.now
			}
			if again := s.diff(); len(again.Actions) > 0 {
				t.Fatalf("%d copies: turn %d does not end: %q", copies, turn, lines(again))
			}
			s.now = s.now.Add(day)
		}
		most := 0
		for count := range maps.Values(read) {
			most = max(most, count)
		}
		if len(read) != copies || copies >= 10 && most > 2 {
			t.Errorf("%d copies: %d were read, one of them %d times", copies, len(read), most)
		}
	}
}

// TestSavedReadBack holds what a plan file may say of a copy that does not exist yet.
func TestSavedReadBack(t *testing.T) {
	s := reading(t, readLatest, placeA)
	plan := s.diff()
	checkPlan(t, plan)
	for name, spoil := range map[string]func(*Verify){
		"waits for nothing":     func(v *Verify) { v.After = nil },
		"adopts":                func(v *Verify) { v.Adopt = "database/x" },
		"is of another address": func(v *Verify) { v.Address = database + "@" + placeB + "/read_back" },
		"has an artifact":       func(v *Verify) { v.Artifact = "x" },
	} {
		t.Run(name, func(t *testing.T) {
			spoiled := *plan
			verify := *plan.Actions[1].(*Verify)
			spoil(&verify)
			spoiled.Actions = []Action{plan.Actions[0], &verify}
			if err := check(&spoiled); err == nil {
				t.Error(fmt.Sprint("accepted: ", verify))
			}
		})
	}
}
