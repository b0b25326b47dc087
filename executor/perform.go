package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

// result is what an action has to say for itself.
type result struct {
	summary  string
	warnings []string
	places   []Place
	drill    *state.Drill
	release  *state.Release
}

// perform runs one action and turns what came of it into an Entry.
func (r *run) perform(ctx context.Context, action planner.Action) Entry {
	if _, ok := action.(*planner.Blocked); ok {
		return Entry{Action: action, Status: Blocked}
	}
	r.reporter.Started(action)
	begun := r.Clock.Now()
	done, err := r.dispatch(ctx, action)
	entry := Entry{Action: action, Summary: done.summary, Warnings: r.redactedAll(done.warnings), Err: r.Spec.RedactError(err), Places: r.told(done.places), Drill: done.drill, Release: done.release, Took: r.Clock.Now().Sub(begun)}
	switch {
	case err == nil:
		entry.Status = Done
	case errors.Is(err, errDegraded):
		entry.Status = Degraded
	default:
		entry.Status = Failed
	}
	r.reporter.Ended(entry)
	return entry
}

// told says of each place that failed why, without secrets.
func (r *run) told(places []Place) []Place {
	for i := range places {
		if places[i].err != nil {
			places[i].Reason = r.Spec.Redact(places[i].err.Error())
		}
	}
	return places
}

// redactedAll strikes the secrets of the specification out of texts.
func (r *run) redactedAll(texts []string) []string {
	var result []string
	for _, text := range texts {
		result = append(result, r.Spec.Redact(text))
	}
	return result
}

// dispatch finds the code for a kind of action.
func (r *run) dispatch(ctx context.Context, action planner.Action) (result, error) {
	switch action := action.(type) {
	case *planner.Backup:
		return r.backup(ctx, action)
	case *planner.Replicate:
		return r.copyArtifact(ctx, action, action.Artifact, slices.Concat([]string{action.From}, action.Others), action.To)
	case *planner.Repair:
		return r.copyArtifact(ctx, action, action.Artifact, slices.Concat([]string{action.From}, action.Others), action.To)
	case *planner.Verify:
		return r.verify(ctx, action)
	case *planner.Drill:
		return r.drill(ctx, action)
	case *planner.Deploy:
		return r.deploy(ctx, action)
	case *planner.Prune:
		return r.prune(ctx, action)
	case *planner.Keep:
		return r.keep(ctx, action)
	case *planner.Forget:
		return r.forget(ctx, action)
	case *planner.Cleanup:
		return r.cleanup(ctx, action)
	case *planner.Sweep:
		return r.sweep(ctx, action)
	case *planner.Move:
		return r.move(ctx, action)
	case *planner.Release:
		return r.release(ctx, action)
	case *planner.Adopt:
		return r.adopt(ctx, action)
	default:
		return result{}, fmt.Errorf("no way to carry out an action of kind %q", action.Kind())
	}
}

// intent describes what an action is about to do. Its id is unique because addresses are unique in a plan.
func (r *run) intent(action planner.Action) state.Intent {
	meta := action.Common()
	return state.Intent{
		ID:      r.id + "/" + meta.Address,
		Run:     r.id,
		Address: meta.Address,
		Kind:    string(action.Kind()),
		BeganAt: r.now(),
		Backup:  meta.Backup,
	}
}

// effect is what an action did to the world.
type effect struct {
	// events are the changes to the state.
	events []state.Event
	// leftover are the destinations where something lies that could not be removed.
	leftover []string
	// scratch is set when the scratch place that the intent names could not be removed.
	scratch bool
}

// during runs work between a durable intent and its durable result. The effect is recorded whether work failed or not,
// and although ctx may have ended meanwhile. Leftovers are recorded as an intent of their own that stays open, so that
// the next plan sees them and cleans up.
func (r *run) during(ctx context.Context, intent state.Intent, work func() (effect, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.Session.Begin(ctx, intent); err != nil {
		return fmt.Errorf("recording the intent: %w", err)
	}
	done, err := work()
	lasting := context.WithoutCancel(ctx)
	if len(done.leftover) > 0 || done.scratch {
		leftover := intent
		leftover.ID += "/leftover"
		leftover.Destinations = done.leftover
		if beginErr := r.Session.Begin(lasting, leftover); beginErr != nil {
			return errors.Join(err, fmt.Errorf("recording what was left behind: %w", beginErr))
		}
	}
	ending := state.Result{Outcome: state.Done, EndedAt: r.now(), Events: done.events}
	if err != nil && !errors.Is(err, errDegraded) {
		ending.Outcome, ending.Error = state.Failed, r.Spec.Redact(err.Error())
	}
	if endErr := r.Session.End(lasting, intent.ID, ending); endErr != nil {
		return errors.Join(err, fmt.Errorf("recording the result: %w", endErr))
	}
	return err
}
