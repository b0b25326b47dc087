package planner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// noteUnbuilt remembers that something can be declared but not used yet.
func (d *differ) noteUnbuilt(address, notBuilt string) {
	if notBuilt != "" {
		d.unbuilt[address] = errors.New(notBuilt)
	}
}

// blockUnbuilt says in a line for each block what is declared and cannot be done yet.
func (d *differ) blockUnbuilt() {
	seen := make(map[string]bool)
	block := func(address, notBuilt string) {
		// All instances of a block have the same to say.
		address, _, _ = strings.Cut(address, "[")
		if notBuilt == "" || seen[address] {
			return
		}
		seen[address] = true
		d.add(&Blocked{Meta: Meta{Address: address, Reason: notBuilt, Cause: CauseChange}})
	}
	for _, move := range d.specification.Moves {
		d.blockChange("moved:"+move.From, fmt.Sprintf("what is recorded of %s cannot be moved to %s yet", move.From, move.To))
	}
	for _, removal := range d.specification.Removals {
		d.blockChange("removed:"+removal.From, fmt.Sprintf("what is recorded of %s cannot be forgotten yet", removal.From))
	}
	for _, adoption := range d.specification.Imports {
		d.blockChange("import:"+adoption.ID, fmt.Sprintf("%s cannot be adopted for %s yet", adoption.ID, adoption.To))
	}
	for _, drill := range d.specification.Drills {
		block(drill.Address, drill.NotBuilt)
	}
	for _, check := range d.specification.Checks {
		block(check.Address, check.NotBuilt)
	}
	for _, deploy := range d.specification.Deploys {
		block(deploy.Address, deploy.NotBuilt)
	}
	for _, cleanup := range d.specification.Cleanups {
		block(cleanup.Address, cleanup.NotBuilt)
	}
	for _, notify := range d.specification.Notifies {
		block(notify.Address, notify.NotBuilt)
	}
}

// blockChange says that a change to what is recorded is asked for and cannot be made yet. That is an error: the state goes on
// saying what the specification has given up.
func (d *differ) blockChange(address, reason string) {
	d.add(&Blocked{Failed: true, Meta: Meta{Address: address, Reason: reason + ": that is not built", Cause: CauseChange}})
}

// orderBackups lets planned backups wait for those that they depend on.
func (d *differ) orderBackups() {
	for address, taking := range d.taken {
		for _, dependency := range d.backups[address].DependsOn {
			if other := d.taken[dependency]; other != nil && !slices.Contains(taking.After, other.Address) {
				taking.After = append(taking.After, other.Address)
			}
		}
		slices.Sort(taking.After)
	}
}
