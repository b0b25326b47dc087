package planner

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Names that most scenes use.
const (
	database = "backup.database"
	placeA   = "destination.local.a"
	placeB   = "destination.local.b"
	placeC   = "destination.local.c"
	mib      = int64(1 << 20)
	hour     = time.Hour
	day      = 24 * time.Hour
)

var (
	sceneNow     = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	errNoRoute   = errors.New("no route to host")
	sceneLineage = "11111111-2222"
)

// scene is a specification, a state and an observation that agree until a test makes them differ.
type scene struct {
	t        testing.TB
	spec     *spec.Spec
	document *state.Document
	observed *Observed
	now      time.Time
	versions int
}

// newScene declares backup.database of source.command.database, due every 24 hours, at the given destinations.
func newScene(t testing.TB, places ...string) *scene {
	s := &scene{
		t: t, now: sceneNow,
		spec:     &spec.Spec{Digest: "digest", Location: time.UTC},
		document: &state.Document{Version: state.Version, Lineage: sceneLineage, Serial: 7},
		observed: &Observed{Destinations: map[string]*DestinationView{}, Sources: map[string]*SourceView{}},
	}
	s.declare("database", places...)
	return s
}

// declare adds a backup, with one copy as the least that makes it a success.
func (s *scene) declare(name string, places ...string) *spec.Backup {
	backup := &spec.Backup{
		Address: "backup." + name, Name: name, Source: "source.command." + name, To: places,
		Compression: "compression.balanced", Schedule: spec.Schedule{Every: units.Duration(day)}, MinCopies: 1,
	}
	s.spec.Backups = append(s.spec.Backups, backup)
	for _, place := range places {
		if s.observed.Destinations[place] == nil {
			s.spec.Destinations = append(s.spec.Destinations, &spec.Destination{Address: place, Type: "local"})
			s.observed.Destinations[place] = emptyView()
		}
	}
	return backup
}

func emptyView() *DestinationView {
	return &DestinationView{Free: -1, Objects: map[string]providers.Object{}, Manifests: map[string]ManifestView{}}
}

// retain sets a destination's retention.
func (s *scene) retain(place string, retention spec.Retention) {
	for _, destination := range s.spec.Destinations {
		if destination.Address == place {
			destination.Retention = &retention
		}
	}
}

// idOf names the artifact of backup.database of that age.
func (s *scene) idOf(age time.Duration) string {
	return "database-" + s.now.Add(-age).Format("20060102T150405Z") + "-abcdef"
}

// make returns an artifact of backup.database of that age, without copies.
func (s *scene) make(age time.Duration) *state.Artifact {
	id := s.idOf(age)
	start := s.now.Add(-age)
	return &state.Artifact{
		Description: state.Description{
			ID: id, Backup: database, Source: "source.command.database", SourceType: "command",
			StartedAt: start, EndedAt: start.Add(130 * time.Second),
			Raw: state.Sums{Size: 900 * mib}, Stored: state.Sums{Size: 505 * mib}, Key: "database/" + id + ".sql.gz",
		},
		ManifestSize: 700, ManifestSHA256: "sum of " + id,
	}
}

// makeOf returns an artifact of another backup.
func (s *scene) makeOf(name string, age time.Duration) *state.Artifact {
	artifact := s.make(age)
	artifact.ID = name + strings.TrimPrefix(artifact.ID, "database")
	artifact.Backup, artifact.Key = "backup."+name, name+"/"+artifact.ID+".sql.gz"
	artifact.ManifestSHA256 = "sum of " + artifact.ID
	return artifact
}

// haveOf records an artifact of another backup, and puts its copies where they are recorded.
func (s *scene) haveOf(name string, age time.Duration, places ...string) *state.Artifact {
	return s.keep(s.makeOf(name, age), places...)
}

// have records an artifact with verified copies at those places, and puts the copies there.
func (s *scene) have(age time.Duration, places ...string) *state.Artifact {
	return s.keep(s.make(age), places...)
}

// keep records an artifact, and puts its copies where they are recorded.
func (s *scene) keep(artifact *state.Artifact, places ...string) *state.Artifact {
	for _, place := range places {
		data, manifest := s.put(place, artifact)
		artifact.Replicas = append(artifact.Replicas, state.Replica{
			Destination: place, Version: data, ManifestVersion: manifest, Condition: state.Verified,
			StoredAt: artifact.EndedAt, VerifiedAt: artifact.EndedAt,
		})
	}
	s.document.Artifacts = append(s.document.Artifacts, artifact)
	return artifact
}

// put lays the two objects of an artifact down at a place and returns their versions.
func (s *scene) put(place string, artifact *state.Artifact) (data, manifest string) {
	s.putObject(place, artifact.Key, artifact.Stored.Size)
	s.putObject(place, state.ManifestKey(artifact.Key), artifact.ManifestSize)
	objects := s.observed.Destinations[place].Objects
	return objects[artifact.Key].Version, objects[state.ManifestKey(artifact.Key)].Version
}

func (s *scene) putObject(place, key string, size int64) {
	s.versions++
	s.observed.Destinations[place].Objects[key] = providers.Object{
		Key: key, Size: size, Version: fmt.Sprint("v", s.versions), Modified: s.now.Add(-hour),
	}
}

// seal makes the manifest of an artifact at a place one that was read and belongs to a lineage.
func (s *scene) seal(place string, artifact *state.Artifact, lineage string) {
	s.observed.Destinations[place].Manifests[state.ManifestKey(artifact.Key)] = ManifestView{
		Manifest: &state.Manifest{FormatVersion: state.ManifestVersion, Lineage: lineage, Description: artifact.Description},
		SHA256:   artifact.ManifestSHA256,
	}
}

// protect lets a store keep an artifact's bytes.
func (s *scene) protect(place string, artifact *state.Artifact, rule string) {
	object := s.observed.Destinations[place].Objects[artifact.Key]
	object.KeptBy = rule
	s.observed.Destinations[place].Objects[artifact.Key] = object
}

// lose removes objects from a place.
func (s *scene) lose(place string, keys ...string) {
	for _, key := range keys {
		delete(s.observed.Destinations[place].Objects, key)
	}
}

// loseCopy removes both objects of an artifact from a place.
func (s *scene) loseCopy(place string, artifact *state.Artifact) {
	s.lose(place, artifact.Key, state.ManifestKey(artifact.Key))
}

// intend records an interrupted action on an artifact, begun half an hour ago.
func (s *scene) intend(kind Kind, artifact *state.Artifact, places ...string) {
	s.document.Intents = append(s.document.Intents, &state.Intent{
		ID: "run/" + string(kind) + artifact.ID, Run: "run", Address: database, Kind: string(kind),
		BeganAt: s.now.Add(-30 * time.Minute), Backup: database, Artifact: artifact.ID, Key: artifact.Key, Destinations: places,
	})
}

// diff makes the plan.
func (s *scene) diff() *Plan {
	s.t.Helper()
	plan := Diff(s.spec, s.document, s.observed, s.now)
	checkPlan(s.t, plan)
	return plan
}

// checkPlan holds a plan against what every plan promises.
func checkPlan(t testing.TB, plan *Plan) {
	t.Helper()
	if err := check(plan); err != nil {
		t.Fatalf("the plan is not one that could be saved: %v\n%s", err, strings.Join(lines(plan), "\n"))
	}
	for _, action := range plan.Actions {
		if meta := action.Common(); meta.Reason == "" || strings.ContainsAny(meta.Reason, "\n\t") || strings.HasSuffix(meta.Reason, ".") {
			t.Fatalf("%s: the reason %q is not one sentence without a full stop", meta.Address, meta.Reason)
		}
	}
}

// lines prints a plan shortly: one line for each action and each note.
func lines(plan *Plan) []string {
	var all []string
	for _, action := range plan.Actions {
		meta := action.Common()
		line := fmt.Sprintf("%s %s %s: %s", action.Kind(), meta.Cause, short(meta.Address), short(meta.Reason))
		switch action := action.(type) {
		case *Backup:
			line += " to " + short(strings.Join(action.Destinations, ","))
		case *Prune:
			line += fmt.Sprintf(" [%d remain]", action.Remaining)
		case *Blocked:
			if action.Failed {
				line += " [failed]"
			}
			if action.Degraded {
				line += " [degraded]"
			}
		case *Sweep:
			line += fmt.Sprintf(" [version %q, remnants %q]", action.Version, action.Remnants)
		}
		if len(meta.After) > 0 {
			line += " after " + short(strings.Join(meta.After, ","))
		}
		all = append(all, line)
	}
	for _, note := range plan.Notes {
		all = append(all, "note "+short(note.Address)+": "+short(note.Text))
	}
	return all
}

// short leaves out of addresses and ids what is the same in all scenes.
func short(text string) string {
	return strings.NewReplacer("backup.database", "db", "destination.local.", "", "database-2026", "", "-abcdef", "").Replace(text)
}
