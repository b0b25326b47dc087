package planner

import (
	"time"

	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Reconcile returns the plan that makes the state say what was observed, and changes nothing else: it adopts copies that are
// complete and not recorded, reads those back that changed or that something is wrong with, and drops the records of copies
// that are gone for good; what the specification moves, removes and imports changes records only, and is part of it. Nothing is taken, copied or deleted. It is as pure as Diff.
func Reconcile(specification *spec.Spec, document *state.Document, observed *Observed, now time.Time) *Plan {
	d := newDiffer(specification, document, observed, now)
	for _, backup := range specification.Backups {
		t := d.newTask(backup)
		t.noteFuture()
		t.blockUnreachable()
		wanted := t.retained()
		for _, held := range t.holdings {
			for i := range t.places {
				t.reconcile(held, i, wanted[i][held.index])
			}
		}
	}
	d.planImports()
	d.noteStrangers()
	d.changeRecords()
	plan := d.finish()
	plan.RefreshOnly = true
	return plan
}

// reconcile decides what the state has to learn about one copy.
func (t *task) reconcile(held *holding, i int, retained bool) {
	copied := held.copies[i]
	switch {
	case copied.condition == changed, copied.condition == adoptable:
		t.verify(held, i)
	case !copied.bad():
	case copied.condition == gone && t.abandoned(held, i) != nil:
		t.forgetPruned(held, i)
	case copied.condition == gone && (!retained || t.isLost(held, i)):
		t.forget(held, i, CauseDrift, t.lossReason(held, i))
	case copied.record.Condition != state.Altered:
		t.confirm(held, i)
	}
}

// confirm plans to read back a copy that is seen to be bad, so that the state stops calling it good. Its record stays: the
// next plan that changes things repairs it.
func (t *task) confirm(held *holding, i int) {
	destination := t.places[i].address
	t.add(&Verify{Artifact: held.artifact.ID, Destination: destination, Problem: held.copies[i].problem, Meta: Meta{
		Address: copyAddress(t.backup.Address, destination, held.artifact.ID), Backup: t.backup.Address, Cause: CauseDrift,
		Reason: held.copies[i].problem + ": looked at again, then recorded", Undo: "changes nothing but the state",
	}})
}
