package planner

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// isCleanup reports whether an address is that of a cleanup block, or of a trash of one.
func isCleanup(address string) bool { return strings.HasPrefix(address, "cleanup.") }

// trashSuffix stands in an address between a cleanup block and one of its trashes.
const trashSuffix = "/trash/"

// cleanupAddress is the address of what a block removes, or of one of its trashes.
func cleanupAddress(block, trash string) string {
	if trash == "" {
		return block
	}
	return block + trashSuffix + path.Base(trash)
}

// cleanupCase is one cleanup block with all that is known of it.
type cleanupCase struct {
	*differ
	cleanup *spec.Cleanup
	config  providers.CleanupConfig
	view    *CleanupView
	// history are the cleanups that there were, oldest first.
	history []*state.Cleanup
	// refusals and waits are why nothing is removed; behind is what stands behind it.
	refusals, waits []string
	behind          standing
}

// decideCleanups looks at all cleanup blocks before the backups are planned: a cleanup may need one that is not due, and a backup of
// what was cleaned up is never due again.
func (d *differ) decideCleanups() {
	for _, cleanup := range d.specification.Cleanups {
		config, ok := cleanup.Config.(providers.CleanupConfig)
		if cleanup.NotBuilt != "" || !ok {
			continue
		}
		if d.observed == nil {
			// The state is taken at its word: what it says was removed is gone.
			if c := (&cleanupCase{history: d.recorded.CleanupsOf(cleanup.Address)}); c.wasRemoved() {
				d.retired[config.Guard().Backup.Address] = true
			}
			d.note(cleanup.Address, cleanup.Address+": nobody looked whether what it declares is gone")
			continue
		}
		view := d.observed.Cleanups[cleanup.Address]
		if view == nil {
			continue
		}
		c := &cleanupCase{differ: d, cleanup: cleanup, config: config, view: view, history: d.recorded.CleanupsOf(cleanup.Address)}
		c.decide()
		d.cleanups = append(d.cleanups, c)
	}
}

// decide finds all that speaks against the removal.
func (c *cleanupCase) decide() {
	guard := c.config.Guard()
	if c.view.Gone && c.wasRemoved() {
		c.retired[guard.Backup.Address] = true
	}
	if len(c.view.Items) == 0 {
		return
	}
	c.refusals = slices.Concat(c.view.Refusals, c.uncovered(), c.occupants())
	c.waits = slices.Concat(c.view.Waits, c.mentions())
	if held := c.held(); held != "" {
		c.waits = append(c.waits, held)
	}
	if guard.Backup.IsZero() || c.backups[guard.Backup.Address] == nil {
		return
	}
	c.behind = c.standBehind()
	if c.behind.refused != "" {
		c.refusals = append(c.refusals, c.behind.refused)
	}
	if c.behind.stale && len(c.refusals)+len(c.waits) == 0 && c.demanded[guard.Backup.Address] == "" {
		c.demanded[guard.Backup.Address] = fmt.Sprintf("%s waits for it: %s", c.cleanup.Address, c.behind.missing)
	}
	if c.behind.missing != "" {
		c.waits = append(c.waits, c.behind.missing)
	}
}

// held says that what is there was put back, and so stays.
func (c *cleanupCase) held() string {
	if len(c.history) == 0 {
		return ""
	}
	last := c.history[len(c.history)-1]
	switch {
	case last.Held():
		return fmt.Sprintf("it was put back at %s, and stays until \"imsctl cleanup -again %s\" lets it go", moment(last.RestoredAt), c.cleanup.Address)
	case c.isBack(last):
		return "it is back from the trash"
	}
	return ""
}

// isBack reports whether what was in a trash is in its old place: it was put back, and nobody recorded that.
func (c *cleanupCase) isBack(record *state.Cleanup) bool {
	return record.Phase == state.Trashed && len(c.view.Items) > 0 &&
		!slices.ContainsFunc(c.view.Trash, func(trash providers.TrashItem) bool { return trash.Name == record.Trash })
}

// wasRemoved reports whether the last that is recorded of the block is that it was removed.
func (c *cleanupCase) wasRemoved() bool {
	return len(c.history) > 0 && c.history[len(c.history)-1].Phase != state.Restored
}

// planCleanups puts into the plan what was decided, behind the backups that are taken of what goes.
func (d *differ) planCleanups() {
	for _, c := range d.cleanups {
		if c.view.Err != nil {
			c.block(true, "cannot be looked at: "+oneLine(c.view.Err.Error()))
			continue
		}
		for _, note := range c.view.Notes {
			c.note(c.cleanup.Address, c.cleanup.Address+": "+oneLine(note))
		}
		c.planTrash()
		if len(c.view.Items) > 0 {
			c.planRemoval()
		} else if len(c.view.Refusals) > 0 {
			c.block(true, strings.Join(c.view.Refusals, "; "))
		}
	}
}

// block says why nothing is removed.
func (c *cleanupCase) block(failed bool, reason string) {
	c.add(&Blocked{Failed: failed, Meta: Meta{Address: c.cleanup.Address, Reason: reason, Cause: CauseChange}})
}

// planRemoval plans the removal of what is there, or says why it cannot be removed.
func (c *cleanupCase) planRemoval() {
	size := c.size()
	switch {
	case len(c.refusals) > 0:
		c.block(true, size+"; not removed: "+strings.Join(slices.Concat(c.refusals, c.waits), "; "))
		return
	case len(c.waits) > 0:
		reason := size + "; waits: " + strings.Join(c.waits, "; ")
		if taking := c.taken[c.config.Guard().Backup.Address]; taking != nil && c.behind.missing != "" {
			reason += ", which this plan takes: the next one cleans up"
		}
		c.block(false, reason)
		return
	}
	guard := c.config.Guard()
	action := &Cleanup{
		Block: c.cleanup.Address, Step: StepRemove, Items: c.view.Items, Facts: slices.Concat(c.behind.facts, c.view.Facts), Fingerprint: c.view.Fingerprint,
		Meta: Meta{Address: c.cleanup.Address, Cause: CauseChange, Bytes: c.view.Bytes(), Reason: size, Undo: "cannot be undone"},
	}
	if held := c.behind.held; held != nil {
		action.Behind, action.MinCopies, action.Artifact, action.Destinations = guard.Backup.Address, max(1, guard.MinCopies), held.artifact.ID, c.behind.destinations
		action.Reason += fmt.Sprintf("; verified backup of %s in %s", moment(held.artifact.StartedAt), units.Counted(len(action.Destinations), "destination", "destinations"))
		action.Undo = "cannot be undone; the backup restores it"
	}
	if grace, ok := c.graceOf(); ok {
		action.Step = StepTrash
		action.Undo = fmt.Sprintf("for %s: imsctl cleanup -restore %s", units.Age(grace), c.cleanup.Address)
		action.Reason += fmt.Sprintf("; moved to a trash, and removed after %s", units.Age(grace))
	}
	if c.taken[guard.Backup.Address] != nil {
		action.After = []string{guard.Backup.Address}
	}
	c.add(action)
}

// graceOf is how long the block keeps things in a trash.
func (c *cleanupCase) graceOf() (time.Duration, bool) {
	graced, ok := c.config.(providers.Graced)
	if !ok {
		return 0, false
	}
	return graced.GraceTime(), true
}

// size says how much is there: "1.7 GiB in 12,345 files, the newest db.sqlite3 of 2026-11-22 10:00 UTC".
func (c *cleanupCase) size() string {
	files := int64(0)
	for _, item := range c.view.Items {
		files += item.Files
	}
	text := units.Bytes(c.view.Bytes())
	if n := len(c.view.Items); n > 1 {
		text += fmt.Sprintf(" in %d items", n)
	}
	if files > 0 {
		text += " in " + units.Counted(files, "file", "files")
	}
	if !c.view.Newest.IsZero() {
		text += fmt.Sprintf(", the newest %s of %s", oneLine(c.view.NewestName), moment(c.view.Newest))
	}
	return text
}

// planTrash plans what becomes of the trashes: those that the state does not know, or that are gone, are recorded, and those whose
// time is over are removed.
func (c *cleanupCase) planTrash() {
	grace, _ := c.graceOf()
	there := make(map[string]bool)
	for _, trash := range c.view.Trash {
		there[trash.Name] = true
		record := state.TrashOf(c.history, trash.Name)
		action := &Cleanup{Block: c.cleanup.Address, Trash: trash.Name, MovedAt: trash.MovedAt.UTC(), Meta: Meta{Address: cleanupAddress(c.cleanup.Address, trash.Name)}}
		switch ends := trash.MovedAt.Add(grace); {
		case record == nil:
			action.Step, action.Cause = StepRecord, CauseRecovery
			action.Reason = fmt.Sprintf("moved to the trash at %s and not recorded: recorded now", moment(trash.MovedAt))
			action.Undo = "changes nothing but the state"
		case trash.Partial:
			action.Step, action.Cause, action.Bytes = StepPurge, CauseRecovery, record.Bytes
			action.Reason = fmt.Sprintf("in the trash since %s, and its removal was interrupted: the rest is removed", moment(trash.MovedAt))
			action.Undo = "cannot be undone"
		case !ends.After(c.now):
			action.Step, action.Cause, action.Bytes = StepPurge, CauseTime, record.Bytes
			action.Reason = fmt.Sprintf("%s in the trash since %s, the grace of %s is over since %s", units.Bytes(record.Bytes), moment(trash.MovedAt), units.Age(grace), moment(ends))
			action.Undo = "cannot be undone"
			if record.Artifact != "" {
				action.Undo += "; the backup " + record.Artifact + " restores it"
			}
		default:
			continue
		}
		c.add(action)
	}
	for _, record := range c.history {
		if record.Phase == state.Trashed && !there[record.Trash] {
			action := &Cleanup{Block: c.cleanup.Address, Step: StepRecord, Trash: record.Trash, MovedAt: record.At, Gone: true, Back: c.isBack(record), Meta: Meta{
				Address: cleanupAddress(c.cleanup.Address, record.Trash), Cause: CauseDrift,
				Reason: fmt.Sprintf("moved to the trash at %s, and not there any more: recorded as removed", moment(record.At)), Undo: "changes nothing but the state",
			}}
			if action.Back {
				action.Reason = fmt.Sprintf("moved to the trash at %s, and back from there: recorded as put back", moment(record.At))
			}
			c.add(action)
		}
	}
}

// IsTrash reports whether an address is that of a trash, or a path the trash's own.
func IsTrash(text string, record *state.Cleanup) bool {
	return text == record.Trash || text == cleanupAddress(record.Address, record.Trash)
}
