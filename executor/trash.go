package executor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// PutBack puts back what a cleanup moved to a trash: the newest of a block, or the one of that trash where one is named. It then stays
// until CleanAgain.
func (e *Executor) PutBack(ctx context.Context, block, trash string) (*state.Cleanup, error) {
	cleaner, _, err := e.cleaner(block)
	if err != nil {
		return nil, err
	}
	trashing, ok := cleaner.(providers.Trashing)
	if !ok {
		return nil, fmt.Errorf("%s has no trash: what it removes is gone", block)
	}
	var record *state.Cleanup
	for _, made := range e.Session.Document().CleanupsOf(block) {
		if made.Phase == state.Trashed && (trash == "" || planner.IsTrash(trash, made)) {
			after := *made
			record = &after
		}
	}
	if record == nil {
		return nil, fmt.Errorf("nothing of %s is in a trash", block)
	}
	run, err := e.newRun()
	if err != nil {
		return nil, err
	}
	err = run.during(ctx, run.cleanupIntent(block), func() (effect, error) {
		if err := trashing.Restore(ctx, record.Trash); err != nil {
			return effect{}, err
		}
		record.Phase, record.RestoredAt = state.Restored, run.now()
		return effect{events: []state.Event{{PutCleanup: record}}}, nil
	})
	if err != nil {
		return nil, err
	}
	return record, nil
}

// CleanAgain lets a block remove again what was put back.
func (e *Executor) CleanAgain(ctx context.Context, block string) error {
	if _, _, err := e.cleaner(block); err != nil {
		return err
	}
	made := e.Session.Document().CleanupsOf(block)
	if len(made) == 0 || !made[len(made)-1].Held() {
		return fmt.Errorf("nothing of %s was put back and is held", block)
	}
	run, err := e.newRun()
	if err != nil {
		return err
	}
	after := *made[len(made)-1]
	return run.during(ctx, run.cleanupIntent(block), func() (effect, error) {
		after.AgainAt = run.now()
		return effect{events: []state.Event{{PutCleanup: &after}}}, nil
	})
}

// cleanupIntent is the intent of what is asked for by hand about a block.
func (r *run) cleanupIntent(block string) state.Intent {
	return state.Intent{ID: r.id + "/" + block, Run: r.id, Address: block, Kind: string(planner.KindCleanup), BeganAt: r.now()}
}

// trashRecord is a copy of what is recorded of the trash of an action; nil when nothing is.
func (r *run) trashRecord(action *planner.Cleanup) *state.Cleanup {
	record := state.TrashOf(r.Session.Document().CleanupsOf(action.Block), action.Trash)
	if record == nil {
		return nil
	}
	after := *record
	return &after
}

// purge removes a trash whose time is over.
func (r *run) purge(ctx context.Context, action *planner.Cleanup) (result, error) {
	cleaner, _, err := r.cleaner(action.Block)
	if err != nil {
		return result{}, err
	}
	trashing, ok := cleaner.(providers.Trashing)
	record := r.trashRecord(action)
	if !ok || record == nil {
		return result{}, fmt.Errorf("%w: nothing is recorded of the trash %s any more: make a new plan", providers.ErrCleanupRefused, action.Trash)
	}
	var done result
	err = r.during(ctx, r.intent(action), func() (effect, error) {
		outcome, err := trashing.Purge(ctx, action.Trash)
		done.warnings = r.redactedAll(outcome.Warnings)
		if err != nil {
			return effect{}, err
		}
		record.Phase, record.RemovedAt, record.Freed = state.Removed, r.now(), outcome.Freed
		done.summary = units.Bytes(outcome.Freed) + " freed"
		return effect{events: []state.Event{{PutCleanup: record}}}, nil
	})
	return done, err
}

// recordTrash records a trash that the state does not know, or that is gone.
func (r *run) recordTrash(ctx context.Context, action *planner.Cleanup) (result, error) {
	record := r.trashRecord(action)
	summary := "recorded"
	if action.Gone {
		if record == nil {
			return result{}, errors.New("nothing is recorded there any more: make a new plan")
		}
		record.Phase, record.RemovedAt = state.Removed, r.now()
		summary = "recorded as removed"
		if action.Back {
			record.Phase, record.RemovedAt, record.RestoredAt = state.Restored, time.Time{}, r.now()
			summary = "recorded as put back"
		}
	} else if record == nil {
		record = &state.Cleanup{ID: r.id + "/" + action.Address, Address: action.Block, Phase: state.Trashed, Trash: action.Trash, At: action.MovedAt}
	}
	err := r.during(ctx, r.intent(action), func() (effect, error) {
		return effect{events: []state.Event{{PutCleanup: record}}}, nil
	})
	if err != nil {
		return result{}, err
	}
	return result{summary: summary}, nil
}
