package planner

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
)

// Scope narrows a plan down.
type Scope struct {
	// Targets are the addresses to keep, with everything that they wait for; none keeps everything.
	Targets []string
	// Exclude are the addresses to leave out, with everything that waits for them.
	Exclude []string
}

// Empty reports whether a scope keeps everything.
func (s Scope) Empty() bool { return len(s.Targets) == 0 && len(s.Exclude) == 0 }

// Check refuses addresses that name nothing in a specification. Those of single actions, which only a plan knows, are among them.
func (s Scope) Check(specification *spec.Spec) error {
	if len(s.Targets) > 0 && len(s.Exclude) > 0 {
		return errBothScopes
	}
	for _, address := range slices.Concat(s.Targets, s.Exclude) {
		// Members of a group, which are known when its server is asked, are named by their keys.
		block, _, _ := strings.Cut(address, "[")
		if err := known(&Plan{}, specification, block); err != nil {
			return err
		}
	}
	return nil
}

var errBothScopes = errors.New("-target and -exclude cannot be combined: name what is wanted, or what is not")

// Narrow leaves out of a specification the deploys and cleanups that the scope leaves out: nobody looks at their hosts then.
func (s Scope) Narrow(specification *spec.Spec) *spec.Spec {
	narrow := *specification
	narrow.Deploys, narrow.Cleanups = nil, nil
	for _, deploy := range specification.Deploys {
		if s.includes(deploy.Address) {
			narrow.Deploys = append(narrow.Deploys, deploy)
		}
	}
	for _, cleanup := range specification.Cleanups {
		if s.includes(cleanup.Address) {
			narrow.Cleanups = append(narrow.Cleanups, cleanup)
		}
	}
	return &narrow
}

// includes reports whether a block is in the scope, as one, or with what an address below it names.
func (s Scope) includes(block string) bool {
	in := func(address string) bool { return within(block, address) }
	below := func(address string) bool { return in(address) || strings.HasPrefix(address, block+"/") }
	return !slices.ContainsFunc(s.Exclude, in) && (len(s.Targets) == 0 || slices.ContainsFunc(s.Targets, below))
}

// Select returns the part of a plan that a scope keeps. An address is that of a block, which stands for all of its
// instances and all that is done for it (backup.database) or at it (destination.local.vm), or that of one action. One that
// names nothing in the specification or in the plan is an error. A note says what was left out.
func Select(plan *Plan, specification *spec.Spec, scope Scope) (*Plan, error) {
	if scope.Empty() {
		return plan, nil
	}
	if len(scope.Targets) > 0 && len(scope.Exclude) > 0 {
		return nil, errBothScopes
	}
	for _, address := range slices.Concat(scope.Targets, scope.Exclude) {
		if err := known(plan, specification, address); err != nil {
			return nil, err
		}
	}
	kept := make(map[string]bool, len(plan.Actions))
	if len(scope.Targets) > 0 {
		plan.keep(scope.Targets, kept)
	} else {
		plan.drop(scope.Exclude, kept)
	}
	narrow := *plan
	narrow.Actions = nil
	narrow.Fingerprints = make(map[string]string)
	for _, action := range plan.Actions {
		if kept[action.Common().Address] {
			narrow.Actions = append(narrow.Actions, action)
			for _, address := range concerned(action) {
				narrow.Fingerprints[address] = plan.Fingerprints[address]
			}
		}
	}
	if left := len(plan.Actions) - len(narrow.Actions); left > 0 {
		narrow.Notes = slices.Concat(plan.Notes, []Note{{Address: "plan", Text: fmt.Sprintf("this is a part of the plan only: %s not shown", units.Counted(left, "action is", "actions are"))}})
	}
	return &narrow, nil
}

// keep marks the actions that are targeted, and those that they wait for.
func (p *Plan) keep(targets []string, kept map[string]bool) {
	byAddress := make(map[string]Action, len(p.Actions))
	var pending []string
	for _, action := range p.Actions {
		meta := action.Common()
		byAddress[meta.Address] = action
		if matches(meta, targets) {
			pending = append(pending, meta.Address)
		}
	}
	for len(pending) > 0 {
		address := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if action := byAddress[address]; action != nil && !kept[address] {
			kept[address] = true
			pending = append(pending, action.Common().After...)
		}
	}
}

// drop marks the actions that are neither excluded nor wait for one that is.
func (p *Plan) drop(excluded []string, kept map[string]bool) {
	waiting := make(map[string][]string)
	dropped := make(map[string]bool)
	var pending []string
	for _, action := range p.Actions {
		meta := action.Common()
		for _, before := range meta.After {
			waiting[before] = append(waiting[before], meta.Address)
		}
		if matches(meta, excluded) {
			pending = append(pending, meta.Address)
		}
	}
	for len(pending) > 0 {
		address := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if !dropped[address] {
			dropped[address] = true
			pending = append(pending, waiting[address]...)
		}
	}
	for _, action := range p.Actions {
		kept[action.Common().Address] = !dropped[action.Common().Address]
	}
}

// matches reports whether an action belongs to one of the addresses.
func matches(meta *Meta, addresses []string) bool {
	backup := meta.Backup
	if backup == "" {
		backup = meta.Address
	}
	if isCleanup(backup) {
		backup, _, _ = strings.Cut(backup, trashSuffix)
	}
	_, place, _ := strings.Cut(meta.Address, "@")
	place, _, _ = strings.Cut(place, "#")
	for _, suffix := range []string{retentionSuffix, backfillSuffix, readBackSuffix, movedSuffix, removedSuffix} {
		place = strings.TrimSuffix(place, suffix)
	}
	for _, address := range addresses {
		if meta.Address == address || within(backup, address) || within(place, address) || isDrill(meta.Address) && within(meta.Address, address) {
			return true
		}
	}
	return false
}

// within reports whether an address is another one, or an instance of it.
func within(address, block string) bool {
	return address == block || strings.HasPrefix(address, block+"[")
}

// known refuses an address that names nothing.
func known(plan *Plan, specification *spec.Spec, address string) error {
	var all []string
	for _, backup := range specification.Backups {
		all = append(all, backup.Address)
	}
	for _, destination := range specification.Destinations {
		all = append(all, destination.Address)
	}
	for _, drill := range specification.Drills {
		all = append(all, drill.Address)
	}
	for _, check := range specification.Checks {
		all = append(all, check.Address)
	}
	for _, deploy := range specification.Deploys {
		all = append(all, deploy.Address)
	}
	for _, cleanup := range specification.Cleanups {
		all = append(all, cleanup.Address)
	}
	for _, action := range plan.Actions {
		all = append(all, action.Common().Address)
	}
	for _, candidate := range all {
		if within(candidate, address) {
			return nil
		}
		block, _, _ := strings.Cut(candidate, "[")
		all = append(all, block)
	}
	return fmt.Errorf("%s names no backup, destination, drill, check, deploy or cleanup, and no action of this plan.%s", address, spelling.Proposal(address, all))
}
