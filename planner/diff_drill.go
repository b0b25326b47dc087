package planner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// isDrill reports whether an address is that of a drill.
func isDrill(address string) bool { return strings.HasPrefix(address, "drill.") }

// drillHistory is what is recorded of a drill.
type drillHistory struct {
	// last is the latest drill, passed the latest that proved the backup; nil when there is none.
	last, passed *state.Drill
}

// history finds the drills of a block. Those of another backup, which the block named before, prove nothing; nor does one that
// began in the future, or a wrong clock could put off drills for years.
func (d *differ) history(drill *spec.Drill) drillHistory {
	var found drillHistory
	for _, made := range d.made[drill.Address] {
		if made.Backup != drill.Backup || made.StartedAt.Sub(d.now) > MaxSkew {
			continue
		}
		if found.last == nil || !made.StartedAt.Before(found.last.StartedAt) {
			found.last = made
		}
		if made.Passed() && (found.passed == nil || !made.StartedAt.Before(found.passed.StartedAt)) {
			found.passed = made
		}
	}
	return found
}

// dueAt is when the next drill is due; the zero time when there was none that passed.
func (h drillHistory) dueAt(schedule spec.Schedule) time.Time {
	if h.passed == nil {
		return time.Time{}
	}
	return schedule.DueAt(h.passed.StartedAt)
}

// drillDueness decides whether a drill is due.
func (d *differ) drillDueness(drill *spec.Drill) dueness {
	history := d.history(drill)
	failed := ""
	if history.last != nil && !history.last.Passed() {
		failed = fmt.Sprintf("the last one failed %s ago: %s", units.Age(d.now.Sub(history.last.StartedAt)), FirstProblem(history.last))
	}
	verdict := dueness{due: true, cause: CauseTime}
	switch next := history.dueAt(drill.Schedule); {
	case history.passed == nil && failed == "":
		verdict.reason, verdict.cause = "due: never drilled, "+drill.Schedule.String(), CauseChange
	case history.passed == nil:
		verdict.reason = "due: no successful drill yet, " + drill.Schedule.String()
	case next.After(d.now):
		if failed != "" {
			d.note(drill.Address, fmt.Sprintf("%s is not due, but %s", drill.Address, failed))
		}
		return dueness{}
	default:
		verdict.reason = fmt.Sprintf("due: last successful drill %s ago, %s", units.Age(d.now.Sub(history.passed.StartedAt)), drill.Schedule)
	}
	if failed != "" {
		verdict.reason += "; " + failed
	}
	return verdict
}

// FirstProblem says in one line why a drill failed, without a full stop.
func FirstProblem(made *state.Drill) string {
	switch n := len(made.Differences); n {
	case 0:
		return oneLine(made.Error)
	case 1:
		return oneLine(made.Differences[0])
	default:
		return fmt.Sprintf("%s, and %s", oneLine(made.Differences[0]), units.Counted(n-1, "more difference", "more differences"))
	}
}

// planDrills plans the drills of the backup that are due.
func (t *task) planDrills() {
	for _, drill := range t.drills[t.backup.Address] {
		if verdict := t.drillDueness(drill); verdict.due {
			t.planDrill(drill, verdict)
		}
	}
}

// planDrill plans one drill, or says why it cannot be made.
func (t *task) planDrill(drill *spec.Drill, verdict dueness) {
	meta := Meta{Address: drill.Address, Backup: t.backup.Address, Reason: verdict.reason, Cause: verdict.cause}
	action, err := t.chooseDrilled(drill)
	if err != nil {
		meta.Reason += "; but " + err.Error()
		t.add(&Blocked{Meta: meta, Failed: true})
		return
	}
	meta.Reason += "; restores " + action.Reason
	meta.After, meta.Bytes = action.After, action.Bytes
	meta.Undo = "changes nothing but the state: the scratch place is removed"
	if passed := t.history(drill).passed; passed != nil {
		meta.Seconds = max(0, passed.EndedAt.Sub(passed.StartedAt).Seconds())
	}
	action.Meta = meta
	t.add(action)
}

// chooseDrilled chooses the copy to be drilled, and says in the action's reason which it is: of the newest artifact that has
// a good copy at one of the drill's places the nearest; otherwise what the plan takes, or one that it proves or brings.
func (t *task) chooseDrilled(drill *spec.Drill) (*Drill, error) {
	places, err := t.drillPlaces(drill)
	if err != nil {
		return nil, err
	}
	for _, held := range t.holdings {
		for _, i := range places {
			if held.copies[i].condition == good && held.artifact.StartedAt.Sub(t.now) <= MaxSkew {
				return t.drillOf(drill, held, i, nil), nil
			}
		}
	}
	for _, i := range places {
		if t.isGoingTo(i) {
			from := t.places[i].address
			return &Drill{From: from, Into: drill.Into, Meta: Meta{
				Reason: "what is about to be taken, from " + from, After: []string{t.taking.Address}, Bytes: t.taking.Bytes,
			}}, nil
		}
	}
	for _, held := range t.holdings {
		for _, i := range places {
			if arriving := t.arriving[i][held]; arriving != "" {
				return t.drillOf(drill, held, i, []string{arriving}), nil
			}
			if condition := held.copies[i].condition; condition == changed || condition == adoptable {
				t.verify(held, i)
				return t.drillOf(drill, held, i, []string{copyAddress(t.backup.Address, t.places[i].address, held.artifact.ID)}), nil
			}
		}
	}
	if drill.From != "" {
		return nil, fmt.Errorf("%s has no verified copy of %s", drill.From, t.backup.Address)
	}
	return nil, fmt.Errorf("no destination has a verified copy of %s", t.backup.Address)
}

// drillPlaces lists the places that a drill may read from, the nearest first.
func (t *task) drillPlaces(drill *spec.Drill) ([]int, error) {
	var near, far []int
	var problems []string
	for i := range t.places {
		switch address := t.places[i].address; {
		case drill.From != "" && drill.From != address:
		case t.places[i].err != nil:
			problems = append(problems, fmt.Sprintf("%s cannot be used: %s", address, oneLine(t.places[i].err.Error())))
		case t.near[address]:
			near = append(near, i)
		default:
			far = append(far, i)
		}
	}
	if places := append(near, far...); len(places) > 0 {
		return places, nil
	}
	if len(problems) == 0 {
		return nil, fmt.Errorf("%s is not a destination of %s", drill.From, t.backup.Address)
	}
	return nil, errors.New(strings.Join(problems, "; "))
}

// drillOf is the drill of one copy, which must not be deleted before it.
func (t *task) drillOf(drill *spec.Drill, held *holding, i int, after []string) *Drill {
	from, ref := t.places[i].address, copyRef{i, held}
	t.needs[ref] = append(t.needs[ref], drill.Address)
	return &Drill{Artifact: held.artifact.ID, From: from, Into: drill.Into, Meta: Meta{
		Reason: fmt.Sprintf("%s, %s old, from %s", held.artifact.ID, units.Age(t.now.Sub(held.artifact.StartedAt)), from),
		After:  after, Bytes: held.artifact.Stored.Size,
	}}
}

// recoverDrills plans the removal of the scratch places that interrupted drills may have left. Nobody looks whether they are
// there: one that is gone is no error. All drills of the plan wait for it.
func (d *differ) recoverDrills() {
	declared := make(map[string]*spec.Drill, len(d.specification.Drills))
	for _, drill := range d.specification.Drills {
		declared[drill.Address] = drill
	}
	var first []string
	for _, intent := range d.document.Intents {
		if intent.Scratch == "" {
			continue
		}
		address := strings.TrimSuffix(intent.Address, scratchSuffix+intent.Scratch)
		drill := declared[address]
		if drill == nil {
			d.note(address, fmt.Sprintf("the drill %s begun at %s was interrupted and is not declared any more: remove %s at %s by hand, if it is still there",
				address, moment(intent.BeganAt), intent.Scratch, intent.ScratchAt))
			continue
		}
		action := &Sweep{Drill: address, Scratch: intent.Scratch, ScratchAt: intent.ScratchAt, Intent: intent.ID, Meta: Meta{
			Address: address + scratchSuffix + intent.Scratch, Backup: drill.Backup, Cause: CauseRecovery,
			Reason: fmt.Sprintf("the drill begun at %s was interrupted: its scratch %s at %s is removed, if it is still there", moment(intent.BeganAt), scratchWord(drill.Into), intent.ScratchAt),
			Undo:   "cannot be undone: what is removed is a copy of a backup",
		}}
		if !slices.Contains(first, action.Address) {
			first = append(first, action.Address)
			d.add(action)
		}
	}
	if len(first) == 0 {
		return
	}
	for _, action := range d.actions {
		if drill, ok := action.(*Drill); ok {
			drill.After = slices.Sorted(slices.Values(slices.Concat(drill.After, first)))
		}
	}
}

// scratchWord is what a scratch place is.
func scratchWord(into string) string {
	if into == "files" {
		return "folder"
	}
	return "database"
}
