package planner

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// asked is the reason of what is done because somebody asked for it.
const asked = "asked for"

// Drilling is the plan to make drills now, due or not: that of one block, of all its instances, or with an empty address all. from
// names the destination that is restored from instead of the declared one; empty leaves that. Nobody looks at the
// destinations: the state is taken at its word. A drill that cannot be made is an error.
func Drilling(specification *spec.Spec, document *state.Document, address, from string, now time.Time) (*Plan, error) {
	d := newDiffer(specification, document, nil, now)
	var problems []error
	var known []string
	for _, declared := range specification.Drills {
		known = append(known, declared.Address)
		if address != "" && !within(declared.Address, address) {
			continue
		}
		drill := *declared
		if from != "" {
			drill.From = from
		}
		t := d.newTask(d.backups[drill.Backup])
		t.planDrill(&drill, dueness{due: true, reason: asked, cause: CauseTime})
		if blocked, ok := d.actions[len(d.actions)-1].(*Blocked); ok {
			problems = append(problems, fmt.Errorf("%s: %s", drill.Address, strings.TrimPrefix(blocked.Reason, asked+"; but ")))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if len(d.actions) == 0 {
		return nil, noDrill(address, known)
	}
	d.recoverDrills()
	return d.finish(), nil
}

// noDrill says that there is no drill of that address.
func noDrill(address string, known []string) error {
	if len(known) == 0 {
		return errors.New("the specification declares no drill")
	}
	return fmt.Errorf("there is no drill %s.%s", address, spelling.Proposal(address, known))
}

// DrillStanding is what the state says of one drill.
type DrillStanding struct {
	Drill *spec.Drill
	// Last is the latest drill that was made, Passed the latest that proved the backup; nil when there is none.
	Last, Passed *state.Drill
	// DueAt is when the next one is due; now when none has passed yet.
	DueAt time.Time
}

// DrillStandings hold the state against the drills that are declared, in their order. It is as pure as Diff.
func DrillStandings(specification *spec.Spec, document *state.Document, now time.Time) []DrillStanding {
	d := newDiffer(specification, document, nil, now)
	var standings []DrillStanding
	for _, drill := range specification.Drills {
		history := d.history(drill)
		standing := DrillStanding{Drill: drill, Last: history.last, Passed: history.passed, DueAt: history.dueAt(drill.Schedule)}
		if history.passed == nil {
			standing.DueAt = now
		}
		standings = append(standings, standing)
	}
	return standings
}
