package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// sweep removes what an interrupted upload left: the parts that the plan named, and bytes that never got a manifest.
func (r *run) sweep(ctx context.Context, action *planner.Sweep) (result, error) {
	if action.Scratch != "" {
		return r.removeScratch(ctx, action)
	}
	destination, err := r.destination(action.Destination)
	if err != nil {
		return result{}, err
	}
	intent := r.intent(action)
	intent.Key, intent.Destinations = action.Key, []string{action.Destination}
	done := result{summary: "removed"}
	err = r.during(ctx, intent, func() (effect, error) {
		err := r.removeUnfinished(ctx, destination, action)
		if errors.Is(err, providers.ErrProtected) {
			done.summary, err = keptByPolicy+": "+policyOf(err), nil
		}
		return effect{}, err
	})
	return done, err
}

func (r *run) removeUnfinished(ctx context.Context, destination providers.Destination, action *planner.Sweep) error {
	remnants, err := destination.Remnants(ctx, action.Key)
	if err != nil {
		return fmt.Errorf("looking for unfinished uploads: %w", err)
	}
	for _, remnant := range remnants {
		if !slices.Contains(action.Remnants, remnant.Name) {
			continue
		}
		if err := destination.RemoveRemnant(ctx, remnant); err != nil {
			return fmt.Errorf("removing %s: %w", remnant.Name, err)
		}
	}
	if action.Version == "" {
		return nil
	}
	_, err = destination.Stat(ctx, state.ManifestKey(action.Key))
	if err == nil {
		return fmt.Errorf("nothing was deleted: %s has a manifest now", action.Key)
	}
	if !errors.Is(err, providers.ErrNotExist) {
		return fmt.Errorf("looking for the manifest of %s: %w", action.Key, err)
	}
	if err := destination.Delete(ctx, action.Key, action.Version); err != nil && !errors.Is(err, providers.ErrNotExist) {
		return fmt.Errorf("deleting %s: %w", action.Key, err)
	}
	return nil
}

// settle closes the intents that earlier runs left open and that nothing is left of: no unfinished upload, no bytes
// without a manifest. The others stay open, and the next plan says what it does with them.
func (r *run) settle(ctx context.Context, report *Report) error {
	if report.Interrupted {
		return nil
	}
	for _, intent := range r.before {
		if !r.isSettled(ctx, intent) {
			continue
		}
		ending := state.Result{Outcome: state.Abandoned, EndedAt: r.now()}
		switch err := r.Session.End(ctx, intent.ID, ending); {
		case state.IsNotRecorded(err):
			return nil
		case err != nil:
			return fmt.Errorf("closing the intent of %s: %w", intent.Address, err)
		}
	}
	return nil
}

// isSettled asks every destination of an intent under the address that it has now. One that cannot be asked, or is not
// declared any more without being given up in words, leaves it open.
func (r *run) isSettled(ctx context.Context, intent *state.Intent) bool {
	if intent.Scratch != "" {
		_, settled := r.settled.Load(intent.Scratch)
		return settled
	}
	if intent.Key == "" {
		return true
	}
	for _, address := range intent.Destinations {
		if r.isReleased(address) {
			continue
		}
		if to, moved := r.moves[address]; moved {
			address = to
		}
		destination, ok := r.World.Destinations[address]
		if !ok {
			return false
		}
		if clean, err := isClean(ctx, destination, intent.Key); err != nil || !clean {
			return false
		}
	}
	return true
}

// isReleased reports whether the specification gives an address up.
func (e *Executor) isReleased(address string) bool {
	return slices.ContainsFunc(e.Spec.Removals, func(removal spec.Removal) bool { return removal.Covers(address) })
}
