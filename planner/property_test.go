package planner

import (
	"bytes"
	"fmt"
	"math/rand/v2"
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

// newModel makes a random world: backups, destinations, retentions, artifacts, damage, interrupted applies.
func newModel(t testing.TB, seed uint64) *model {
	random := rand.New(rand.NewPCG(seed, 77))
	m := &model{
		t: t, random: random, now: sceneNow, places: map[string]*modelPlace{}, described: map[string]*described{}, taken: map[string]string{},
		spec:     &spec.Spec{Digest: "digest", Location: time.UTC},
		document: &state.Document{Version: state.Version, Lineage: sceneLineage},
	}
	places := []string{placeA, placeB, placeC}[:1+random.IntN(3)]
	for _, place := range places {
		m.places[place] = &modelPlace{objects: map[string]modelObject{}}
		declared := &spec.Destination{Address: place}
		if random.IntN(4) > 0 {
			declared.Retention = randomRetention(random)
			if random.IntN(4) == 0 {
				declared.Retention.MaxDeletes = 1 + random.IntN(2)
			}
		}
		m.spec.Destinations = append(m.spec.Destinations, declared)
	}
	for i := range 1 + random.IntN(2) {
		name := string(rune('a' + i))
		to := slices.Clone(places)
		random.Shuffle(len(to), func(i, j int) { to[i], to[j] = to[j], to[i] })
		m.spec.Backups = append(m.spec.Backups, &spec.Backup{
			Address: "backup." + name, Name: name, Source: "source.x." + name, To: to[:1+random.IntN(len(to))],
			Schedule: spec.Schedule{Every: units.Duration(day)}, MinCopies: 1, Compression: "compression.balanced",
			BackfillAll: random.IntN(3) == 0, ReadBack: randomReadBack(random),
		})
		m.populate(m.spec.Backups[i])
	}
	m.declareDrills(rand.New(rand.NewPCG(seed, 78)))
	slices.SortFunc(m.document.Artifacts, func(a, b *state.Artifact) int {
		return strings.Compare(a.Backup+a.StartedAt.Format(time.RFC3339)+a.ID, b.Backup+b.StartedAt.Format(time.RFC3339)+b.ID)
	})
	return m
}

// randomReadBack is a way to read copies back.
func randomReadBack(random *rand.Rand) spec.ReadBack {
	switch random.IntN(4) {
	case 0:
		return spec.ReadBack{Latest: true}
	case 1:
		return spec.ReadBack{Percent: 100, Every: units.Duration(7 * day)}
	case 2:
		return spec.ReadBack{Percent: 1 + random.IntN(99), Every: units.Duration(day)}
	default:
		return spec.ReadBack{}
	}
}

// populate gives a backup artifacts, some of them damaged, unrecorded or unfinished.
func (m *model) populate(backup *spec.Backup) {
	for range m.random.IntN(8) {
		age := time.Duration(m.random.Int64N(int64(20 * day)))
		artifact := m.describe(backup.Address, m.now.Add(-age).Truncate(time.Second))
		for _, place := range backup.To {
			if m.random.IntN(5) > 0 {
				m.putReplica(artifact, place)
			}
		}
		if len(artifact.Replicas) == 0 {
			continue
		}
		kind := m.random.IntN(12)
		for _, place := range backup.To {
			m.damage(artifact, place)
		}
		if kind == 0 {
			// The apply died before it could record the backup.
			artifact.Replicas = nil
			m.intend(KindBackup, backup.Address, artifact.ID, artifact.Key, backup.To...)
			continue
		}
		m.protect(artifact)
		m.document.Artifacts = append(m.document.Artifacts, artifact)
	}
	for _, place := range backup.To {
		switch m.random.IntN(8) {
		case 0:
			other := m.describe(backup.Address, m.now.Add(-hour))
			m.described[state.ManifestKey(other.Key)].lineage = "another"
			m.putReplica(other, place)
		case 1:
			m.places[place].remnants = append(m.places[place].remnants, providers.Remnant{Key: backup.Name + "/stray", Name: "stray", Size: 9})
		case 2:
			m.put(place, backup.Name+"/bare", 17)
		}
	}
}

// protect lets a store keep some of an artifact's objects by a rule of its own.
func (m *model) protect(artifact *state.Artifact) {
	if m.random.IntN(6) > 0 {
		return
	}
	hidden := m.random.IntN(3) == 0
	for _, replica := range artifact.Replicas {
		for _, key := range []string{artifact.Key, state.ManifestKey(artifact.Key)} {
			objects := m.places[replica.Destination].objects
			if object, ok := objects[key]; ok && m.random.IntN(2) == 0 {
				object.kept, object.hidden = "a hold", hidden
				objects[key] = object
			}
		}
	}
}

// damage does to a copy what disks, people and interrupted applies do.
func (m *model) damage(artifact *state.Artifact, place string) {
	objects := m.places[place].objects
	key, manifest := artifact.Key, state.ManifestKey(artifact.Key)
	if _, ok := objects[key]; !ok {
		return
	}
	touch := func(key string, change func(*modelObject)) {
		object := objects[key]
		object.version = fmt.Sprint("v", m.next())
		change(&object)
		objects[key] = object
	}
	switch m.random.IntN(24) {
	case 0:
		delete(objects, key)
	case 1:
		delete(objects, manifest)
	case 2:
		delete(objects, key)
		delete(objects, manifest)
	case 3:
		touch(key, func(o *modelObject) { o.size /= 2; o.rotten = true })
	case 4:
		touch(manifest, func(o *modelObject) { o.size /= 2; o.rotten = true })
	case 5:
		touch(key, func(o *modelObject) { o.rotten = true })
	case 6:
		touch(key, func(*modelObject) {})
	case 7:
		touch(manifest, func(*modelObject) {})
	case 8:
		delete(objects, manifest)
		m.intend(KindPrune, artifact.Backup, artifact.ID, key, place)
	case 9:
		delete(objects, key)
		delete(objects, manifest)
		m.intend(KindPrune, artifact.Backup, artifact.ID, key, place)
	case 10:
		delete(objects, manifest)
		m.intend(KindRepair, artifact.Backup, artifact.ID, key, place)
	case 11:
		// A replication died after its manifest, or before it.
		artifact.Replicas = slices.DeleteFunc(artifact.Replicas, func(r state.Replica) bool { return r.Destination == place && len(artifact.Replicas) > 1 })
		if m.random.IntN(2) == 0 {
			delete(objects, manifest)
		}
		m.intend(KindReplicate, artifact.Backup, artifact.ID, key, place)
	case 13:
		object := objects[key]
		object.rotten, object.silent = true, true
		objects[key] = object
	case 14:
		// The state was made again from the manifests.
		for i := range artifact.Replicas {
			if artifact.Replicas[i].Condition == state.Verified {
				artifact.Replicas[i].Condition, artifact.Replicas[i].VerifiedAt = state.Unproven, time.Time{}
			}
		}
	case 12:
		for i := range artifact.Replicas {
			if artifact.Replicas[i].Destination == place {
				artifact.Replicas[i].Condition = state.Altered
				touch(key, func(o *modelObject) { o.rotten = true })
			}
		}
	}
}

// wholeAt counts the copies of a backup at a place that the state calls verified and that are what they were written as.
func (m *model) wholeAt(backup, place string) int {
	count := 0
	for _, artifact := range m.document.Artifacts {
		replica, ok := artifact.Replica(place)
		if ok && artifact.Backup == backup && replica.Condition == state.Verified && m.isWhole(artifact, place) {
			count++
		}
	}
	return count
}

// standing is what must not get worse: per backup and destination, whether there is a good copy.
func (m *model) standing() map[string]bool {
	standing := map[string]bool{}
	for _, backup := range m.spec.Backups {
		for _, place := range backup.To {
			if m.wholeAt(backup.Address, place) > 0 {
				standing[placeAddress(backup.Address, place)] = true
			}
		}
	}
	return standing
}

// checkStanding fails when a destination lost its last good copy of a backup.
func (m *model) checkStanding(before map[string]bool, plan *Plan) {
	m.t.Helper()
	after := m.standing()
	for address := range before {
		if !after[address] {
			m.t.Fatalf("%s had a good copy and has none after this plan:\n%s", address, strings.Join(lines(plan), "\n"))
		}
	}
}

// checkPrunes fails when a plan deletes the newest good copy at a destination without waiting for a newer one.
func (m *model) checkPrunes(plan *Plan) {
	m.t.Helper()
	for _, action := range plan.Actions {
		prune, ok := action.(*Prune)
		if !ok {
			continue
		}
		if prune.Remaining < 1 {
			m.t.Fatalf("%s leaves nothing", prune.Address)
		}
		artifact := m.document.Find(prune.Artifact)
		if artifact == nil {
			m.t.Fatalf("%s deletes what the state does not know", prune.Address)
		}
		newer := slices.ContainsFunc(m.document.Artifacts, func(other *state.Artifact) bool {
			replica, ok := other.Replica(prune.Destination)
			return ok && other.Backup == prune.Backup && other.ID != prune.Artifact && !other.StartedAt.Before(artifact.StartedAt) &&
				replica.Condition == state.Verified && m.isWhole(other, prune.Destination)
		})
		if replica, _ := artifact.Replica(prune.Destination); replica.Condition == state.Verified && m.isWhole(artifact, prune.Destination) &&
			!newer && len(prune.After) == 0 {
			m.t.Fatalf("%s deletes the newest good copy", prune.Address)
		}
	}
}

const propertyRuns = 1500

// limited reports whether any destination holds deletions back.
func (m *model) limited() bool {
	return slices.ContainsFunc(m.spec.Destinations, func(d *spec.Destination) bool { return d.Retention != nil && d.Retention.MaxDeletes > 0 })
}

// settleDown plans and applies until nothing is left to do, and checks on the way that nothing good is lost and that each
// round leaves less: after a round without surprises only deletions of what was adopted may follow, then nothing.
func (m *model) settleDown(seed uint64) {
	m.t.Helper()
	var history []string
	quiet := 0
	for round := 1; ; round++ {
		plan := m.diff()
		history = append(history, fmt.Sprintf("round %d:\n%s", round, strings.Join(lines(plan), "\n")))
		m.checkPrunes(plan)
		todo := len(plan.Actions) - plan.Count(KindBlocked)
		if todo == 0 {
			return
		}
		if round > 25 || !m.limited() && (quiet == 1 && todo > plan.Count(KindPrune)+rereads(plan) || quiet > 1) {
			m.t.Fatalf("seed %d does not settle:\n%s", seed, strings.Join(history, "\n"))
		}
		standing := m.standing()
		failed := m.apply(plan)
		m.checkStanding(standing, plan)
		quiet++
		if len(failed) > 0 || m.condemned || m.refused {
			history = append(history, fmt.Sprint(failed))
			quiet = 0
		}
	}
}

// rereads counts the copies that are read back because it is their turn, which deletions can change.
func rereads(plan *Plan) int {
	count := 0
	for _, action := range plan.Actions {
		if action.Kind() == KindVerify && action.Common().Cause == CauseTime {
			count++
		}
	}
	return count
}

func TestPlanCarriedOutLeavesNothingToDo(t *testing.T) {
	for seed := range uint64(propertyRuns) {
		m := newModel(t, seed)
		m.settleDown(seed)
		m.checkReadBack(seed)
	}
}

// checkReadBack fails when a copy that is to be read back is called verified and has rotted in silence.
func (m *model) checkReadBack(seed uint64) {
	m.t.Helper()
	for _, backup := range m.spec.Backups {
		artifacts := m.document.ByBackup()[backup.Address]
		slices.SortFunc(artifacts, func(a, b *state.Artifact) int { return a.StartedAt.Compare(b.StartedAt) })
		for i, artifact := range artifacts {
			if backup.ReadBack.Percent < 100 && (!backup.ReadBack.Latest || i < len(artifacts)-1) {
				continue
			}
			for _, replica := range artifact.Replicas {
				if replica.Condition == state.Verified && slices.Contains(backup.To, replica.Destination) &&
					m.places[replica.Destination].objects[artifact.Key].silent {
					m.t.Fatalf("seed %d: %s is rotten at %s, and its reading back did not show it", seed, artifact.ID, replica.Destination)
				}
			}
		}
	}
}

func TestPlansAfterAppliesThatDieSettleWithoutLoss(t *testing.T) {
	for seed := range uint64(propertyRuns) {
		m := newModel(t, seed)
		m.failing = 0.4
		for range 3 {
			plan := m.diff()
			m.checkPrunes(plan)
			standing := m.standing()
			m.apply(plan)
			m.checkStanding(standing, plan)
			m.now = m.now.Add(time.Duration(m.random.Int64N(int64(2 * day)))).Truncate(time.Second)
		}
		m.failing = 0
		m.settleDown(seed)
	}
}

func TestDiffIsDeterministicAndChangesNothing(t *testing.T) {
	for seed := range uint64(500) {
		m := newModel(t, seed)
		before := cloneDocument(m.document)
		render := func(observed *Observed) []byte {
			plan := Diff(m.spec, m.document, observed, m.now)
			data, err := MarshalJSONDocument(plan, "test")
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			if err := Save(&text, SavedPlan{Plan: plan}); err != nil {
				t.Fatal(err)
			}
			return append(data, text.Bytes()...)
		}
		first := render(m.observe())
		for range 5 {
			if again := render(m.observe()); !bytes.Equal(first, again) {
				t.Fatalf("seed %d gives two plans:\n%s\n%s", seed, first, again)
			}
		}
		if difference := cmp.Diff(before, m.document); difference != "" {
			t.Fatalf("seed %d: the state was changed:\n%s", seed, difference)
		}
	}
}

func TestUnreachableDestinationsAreNeverDeletedFrom(t *testing.T) {
	for seed := range uint64(500) {
		m := newModel(t, seed)
		for _, place := range m.places {
			switch m.random.IntN(3) {
			case 0:
				place.err = errNoRoute
			case 1:
				place.skew = time.Duration(m.random.Int64N(int64(20*time.Minute))) - 10*time.Minute
			}
		}
		for _, action := range m.diff().Actions {
			prune, ok := action.(*Prune)
			if !ok {
				continue
			}
			if place := m.places[prune.Destination]; place.err != nil || place.skew.Abs() > 5*time.Minute {
				t.Fatalf("seed %d: %s, with error %v and skew %s", seed, prune.Address, place.err, place.skew)
			}
		}
	}
}

func cloneDocument(document *state.Document) *state.Document {
	clone := *document
	clone.Artifacts = slices.Clone(document.Artifacts)
	for i, artifact := range document.Artifacts {
		copied := *artifact
		copied.Replicas = slices.Clone(artifact.Replicas)
		clone.Artifacts[i] = &copied
	}
	clone.Intents = slices.Clone(document.Intents)
	return &clone
}
