package planner

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// declareDrills declares drills of most backups, from one of their destinations or from any.
func (m *model) declareDrills(random *rand.Rand) {
	for _, backup := range m.spec.Backups {
		if random.IntN(3) == 0 {
			continue
		}
		drill := &spec.Drill{Address: "drill." + backup.Name, Backup: backup.Address, Into: "postgres", Schedule: spec.Schedule{Every: units.Duration(7 * day)}}
		if random.IntN(2) == 0 {
			drill.From = backup.To[random.IntN(len(backup.To))]
		}
		m.spec.Drills = append(m.spec.Drills, drill)
	}
}

// drill restores a copy, which must still be there. One that dies leaves its scratch place.
func (m *model) drill(action *Drill, dies bool) error {
	m.t.Helper()
	id := action.Artifact
	if id == "" {
		id = m.taken[action.Backup]
	}
	artifact := m.document.Find(id)
	if artifact == nil {
		m.t.Fatalf("%s is of %s, which the state does not have", action.Address, id)
	}
	replica, ok := artifact.Replica(action.From)
	if !ok {
		// What is about to be taken may not have got there.
		return errors.New("no copy was stored there")
	}
	if dies {
		scratch := providers.ScratchName("l", "r", fmt.Sprintf("%016x", m.next()))
		m.document.Intents = append(m.document.Intents, &state.Intent{
			ID: fmt.Sprint("run/", m.next()), Address: action.Address, Kind: string(KindDrill), BeganAt: m.now, Backup: action.Backup, Scratch: scratch, ScratchAt: "db",
		})
		return errDied
	}
	for _, intent := range m.document.Intents {
		if intent.Scratch != "" && intent.Address == action.Address {
			m.t.Fatalf("%s begins before what an earlier one left is removed", action.Address)
		}
	}
	if _, there := m.places[action.From].objects[artifact.Key]; !there {
		m.t.Fatalf("%s is of a copy that is gone", action.Address)
	}
	if !m.isWhole(artifact, action.From) {
		replica.Condition = state.Altered
		m.record(artifact, replica)
		m.condemned = true
		return errors.New("altered")
	}
	m.document.Drills = append(m.document.Drills, &state.Drill{
		ID: fmt.Sprint("drill/", m.next()), Address: action.Address, Backup: action.Backup, Artifact: id, Destination: action.From, StartedAt: m.now, EndedAt: m.now, Outcome: state.Done,
	})
	return nil
}
