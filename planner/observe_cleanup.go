package planner

import (
	"context"
	"fmt"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// cleanupPatience is how much longer than others the look at a cleanup may take: it counts what lies in whole folders.
const cleanupPatience = 10

// CleanupView is what was seen of a cleanup.
type CleanupView struct {
	providers.CleanupView
	// Err is why nothing could be seen; the other fields are then empty.
	Err error
}

// inspectCleanups looks at each cleanup of the specification once. What it says has no secret of the specification in it.
func (o *observation) inspectCleanups(ctx context.Context, document *state.Document) map[string]*CleanupView {
	var asked []*spec.Cleanup
	for _, declared := range o.specification.Cleanups {
		if declared.NotBuilt == "" && o.world.Cleaners[declared.Address] != nil {
			asked = append(asked, declared)
		}
	}
	patient := *o
	patient.options.CallTimeout *= cleanupPatience
	views := make([]*CleanupView, len(asked))
	o.each(ctx, len(asked), func(ctx context.Context, i int) {
		views[i] = patient.inspectCleanup(ctx, o.world.Cleaner(o.specification, document, asked[i]))
	})
	byAddress := make(map[string]*CleanupView, len(asked))
	for i, view := range views {
		if view != nil {
			byAddress[asked[i].Address] = view
		}
	}
	return byAddress
}

func (o *observation) inspectCleanup(ctx context.Context, cleaner providers.Cleaner) *CleanupView {
	view := new(CleanupView)
	view.Err = o.call(ctx, func(ctx context.Context) (err error) {
		view.CleanupView, err = cleaner.Inspect(ctx)
		return err
	})
	if view.Err != nil {
		view.CleanupView = providers.CleanupView{}
	}
	for _, texts := range [][]string{view.Facts, view.Refusals, view.Waits, view.Notes} {
		for i := range texts {
			texts[i] = o.specification.Redact(texts[i])
		}
	}
	return view
}

// InspectCleanups looks at the cleanups of a specification and at nothing else, by address: those that are built.
func InspectCleanups(ctx context.Context, specification *spec.Spec, document *state.Document, world *World, clock clock.Clock, options ObserveOptions) (map[string]*CleanupView, error) {
	views := newObservation(specification, world, clock, options).inspectCleanups(ctx, document)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("looking at the cleanups: %w", err)
	}
	return views, nil
}
