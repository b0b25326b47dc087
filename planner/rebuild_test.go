package planner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/destination/local"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// lay puts a complete copy of an artifact down at places, with its manifest.
func (s *scene) lay(artifact *state.Artifact, lineage string, places ...string) *state.Artifact {
	for _, place := range places {
		s.put(place, artifact)
		s.seal(place, artifact, lineage)
	}
	return artifact
}

// checksum gives an object at a place the checksum of its store.
func (s *scene) checksum(place, key string, sum uint32) {
	objects := s.observed.Destinations[place].Objects
	object := objects[key]
	object.CRC32C = &sum
	objects[key] = object
}

// rebuildLines prints a rebuilding shortly.
func rebuildLines(r *Rebuilding) []string {
	var all []string
	for _, addition := range r.Added {
		for _, copied := range addition.Copies {
			line := fmt.Sprintf("%s %s at %s: %s", short(addition.Artifact.Backup), short(addition.Artifact.ID), short(copied.Destination), copied.Condition)
			if copied.Problem != "" {
				line += " " + short(copied.Problem)
			}
			if addition.Recorded {
				line += " (recorded)"
			}
			all = append(all, line)
		}
	}
	for _, left := range r.LeftOut {
		all = append(all, "left out "+short(left.Destination)+" "+short(left.Key)+": "+short(left.Problem))
	}
	for _, other := range r.Others {
		all = append(all, fmt.Sprintf("other %s: %d", other.ID, other.Artifacts))
	}
	for _, absent := range r.Absent {
		all = append(all, "absent "+short(absent.Artifact)+" at "+short(absent.Destination))
	}
	return all
}

// rebuilt rebuilds, and holds the result against what every state promises.
func (s *scene) rebuilt(lineages ...string) *Rebuilding {
	s.t.Helper()
	r, err := Rebuild(s.spec, s.document, s.observed, lineages, s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	if r.Document.Lineage == "" {
		return r
	}
	if _, err := state.Encode(r.Document); err != nil {
		s.t.Fatalf("it is no state: %v", err)
	}
	return r
}

// lost makes a state that was never written.
func (s *scene) lost() *scene {
	s.document = &state.Document{Version: state.Version}
	return s
}

func TestRebuild(t *testing.T) {
	for name, test := range map[string]struct {
		arrange  func(s *scene)
		lineages []string
		lineage  string
		want     []string
	}{
		"a lost state": {func(s *scene) {
			s.lay(s.lost().make(hour), "L", placeA, placeB)
			s.lay(s.make(2*hour), "L", placeB)
		}, nil, "L", []string{
			"db 1122T100000Z at b: unproven",
			"db 1122T110000Z at a: unproven",
			"db 1122T110000Z at b: unproven",
		}},
		"the store's checksums": {func(s *scene) {
			artifact := s.lost().make(hour)
			artifact.Stored.CRC32C = "0000abcd"
			s.lay(artifact, "L", placeA, placeB, placeC)
			s.checksum(placeA, artifact.Key, 0xabcd)
			s.checksum(placeB, artifact.Key, 0xabce)
		}, nil, "L", []string{
			"db 1122T110000Z at a: verified",
			"db 1122T110000Z at b: altered the store's checksum is 0000abce, manifest says 0000abcd",
			"db 1122T110000Z at c: unproven",
		}},
		"a wrong size and no bytes": {func(s *scene) {
			artifact := s.lay(s.lost().make(hour), "L", placeA, placeB, placeC)
			s.putObject(placeB, artifact.Key, 12*mib)
			s.lose(placeC, artifact.Key)
		}, nil, "L", []string{
			"db 1122T110000Z at a: unproven",
			"db 1122T110000Z at b: altered size 12.0 MiB, manifest says 505 MiB",
			"db 1122T110000Z at c: altered gone from c, only its manifest is left",
		}},
		"no good copy": {func(s *scene) {
			artifact := s.lay(s.lost().make(hour), "L", placeA, placeB)
			s.putObject(placeA, artifact.Key, 12*mib)
			s.lose(placeB, artifact.Key)
		}, nil, "L", []string{
			"left out a database/1122T110000Z.sql.gz.manifest.json: size 12.0 MiB, manifest says 505 MiB, and no other copy of 1122T110000Z is good",
			"left out b database/1122T110000Z.sql.gz.manifest.json: gone from b, only its manifest is left, and no other copy of 1122T110000Z is good",
		}},
		"two contents": {func(s *scene) {
			artifact := s.lost().make(hour)
			s.lay(artifact, "L", placeA, placeB)
			other := *artifact
			other.ManifestSHA256 = "another"
			s.lay(&other, "L", placeC)
			s.lay(s.make(2*hour), "L", placeC)
		}, nil, "L", []string{
			"db 1122T100000Z at c: unproven",
			"left out a database/1122T110000Z.sql.gz.manifest.json: the manifest of 1122T110000Z says something else at c",
			"left out b database/1122T110000Z.sql.gz.manifest.json: the manifest of 1122T110000Z says something else at c",
			"left out c database/1122T110000Z.sql.gz.manifest.json: the manifest of 1122T110000Z says something else at a, b",
		}},
		"other content than recorded": {func(s *scene) {
			artifact := s.have(hour, placeA)
			other := *artifact
			other.ManifestSHA256, other.Replicas = "another", nil
			s.lay(&other, sceneLineage, placeB)
		}, nil, sceneLineage, []string{
			"left out b database/1122T110000Z.sql.gz.manifest.json: it is not the manifest that the state records for 1122T110000Z",
		}},
		"a damaged manifest beside a good one": {func(s *scene) {
			artifact := s.lay(s.lost().make(hour), "L", placeA, placeB)
			_, damage := state.DecodeManifest([]byte("{"))
			s.observed.Destinations[placeB].Manifests[state.ManifestKey(artifact.Key)] = ManifestView{Err: damage}
		}, nil, "L", []string{
			"db 1122T110000Z at a: unproven",
			"db 1122T110000Z at b: altered its manifest is damaged: the manifest is damaged: it ends in the middle, at byte 1",
		}},
		"manifests that nobody can read": {func(s *scene) {
			s.lay(s.lost().make(hour), "L", placeA)
			s.observed.Destinations[placeB].Manifests["database/x.manifest.json"] = ManifestView{Err: &state.NewerError{Format: 9, Supported: 1}}
			_, damage := state.DecodeManifest(nil)
			s.observed.Destinations[placeB].Manifests["database/y.manifest.json"] = ManifestView{Err: damage}
		}, nil, "L", []string{
			"db 1122T110000Z at a: unproven",
			"left out b database/x.manifest.json: written by a newer imsctl (format 9, this one reads 1): upgrade imsctl",
			"left out b database/y.manifest.json: the manifest is empty",
		}},
		"a manifest in the wrong place": {func(s *scene) {
			artifact := s.lay(s.lost().make(hour), "L", placeA)
			manifests := s.observed.Destinations[placeB].Manifests
			manifests["database/copy.manifest.json"] = s.observed.Destinations[placeA].Manifests[state.ManifestKey(artifact.Key)]
			s.lay(s.makeOf("other", hour), "L", placeC)
		}, nil, "L", []string{
			"db 1122T110000Z at a: unproven",
			"left out b database/copy.manifest.json: it describes database/1122T110000Z.sql.gz, which is another object",
			"left out c other/other-20261122T110000Z.sql.gz.manifest.json: it is one of backup.other, which is not declared, or not with this folder: a moved block or an import block takes it over",
		}},
		"a lineage of two": {func(s *scene) {
			s.lay(s.lost().make(hour), "new", placeA)
			s.lay(s.make(2*hour), "old", placeA)
			s.lay(s.make(3*hour), "old", placeA)
		}, []string{"old"}, "old", []string{
			"db 1122T090000Z at a: unproven",
			"db 1122T100000Z at a: unproven",
			"other new: 1",
		}},
		"both lineages": {func(s *scene) {
			s.lay(s.lost().make(hour), "new", placeA)
			s.lay(s.make(2*hour), "old", placeA)
		}, []string{"old", "new"}, "old", []string{
			"db 1122T100000Z at a: unproven",
			"db 1122T110000Z at a: unproven",
		}},
		"a state keeps its lineage": {func(s *scene) {
			s.have(hour, placeA)
			s.lay(s.make(2*hour), "old", placeA)
		}, nil, sceneLineage, []string{"other old: 1"}},
		"a state takes another one too": {func(s *scene) {
			s.have(hour, placeA)
			s.lay(s.make(2*hour), "old", placeA)
		}, []string{"old"}, sceneLineage, []string{"db 1122T100000Z at a: unproven"}},
		"a copy that was not recorded": {func(s *scene) {
			s.lay(s.have(hour, placeA), sceneLineage, placeB)
		}, nil, sceneLineage, []string{"db 1122T110000Z at b: unproven (recorded)"}},
		"a recorded copy that is gone": {func(s *scene) {
			s.loseCopy(placeB, s.have(hour, placeA, placeB))
		}, nil, sceneLineage, []string{"absent 1122T110000Z at b"}},
		"a recorded copy out of sight": {func(s *scene) {
			s.loseCopy(placeB, s.have(hour, placeA, placeB))
			s.observed.Destinations[placeB] = &DestinationView{Err: errNoRoute}
		}, nil, sceneLineage, nil},
		"a backup that was renamed": {func(s *scene) {
			s.spec.Moves = []spec.Move{{From: "backup.wiki", To: database}}
			s.lay(s.lost().makeOf("wiki", hour), "L", placeA)
		}, nil, "L", []string{"db wiki-20261122T110000Z at a: unproven"}},
		"an import": {func(s *scene) {
			artifact := s.makeOf("wiki", hour)
			s.spec.Imports = []spec.Import{{To: database, ID: artifact.ID}}
			s.have(2*hour, placeB)
			s.lay(artifact, "another", placeA)
		}, nil, sceneLineage, []string{"db wiki-20261122T110000Z at a: unproven"}},
		"nothing": {func(s *scene) { s.lost() }, nil, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, placeA, placeB, placeC)
			test.arrange(s)
			before := fmt.Sprint(s.document.Artifacts)
			got := s.rebuilt(test.lineages...)
			if difference := cmp.Diff(test.want, rebuildLines(got)); difference != "" {
				t.Errorf("(-want +got):\n%s", difference)
			}
			if got.Document.Lineage != test.lineage {
				t.Errorf("the lineage is %q, want %q", got.Document.Lineage, test.lineage)
			}
			if after := fmt.Sprint(s.document.Artifacts); after != before {
				t.Errorf("the state that was given is changed: %s, before %s", after, before)
			}
			for range 5 {
				if difference := cmp.Diff(got, s.rebuilt(test.lineages...), cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })); difference != "" {
					t.Fatalf("the next time it differs:\n%s", difference)
				}
			}
		})
	}
}

func TestRebuildOfWhichLineage(t *testing.T) {
	s := newScene(t, placeA).lost()
	s.lay(s.make(hour), "new", placeA)
	s.lay(s.make(2*hour), "old", placeA)
	_, err := Rebuild(s.spec, s.document, s.observed, nil, s.now)
	var unclear *LineageError
	if !errors.As(err, &unclear) || len(unclear.Found) != 2 || unclear.Found[0].ID != "new" || !strings.Contains(err.Error(), "old: 1 artifact, the newest of 2026-11-22 10:00 UTC") {
		t.Errorf("%v", err)
	}
	if _, err := Rebuild(s.spec, s.document, s.observed, []string{"other"}, s.now); err == nil || !strings.Contains(err.Error(), "there is new, old") {
		t.Errorf("%v", err)
	}
}

// What was rebuilt and then read back needs nothing else.
func TestPlanAfterRebuild(t *testing.T) {
	s := newScene(t, placeA, placeB).lost()
	s.lay(s.make(hour), "L", placeA, placeB)
	s.document = s.rebuilt().Document
	plan := s.diff()
	if plan.Count(KindVerify) != 2 || len(plan.Actions) != 2 || len(plan.Notes) != 0 {
		t.Fatalf("%q", lines(plan))
	}
	if reason := plan.Actions[0].Common(); reason.Cause != CauseTime || !strings.Contains(reason.Reason, "never read") {
		t.Errorf("%+v", reason)
	}
	if reconciled := Reconcile(s.spec, s.document, s.observed, s.now); reconciled.Count(KindVerify) != 2 {
		t.Errorf("%q", lines(reconciled))
	}
	for i := range s.document.Artifacts[0].Replicas {
		s.document.Artifacts[0].Replicas[i].Condition = state.Verified
	}
	if plan := s.diff(); plan.HasChanges() {
		t.Errorf("%q", lines(plan))
	}
	// Nobody deletes a copy for the sake of others that nobody has read, and a copy that is gone is none.
	s.document.Artifacts[0].Replicas[0].Condition = state.Unproven
	s.loseCopy(placeA, s.document.Artifacts[0])
	if plan := s.diff(); plan.Count(KindRepair) != 1 {
		t.Errorf("%q", lines(plan))
	}
}

// openLocal makes a destination in an empty folder.
func openLocal(t testing.TB) providers.Destination {
	t.Helper()
	config := &local.Config{Path: t.TempDir()}
	destination, err := config.Destination(environment(t))
	if err != nil {
		t.Fatal(err)
	}
	return destination
}

// Everything in the folders of the backups is looked at, at every destination that is declared, under every name.
func TestObserveCopies(t *testing.T) {
	s := newScene(t, placeA, placeB)
	s.spec.Backups[0].To = []string{placeA}
	s.spec.Moves = []spec.Move{{From: `backup.trees["EU 1"]`, To: database}, {From: "destination.local.x", To: placeA}}
	world := worldOf(s, map[string]providers.Destination{placeA: openLocal(t), placeB: openLocal(t)})
	data := []byte("data")
	artifact, manifest := sealed(t, s, hour, data, "L")
	for _, place := range []string{placeA, placeB} {
		store(t, world.Destinations[place], artifact.Key, data)
		store(t, world.Destinations[place], state.ManifestKey(artifact.Key), manifest)
		store(t, world.Destinations[place], "elsewhere/x.manifest.json", manifest)
		store(t, world.Destinations[place], "trees.%45%55%201/x.manifest.json", manifest)
	}
	// What the state records is read all the same.
	artifact.Replicas = []state.Replica{{Destination: placeA, Condition: state.Verified}}
	s.document.Artifacts = []*state.Artifact{artifact}
	for _, only := range [][]string{nil, {placeB}} {
		observed, err := ObserveCopies(t.Context(), s.spec, s.document, world, environment(t).Clock, only, ObserveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(only) == 0 && observed.Destinations[placeA] == nil || len(only) > 0 && observed.Destinations[placeA] != nil {
			t.Errorf("of %q: %v", only, observed.Destinations)
		}
		view := observed.Destinations[placeB]
		want := []string{state.ManifestKey(artifact.Key), "trees.%45%55%201/x.manifest.json"}
		var got []string
		for key := range view.Manifests {
			got = append(got, key)
		}
		slices.Sort(got)
		if view.Err != nil || !slices.Equal(got, want) || view.Manifests[want[0]].Manifest.ID != artifact.ID {
			t.Errorf("%v, %q", view.Err, got)
		}
	}
}
