package planner

import (
	"errors"
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
