package planner

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// model is a tiny world in which plans can be carried out: what lies at the destinations, and the state.
type model struct {
	t         testing.TB
	random    *rand.Rand
	spec      *spec.Spec
	document  *state.Document
	places    map[string]*modelPlace
	described map[string]*described
	now       time.Time
	serial    int
	// taken are the artifacts that were taken last, by backup.
	taken map[string]string
	// condemned is set when an action of the current apply found a copy altered that nothing had shown to be.
	condemned bool
	// refused is set when a store kept what nothing had shown to be kept.
	refused bool
	// failing is the chance that an action dies half way.
	failing float64
}

// modelPlace is a destination.
type modelPlace struct {
	objects  map[string]modelObject
	remnants []providers.Remnant
	err      error
	skew     time.Duration
}

// modelObject is an object; rotten ones are not what was written, whatever their size. Of silent ones nothing shows it but
// reading them.
type modelObject struct {
	size    int64
	version string
	rotten  bool
	silent  bool
	// kept is the rule by which the store keeps it; a hidden one is told only when it is to be deleted.
	kept   string
	hidden bool
}

// shownRule is the rule that a listing shows.
func (o modelObject) shownRule() string {
	if o.hidden {
		return ""
	}
	return o.kept
}

// described is what a manifest says.
type described struct {
	artifact *state.Artifact
	lineage  string
}

// errDied is how an action ends that dies half way.
var errDied = errors.New("died")

func (m *model) next() int {
	m.serial++
	return m.serial
}

func (m *model) put(place, key string, size int64) string {
	version := fmt.Sprint("v", m.next())
	m.places[place].objects[key] = modelObject{size: size, version: version}
	return version
}

// observe sees what lies there, as Observe would.
func (m *model) observe() *Observed {
	observed := &Observed{Destinations: map[string]*DestinationView{}, Sources: map[string]*SourceView{}}
	known := map[objectRef]bool{}
	for _, artifact := range m.document.Artifacts {
		for _, replica := range artifact.Replicas {
			known[objectRef{replica.Destination, state.ManifestKey(artifact.Key)}] = true
		}
	}
	for address, place := range m.places {
		if place.err != nil {
			observed.Destinations[address] = &DestinationView{Err: place.err, Free: -1}
			continue
		}
		view := emptyView()
		view.Skew, view.Remnants = place.skew, slices.Clone(place.remnants)
		for key, object := range place.objects {
			view.Objects[key] = providers.Object{Key: key, Size: object.size, Version: object.version, Modified: m.now, KeptBy: object.shownRule()}
			if !strings.HasSuffix(key, state.ManifestSuffix) || known[objectRef{address, key}] {
				continue
			}
			if object.rotten || m.described[key] == nil {
				view.Manifests[key] = ManifestView{Err: errors.New("unexpected EOF")}
				continue
			}
			said := m.described[key]
			view.Manifests[key] = ManifestView{SHA256: said.artifact.ManifestSHA256, Manifest: &state.Manifest{
				FormatVersion: state.ManifestVersion, Lineage: said.lineage, Description: said.artifact.Description,
			}}
		}
		observed.Destinations[address] = view
	}
	return observed
}

// diff plans on what is seen now.
func (m *model) diff() *Plan {
	m.t.Helper()
	plan := Diff(m.spec, m.document, m.observe(), m.now)
	checkPlan(m.t, plan)
	return plan
}

// apply carries a plan out, in a random order that its dependencies permit, and returns the errors of its actions by address.
func (m *model) apply(plan *Plan) map[string]error {
	m.t.Helper()
	failed := map[string]error{}
	done := map[string]bool{}
	m.condemned, m.refused = false, false
	for len(done) < len(plan.Actions) {
		before := len(done)
		for _, i := range m.random.Perm(len(plan.Actions)) {
			action := plan.Actions[i]
			meta := action.Common()
			if done[meta.Address] || slices.ContainsFunc(meta.After, func(address string) bool { return !done[address] }) {
				continue
			}
			done[meta.Address] = true
			if slices.ContainsFunc(meta.After, func(address string) bool { return failed[address] != nil }) {
				failed[meta.Address] = errors.New("skipped")
			} else if err := m.perform(action); err != nil {
				failed[meta.Address] = err
			}
		}
		if len(done) == before {
			m.t.Fatalf("the dependencies of the plan cannot be met:\n%s", strings.Join(lines(plan), "\n"))
		}
	}
	m.settle()
	return failed
}

// perform carries one action out as the executor does.
func (m *model) perform(action Action) error {
	dies := m.random.Float64() < m.failing
	switch action := action.(type) {
	case *Backup:
		return m.take(action, dies)
	case *Replicate:
		return m.copyTo(KindReplicate, action.Backup, action.Artifact, slices.Concat([]string{action.From}, action.Others), action.To, dies)
	case *Repair:
		return m.copyTo(KindRepair, action.Backup, action.Artifact, slices.Concat([]string{action.From}, action.Others), action.To, dies)
	case *Verify:
		return m.verify(action, dies)
	case *Drill:
		return m.drill(action, dies)
	case *Prune:
		return m.prune(action, dies)
	case *Keep:
		return m.keep(action, dies)
	case *Forget:
		m.removeReplica(action.Artifact, action.Destination)
	case *Sweep:
		return m.cleanUp(action, dies)
	case *Blocked:
	}
	return nil
}

// intend leaves an intent open.
func (m *model) intend(kind Kind, backup, artifact, key string, places ...string) {
	m.document.Intents = append(m.document.Intents, &state.Intent{
		ID: fmt.Sprint("run/", m.next()), Address: backup, Kind: string(kind), BeganAt: m.now,
		Backup: backup, Artifact: artifact, Key: key, Destinations: places,
	})
}

// describe makes a new artifact of a backup.
func (m *model) describe(backup string, start time.Time) *state.Artifact {
	name := strings.TrimPrefix(backup, "backup.")
	id := fmt.Sprintf("%s-%s-%06d", name, start.Format("20060102T150405Z"), m.next())
	artifact := &state.Artifact{
		Description: state.Description{
			ID: id, Backup: backup, Key: name + "/" + id + ".sql", StartedAt: start, EndedAt: start.Add(time.Minute),
			Stored: state.Sums{Size: 1000 + int64(m.next())},
		},
		ManifestSize: 300 + int64(m.next()), ManifestSHA256: "sum of " + id,
	}
	m.described[state.ManifestKey(artifact.Key)] = &described{artifact, m.document.Lineage}
	return artifact
}

func (m *model) take(action *Backup, dies bool) error {
	artifact := m.describe(action.Backup, m.now)
	stop := len(action.Destinations)
	if dies {
		stop = m.random.IntN(len(action.Destinations) + 1)
	}
	for i, place := range action.Destinations {
		if i >= stop {
			switch m.random.IntN(3) {
			case 0:
				m.put(place, artifact.Key, artifact.Stored.Size)
			case 1:
				m.places[place].remnants = append(m.places[place].remnants, providers.Remnant{Key: artifact.Key, Name: fmt.Sprint("part", m.next()), Size: 5})
			}
			continue
		}
		m.putReplica(artifact, place)
	}
	if dies {
		artifact.Replicas = nil
		m.intend(KindBackup, action.Backup, artifact.ID, artifact.Key, action.Destinations...)
		return errDied
	}
	m.document.Artifacts = append(m.document.Artifacts, artifact)
	m.taken[action.Backup] = artifact.ID
	return nil
}

// putReplica writes both objects and records them.
func (m *model) putReplica(artifact *state.Artifact, place string) {
	data := m.put(place, artifact.Key, artifact.Stored.Size)
	manifest := m.put(place, state.ManifestKey(artifact.Key), artifact.ManifestSize)
	m.record(artifact, state.Replica{Destination: place, Version: data, ManifestVersion: manifest, Condition: state.Verified, StoredAt: artifact.EndedAt})
}

// record puts a replica into an artifact in place of the one that is there.
func (m *model) record(artifact *state.Artifact, replica state.Replica) {
	for i := range artifact.Replicas {
		if artifact.Replicas[i].Destination == replica.Destination {
			artifact.Replicas[i] = replica
			return
		}
	}
	artifact.Replicas = append(artifact.Replicas, replica)
	slices.SortFunc(artifact.Replicas, func(a, b state.Replica) int { return strings.Compare(a.Destination, b.Destination) })
}

// isWhole reports whether a copy is what it was written as.
func (m *model) isWhole(artifact *state.Artifact, place string) bool {
	data, hasData := m.places[place].objects[artifact.Key]
	manifest, hasManifest := m.places[place].objects[state.ManifestKey(artifact.Key)]
	return hasData && hasManifest && !data.rotten && !manifest.rotten &&
		data.size == artifact.Stored.Size && manifest.size == artifact.ManifestSize
}

// copyTo copies from the first origin that is whole, as the executor does: what proves bad is recorded as that.
func (m *model) copyTo(kind Kind, backup, id string, from []string, to string, dies bool) error {
	artifact := m.document.Find(id)
	if artifact == nil {
		m.t.Fatalf("the plan copies %s, which the state does not know", id)
	}
	whole := false
	for _, origin := range from {
		replica, ok := artifact.Replica(origin)
		if !ok {
			m.t.Fatalf("the plan copies %s from %s, which has no recorded copy", id, origin)
		}
		if whole = m.isWhole(artifact, origin); whole {
			break
		}
		data := m.places[origin].objects[artifact.Key]
		if !data.silent {
			m.t.Fatalf("the plan copies %s from %s, where it can be seen not to be whole", id, origin)
		}
		replica.Condition = state.Altered
		m.record(artifact, replica)
		m.condemned = true
	}
	if !whole {
		return errors.New("altered everywhere")
	}
	if dies {
		if m.random.IntN(2) == 0 {
			m.put(to, artifact.Key, artifact.Stored.Size)
			delete(m.places[to].objects, state.ManifestKey(artifact.Key))
		} else {
			m.putReplica(&state.Artifact{Description: artifact.Description, ManifestSize: artifact.ManifestSize}, to)
		}
		m.intend(kind, backup, id, artifact.Key, to)
		return errDied
	}
	m.putReplica(artifact, to)
	return nil
}

func (m *model) verify(action *Verify, dies bool) error {
	if dies {
		return errDied
	}
	id := action.Artifact
	if id == "" {
		id = m.taken[action.Backup]
	}
	artifact := m.document.Find(id)
	if artifact == nil {
		if action.Adopt == "" {
			return errors.New("not in the state")
		}
		adopted := *m.described[state.ManifestKey(action.Adopt)].artifact
		adopted.Replicas = nil
		artifact = &adopted
		m.document.Artifacts = append(m.document.Artifacts, artifact)
	}
	objects := m.places[action.Destination].objects
	replica := state.Replica{
		Destination: action.Destination, Condition: state.Verified, StoredAt: artifact.EndedAt, ReadBackAt: m.now,
		Version: objects[artifact.Key].version, ManifestVersion: objects[state.ManifestKey(artifact.Key)].version,
	}
	if before, ok := artifact.Replica(action.Destination); ok {
		replica.KeptBy, replica.KeptUntil = before.KeptBy, before.KeptUntil
	}
	if !m.isWhole(artifact, action.Destination) {
		replica.Condition = state.Altered
		m.record(artifact, replica)
		return errors.New("altered")
	}
	m.record(artifact, replica)
	return nil
}

func (m *model) prune(action *Prune, dies bool) error {
	m.t.Helper()
	remaining := 0
	for _, artifact := range m.document.Artifacts {
		replica, ok := artifact.Replica(action.Destination)
		if ok && artifact.Backup == action.Backup && artifact.ID != action.Artifact && replica.Condition == state.Verified {
			remaining++
		}
	}
	if remaining < action.Remaining && m.condemned {
		return errors.New("fewer would remain than the plan promises")
	}
	if remaining < action.Remaining {
		m.t.Fatalf("%s promises %d remaining, there are %d", action.Address, action.Remaining, remaining)
	}
	objects := m.places[action.Destination].objects
	for _, key := range []string{state.ManifestKey(action.Key), action.Key} {
		switch object := objects[key]; {
		case object.hidden:
			return m.refuse(action)
		case object.kept != "":
			m.t.Fatalf("%s would delete what the store keeps", action.Address)
		}
	}
	for _, object := range []struct{ key, version string }{
		{state.ManifestKey(action.Key), action.ManifestVersion}, {action.Key, action.Version},
	} {
		if found, ok := objects[object.key]; ok && found.version != object.version {
			m.t.Fatalf("%s would delete version %q of %s, which is %q", action.Address, object.version, object.key, found.version)
		}
		delete(objects, object.key)
		if dies && m.random.IntN(2) == 0 {
			break
		}
	}
	if dies {
		m.intend(KindPrune, action.Backup, action.Artifact, action.Key, action.Destination)
		return errDied
	}
	m.removeReplica(action.Artifact, action.Destination)
	return nil
}

// refuse keeps a copy by a rule that nothing showed before. That is no failure.
func (m *model) refuse(action *Prune) error {
	artifact := m.document.Find(action.Artifact)
	replica, _ := artifact.Replica(action.Destination)
	replica.KeptBy, replica.KeptUntil = "a hidden rule", m.now.Add(7*day)
	m.record(artifact, replica)
	m.refused = true
	return nil
}

// keep records that the store keeps a copy.
func (m *model) keep(action *Keep, dies bool) error {
	if dies {
		return errDied
	}
	artifact := m.document.Find(action.Artifact)
	replica, ok := artifact.Replica(action.Destination)
	if !ok || action.By == "" {
		m.t.Fatalf("%s is of no recorded copy, or of no rule", action.Address)
	}
	replica.KeptBy, replica.KeptUntil = action.By, time.Time{}
	m.record(artifact, replica)
	return nil
}

func (m *model) removeReplica(id, place string) {
	artifact := m.document.Find(id)
	artifact.Replicas = slices.DeleteFunc(artifact.Replicas, func(r state.Replica) bool { return r.Destination == place })
	if len(artifact.Replicas) == 0 {
		m.document.Artifacts = slices.DeleteFunc(m.document.Artifacts, func(a *state.Artifact) bool { return a.ID == id })
	}
}

func (m *model) cleanUp(action *Sweep, dies bool) error {
	if action.Scratch != "" {
		if !dies {
			m.document.Intents = slices.DeleteFunc(m.document.Intents, func(intent *state.Intent) bool { return intent.Scratch == action.Scratch })
			return nil
		}
		return errDied
	}
	place := m.places[action.Destination]
	place.remnants = slices.DeleteFunc(place.remnants, func(r providers.Remnant) bool { return slices.Contains(action.Remnants, r.Name) })
	if dies {
		m.intend(KindSweep, action.Backup, "", action.Key, action.Destination)
		return errDied
	}
	if action.Version != "" {
		if _, sealed := place.objects[state.ManifestKey(action.Key)]; sealed {
			m.t.Fatalf("%s would delete bytes that have a manifest", action.Address)
		}
		delete(place.objects, action.Key)
	}
	return nil
}

// settle closes the intents that nothing unfinished is left of.
func (m *model) settle() {
	m.document.Intents = slices.DeleteFunc(m.document.Intents, func(intent *state.Intent) bool {
		if intent.Scratch != "" {
			return false
		}
		for _, address := range intent.Destinations {
			place := m.places[address]
			_, data := place.objects[intent.Key]
			_, sealed := place.objects[state.ManifestKey(intent.Key)]
			if place.err != nil || data && !sealed || slices.ContainsFunc(place.remnants, func(r providers.Remnant) bool { return r.Key == intent.Key }) {
				return false
			}
		}
		return true
	})
}
