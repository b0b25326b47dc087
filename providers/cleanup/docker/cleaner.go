package docker

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/df"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// cleaner implements providers.Cleaner.
type cleaner struct {
	config            Config
	host              providers.Host
	engine            providers.Stockkeeper
	clock             clock.Clock
	projects, folders []string
}

// maxSkew is how far the clock of another machine may be off.
const maxSkew = 5 * time.Minute

// Inspect implements providers.Cleaner.
func (c *cleaner) Inspect(ctx context.Context) (providers.CleanupView, error) {
	var view providers.CleanupView
	root, now, err := c.engine.Root(ctx)
	if err != nil {
		return view, err
	}
	if off := now.Sub(c.clock.Now()).Abs(); !c.config.Host.IsHere() && off > maxSkew {
		view.Refusals = append(view.Refusals, fmt.Sprintf("the clock of the container engine on %s is %s off, and by it everything has a wrong age", c.host.Name(), units.Age(off)))
		return view, nil
	}
	if c.config.When != nil {
		usage, err := c.disk(ctx, root)
		if err != nil {
			return view, err
		}
		full := fmt.Sprintf("%s is %.0f %% full", usage.Mount, usage.Percent())
		if usage.Percent() <= float64(c.config.When.DiskAbove) {
			view.Notes = append(view.Notes, fmt.Sprintf("%s, and Docker is cleaned up above %d %%", full, c.config.When.DiskAbove))
			return view, nil
		}
		view.Facts = append(view.Facts, fmt.Sprintf("%s, above %d %%", full, c.config.When.DiskAbove))
	}
	selected, facts, err := c.look(ctx)
	if err != nil {
		return view, err
	}
	for _, one := range selected.things {
		view.Items = append(view.Items, one.item())
	}
	view.Fingerprint = providers.ItemsFingerprint(view.Items)
	view.Facts, view.Notes = slices.Concat(view.Facts, facts, selected.kept), selected.refused
	return view, nil
}

// look selects what goes, with the bytes that this frees, and what is to be said of them.
func (c *cleaner) look(ctx context.Context) (selection, []string, error) {
	stock, err := c.engine.Stock(ctx, c.config.Volumes)
	if err != nil {
		return selection{}, nil, err
	}
	selected := choose(stock, rules{
		now: c.clock.Now(), olderThan: c.config.OlderThan.Std(), volumes: c.config.Volumes, projects: c.projects, folders: c.folders,
	})
	sizes := make(map[string][]int64)
	for _, one := range selected.things {
		if one.kind != imageKind {
			continue
		}
		if sizes[one.id], err = c.engine.LayerBytes(ctx, one.image); err != nil {
			return selection{}, nil, err
		}
	}
	bytes, partly := shares(stock, selected.things, sizes)
	for i := range selected.things {
		if one := &selected.things[i]; one.kind == imageKind {
			one.bytes = bytes[one.id]
		}
	}
	return selected, facts(stock, selected.things, partly), nil
}

// facts say how far the sizes can be believed.
func facts(stock providers.Stock, things []thing, partly bool) []string {
	var said []string
	if partly {
		said = append(said, "the engine does not tell the sizes of all layers: more than this may be freed")
	}
	going := make(map[string]bool)
	images := false
	for _, one := range things {
		going[one.id], images = true, images || one.kind == imageKind
	}
	held := int64(0)
	for _, record := range stock.Cache {
		if record.Shared && !going[record.ID] {
			held += record.Bytes
		}
	}
	if images && held > 0 {
		said = append(said, fmt.Sprintf("build cache that stays may have layers in common with images, %s at most, which are then not freed", units.Bytes(held)))
	}
	return said
}

// disk says how full the file system is that the engine keeps its data on.
func (c *cleaner) disk(ctx context.Context, root string) (usage df.Usage, err error) {
	var output bytes.Buffer
	command := providers.Command{Arguments: df.Arguments("-Pk", root), Environment: []string{"LC_ALL=C"}, Stdout: &output}
	if err = c.host.Run(ctx, command); err == nil {
		usage, err = df.Parse(output.String())
	}
	if err != nil {
		return usage, fmt.Errorf("asking how full the file system of %s is: %w", root, err)
	}
	return usage, nil
}

// Remove implements providers.Cleaner.
func (c *cleaner) Remove(ctx context.Context, order providers.CleanupOrder, _ providers.CleanupView) (providers.CleanupOutcome, error) {
	var outcome providers.CleanupOutcome
	now, _, err := c.look(ctx)
	if err != nil {
		return outcome, err
	}
	unused := make(map[string]thing)
	for _, one := range now.things {
		unused[one.item().ID] = one
	}
	heldBefore, err := c.engine.Held(ctx)
	if err != nil {
		return outcome, err
	}
	root, _, err := c.engine.Root(ctx)
	if err != nil {
		return outcome, err
	}
	before, err := c.disk(ctx, root)
	if err != nil {
		return outcome, err
	}
	r := &removal{cleaner: c, unused: unused, outcome: &outcome}
	err = r.all(ctx, order.Items)
	heldAfter, errHeld := c.engine.Held(ctx)
	after, errDisk := c.disk(ctx, root)
	if errMeasured := errors.Join(errHeld, errDisk); errMeasured != nil {
		outcome.Warnings = append(outcome.Warnings, "what was freed could not be measured: "+errMeasured.Error())
	} else if len(outcome.Removed) > 0 {
		outcome.Freed = max(0, heldBefore-heldAfter)
		outcome.Notes = append(outcome.Notes, roomMade(root, before, after))
	}
	if err == nil && len(outcome.Removed) == 0 {
		err = fmt.Errorf("%w: %s", providers.ErrCleanupRefused, cmp.Or(strings.Join(outcome.Warnings, "; "), "nothing of it is there"))
	}
	return outcome, err
}

// roomMade says what became of the file system of Docker's data. Others write to it too, so that it can have less room than before.
func roomMade(root string, before, after df.Usage) string {
	place, difference := "the file system of Docker's data", "more free"
	if after.Mount != root {
		place = after.Mount + ", where Docker keeps " + root + ","
	} else {
		place += " (" + root + ")"
	}
	change := 1024 * (after.Free - before.Free)
	if change < 0 {
		difference, change = "less free, since others write to it too", -change
	}
	return fmt.Sprintf("%s has %s %s: it is %.0f %% full, and was %.0f %%", place, units.Bytes(change), difference, after.Percent(), before.Percent())
}

// removal removes what an order names.
type removal struct {
	*cleaner
	unused  map[string]thing
	outcome *providers.CleanupOutcome
}

// all removes one after the other. What is in use stays, and what cannot be removed hinders no other; a connection that is gone does.
func (r *removal) all(ctx context.Context, items []providers.CleanupItem) error {
	var still []thing
	for _, item := range items {
		one, ok := r.unused[item.ID]
		if !ok || one.item().Name != item.Name {
			r.outcome.Warnings = append(r.outcome.Warnings, item.Name+" stays: it is in use now, was changed, or is gone already")
			continue
		}
		still = append(still, one)
	}
	// Old engines do not tell which build cache was made from which, so that what is in use is tried again when others are gone.
	for failure := error(nil); ; {
		var failed []thing
		var why []string
		var errs []error
		for _, one := range still {
			err := r.remove(ctx, one)
			switch name := one.item().Name; {
			case errors.Is(err, providers.ErrInUse):
				failed, why = append(failed, one), append(why, name+" stays: "+err.Error())
			case err != nil && (ctx.Err() != nil || errors.Is(err, providers.ErrTemporary)):
				return err
			case err != nil:
				errs = append(errs, err)
			default:
				r.outcome.Removed = append(r.outcome.Removed, name)
			}
		}
		failure = errors.Join(append([]error{failure}, errs...)...)
		if len(failed) == 0 || len(failed) == len(still) {
			r.outcome.Warnings = append(r.outcome.Warnings, why...)
			return failure
		}
		still = failed
	}
}

func (r *removal) remove(ctx context.Context, one thing) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("removing %s %s: %w", one.kind, one.name, err)
	}
	switch one.kind {
	case containerKind:
		return r.engine.RemoveContainer(ctx, one.id)
	case networkKind:
		return r.engine.RemoveNetwork(ctx, one.id)
	case imageKind:
		return r.engine.RemoveImage(ctx, one.image)
	case volumeKind:
		return r.engine.RemoveVolume(ctx, one.id)
	case cacheKind:
		return r.engine.RemoveCache(ctx, one.id)
	}
	return fmt.Errorf("nobody knows how to remove a %s", one.kind)
}
