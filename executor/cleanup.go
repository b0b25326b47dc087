package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// cleanup removes what should be gone, or what becomes of a trash.
func (r *run) cleanup(ctx context.Context, action *planner.Cleanup) (result, error) {
	switch action.Step {
	case planner.StepRecord:
		return r.recordTrash(ctx, action)
	case planner.StepPurge:
		return r.purge(ctx, action)
	}
	cleaner, config, err := r.cleaner(action.Block)
	if err != nil {
		return result{}, err
	}
	c := &cleaning{run: r, action: action, cleaner: cleaner, config: config}
	if err := c.look(ctx); err != nil {
		return result{}, fmt.Errorf("%w: %w", providers.ErrCleanupRefused, err)
	}
	if err := r.during(ctx, r.intent(action), func() (effect, error) { return c.remove(ctx) }); err != nil {
		return result{warnings: c.outcome.Warnings}, err
	}
	return result{summary: c.summary(), warnings: c.outcome.Warnings}, nil
}

// cleaner finds a cleanup block of the specification by address.
func (e *Executor) cleaner(address string) (providers.Cleaner, providers.CleanupConfig, error) {
	for _, declared := range e.Spec.Cleanups {
		config, ok := declared.Config.(providers.CleanupConfig)
		if !ok || declared.Address != address {
			continue
		}
		if cleaner := e.World.Cleaner(e.Spec, e.Session.Document(), declared); cleaner != nil {
			return cleaner, config, nil
		}
	}
	return nil, nil, fmt.Errorf("%s is not in the specification", address)
}

// cleaning is one removal.
type cleaning struct {
	*run
	action  *planner.Cleanup
	cleaner providers.Cleaner
	config  providers.CleanupConfig
	seen    providers.CleanupView
	trash   string
	outcome providers.CleanupOutcome
}

// look makes sure that all the plan rests on is still so: what is there, that nothing uses it, and the backup behind it.
func (c *cleaning) look(ctx context.Context) error {
	var err error
	if c.seen, err = c.cleaner.Inspect(ctx); err != nil {
		return fmt.Errorf("it cannot be looked at: %w", err)
	}
	if against := slices.Concat(c.seen.Refusals, c.seen.Waits); len(against) > 0 {
		return errors.New(strings.Join(against, "; "))
	}
	if err := c.askMentions(ctx); err != nil {
		return err
	}
	if c.action.Behind == "" {
		return nil
	}
	return c.confirmBackup(ctx)
}

// askMentions asks the checks again that find mentions of what goes.
func (c *cleaning) askMentions(ctx context.Context) error {
	for _, declared := range planner.Mentioning(c.Spec, c.config) {
		check := c.World.Checks[declared.Address]
		if check == nil {
			return fmt.Errorf("%s cannot be asked", declared.Address)
		}
		if finding := providers.Once(ctx, check, declared.Timeout); finding.Verdict == providers.Failed {
			return fmt.Errorf("%s: %s", declared.Address, finding.Summary)
		}
	}
	return nil
}

// confirmBackup makes sure, in the state and at the destinations themselves, that the artifact which the plan saw is of what goes,
// began after its newest change, and has enough verified copies.
func (c *cleaning) confirmBackup(ctx context.Context) error {
	artifact, err := c.artifact(c.action.Artifact)
	if err != nil {
		return err
	}
	if backup := c.Spec.Backup(c.action.Behind); backup != nil && artifact.What != planner.WhatIsRead(c.Spec, backup) {
		return fmt.Errorf("the backup %s is of %s", artifact.ID, artifact.What)
	}
	if artifact.Backup != c.action.Behind {
		return fmt.Errorf("%s is a backup of %s, not of %s", artifact.ID, artifact.Backup, c.action.Behind)
	}
	if !artifact.StartedAt.After(c.seen.Newest) {
		return fmt.Errorf("%s was changed at %s, after the backup of %s was begun", c.seen.NewestName, instant(c.seen.Newest), instant(artifact.StartedAt))
	}
	var confirmed []string
	var problems error
	for _, address := range c.action.Destinations {
		if err := c.confirmCopy(ctx, artifact, address); err != nil {
			problems = errors.Join(problems, fmt.Errorf("%s: %w", address, err))
			continue
		}
		confirmed = append(confirmed, address)
	}
	if len(confirmed) < max(1, c.action.MinCopies) {
		return fmt.Errorf("%s has a verified copy in %d of %d destinations: %w", artifact.ID, len(confirmed), max(1, c.action.MinCopies), problems)
	}
	c.action.Destinations = confirmed
	return nil
}

// instant is a moment in the form of messages.
func instant(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 UTC") }

// confirmCopy looks at a copy and its manifest with its own eyes.
func (c *cleaning) confirmCopy(ctx context.Context, artifact *state.Artifact, address string) error {
	replica, ok := artifact.Replica(address)
	if !ok || replica.Condition != state.Verified {
		return errors.New("no verified copy is recorded there")
	}
	destination, err := c.destination(address)
	if err != nil {
		return err
	}
	object, err := destination.Stat(ctx, artifact.Key)
	if err != nil {
		return err
	}
	if object.Size != artifact.Stored.Size {
		return fmt.Errorf("the copy has %d bytes instead of %d", object.Size, artifact.Stored.Size)
	}
	_, err = c.readManifest(ctx, destination, artifact)
	return err
}

// remove removes what the plan showed, and says what the state learns.
func (c *cleaning) remove(ctx context.Context) (effect, error) {
	at := c.now()
	order := providers.CleanupOrder{Items: c.action.Items, Fingerprint: c.action.Fingerprint}
	if trashing, ok := c.cleaner.(providers.Trashing); ok {
		c.trash = trashing.TrashFor(at)
		order.Trash = c.trash
	}
	var err error
	c.outcome, err = c.cleaner.Remove(ctx, order, c.seen)
	c.outcome.Warnings, c.outcome.Notes = c.redactedAll(c.outcome.Warnings), c.redactedAll(c.outcome.Notes)
	if len(c.outcome.Removed) == 0 {
		return effect{}, err
	}
	record := &state.Cleanup{
		ID: c.id + "/" + c.action.Address, Address: c.action.Block, Phase: state.Removed, Trash: c.trash, At: at, Freed: c.outcome.Freed,
		Items: c.outcome.Removed[:min(len(c.outcome.Removed), state.MaxCleaned)], Artifact: c.action.Artifact, Destinations: c.action.Destinations,
		Warnings: c.outcome.Warnings,
	}
	if c.trash != "" {
		record.Phase = state.Trashed
	}
	for _, item := range c.action.Items {
		if slices.Contains(c.outcome.Removed, item.Name) {
			record.Bytes, record.Files = record.Bytes+item.Bytes, record.Files+item.Files
		}
	}
	return effect{events: []state.Event{{PutCleanup: record}}}, err
}

// summary says what was done: "1.7 GiB moved to /home/ims/.imsctl-trash/…", "3 items, 1.2 GiB freed".
func (c *cleaning) summary() string {
	if c.trash != "" {
		return units.Bytes(c.seen.Bytes()) + " moved to " + c.trash
	}
	removed := fmt.Sprintf("%s removed, %s freed", units.Counted(len(c.outcome.Removed), "item", "items"), units.Bytes(c.outcome.Freed))
	return strings.Join(append([]string{removed}, c.outcome.Notes...), "; ")
}
