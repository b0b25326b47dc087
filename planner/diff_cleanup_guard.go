package planner

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
)

// standing is the backup that stands behind a cleanup, or why none does.
type standing struct {
	held         *holding
	destinations []string
	facts        []string
	// refused is why none ever will as things are declared, missing why none does now: the end of a sentence. stale is set when a
	// new backup would do.
	refused, missing string
	stale            bool
}

// standBehind finds the newest artifact of the guard's backup that has enough verified copies and was begun after the newest of what
// goes was changed.
func (c *cleanupCase) standBehind() standing {
	guard := c.config.Guard()
	backup := c.backups[guard.Backup.Address]
	least := max(1, guard.MinCopies)
	if len(backup.To) < least {
		return standing{refused: fmt.Sprintf("min_copies is %d, and %s has %s", least, backup.Address, units.Counted(len(backup.To), "destination", "destinations"))}
	}
	what := WhatIsRead(c.specification, backup)
	missing := standing{missing: "no verified backup of " + backup.Address}
	for _, held := range c.survey(backup).holdings {
		if !held.live() || held.artifact.StartedAt.Sub(c.now) > MaxSkew {
			continue
		}
		places := held.verifiedAt(backup)
		began := moment(held.artifact.StartedAt)
		switch {
		case held.artifact.What != what:
			missing.stale = true
			missing.missing = fmt.Sprintf("the backup of %s is of %s, not of %s", began, orUnknown(held.artifact.What), what)
		case !held.artifact.StartedAt.After(c.view.Newest):
			missing.stale = true
			missing.missing = fmt.Sprintf("the verified backup of %s is older than the newest file", began)
		case len(places) < least:
			missing.missing = fmt.Sprintf("the backup of %s has a verified copy in %d of the %s that min_copies asks for", began, len(places), units.Counted(least, "destination", "destinations"))
		default:
			found := standing{held: held, destinations: places, facts: []string{
				fmt.Sprintf("backup %s, begun after the newest change; verified copies: %s", held.artifact.ID, strings.Join(places, ", ")),
			}}
			for _, warning := range held.artifact.Warnings {
				found.facts = append(found.facts, "the backup warned: "+oneLine(warning))
			}
			return found
		}
		return missing
	}
	return missing
}

// orUnknown is what an artifact was taken of, where that is recorded.
func orUnknown(what string) string {
	if what == "" {
		return "what it does not say"
	}
	return what
}

// verifiedAt lists the destinations of a backup with a copy that nothing speaks against.
func (h *holding) verifiedAt(backup *spec.Backup) []string {
	var places []string
	for i, address := range backup.To {
		if h.copies[i].condition == good {
			places = append(places, address)
		}
	}
	return places
}

// WhatIsRead says what the source of a backup reads, on which host and without what, so that it can be told from everything else:
// "/srv/old without .git on host.ssh.vm". Empty for sources that do not tell.
func WhatIsRead(specification *spec.Spec, backup *spec.Backup) string {
	source := specification.Source(backup.Source)
	if source == nil {
		return ""
	}
	claimed, ok := source.Config.(providers.Claimed)
	if !ok {
		return ""
	}
	claim := claimed.Claim(providers.Environment{Directory: specification.Directory})
	if claim.What == "" {
		return ""
	}
	return specification.Redact(claim.What) + " on " + claim.Host.OfHost()
}

// uncovered says why the guard's backup does not hold what goes.
func (c *cleanupCase) uncovered() []string {
	backup := c.backups[c.config.Guard().Backup.Address]
	if backup == nil {
		return nil
	}
	source := c.specification.Source(backup.Source)
	if source == nil {
		return []string{fmt.Sprintf("nobody can say what %s is of", backup.Address)}
	}
	if why := c.config.Uncovered(source.Config, c.environment()); why != "" {
		return []string{fmt.Sprintf("%s does not stand for it: %s", backup.Address, why)}
	}
	return nil
}

// environment is what places are told in: no I/O is done with it.
func (d *differ) environment() providers.Environment {
	return providers.Environment{Directory: d.specification.Directory}
}

// mentions says which checks find that a path is still in use, or were not asked.
func (c *cleanupCase) mentions() []string {
	var found []string
	for _, check := range Mentioning(c.specification, c.config) {
		switch finding, asked := c.finding(check.Address); {
		case !asked:
			found = append(found, check.Address+" was not asked")
		case finding.Verdict == providers.Failed:
			found = append(found, check.Address+seen(finding))
		}
	}
	return found
}

// Mentioning are the checks that find mentions of what a cleanup removes.
func Mentioning(specification *spec.Spec, cleanup providers.CleanupConfig) []*spec.Check {
	places := cleanup.Removes(providers.Environment{Directory: specification.Directory})
	var found []*spec.Check
	for _, check := range specification.Checks {
		if forbidding, ok := check.Config.(providers.Forbidding); ok && slices.ContainsFunc(places, forbidding.Forbids) {
			found = append(found, check)
		}
	}
	return found
}

// occupants says what else of the specification lies where something goes, or has that in it.
func (c *cleanupCase) occupants() []string {
	var found []string
	for _, place := range c.config.Removes(c.environment()) {
		o := &occupation{cleanupCase: c, place: place}
		o.look()
		found = append(found, o.found...)
	}
	return found
}

// occupation looks for what else is at a place.
type occupation struct {
	*cleanupCase
	place providers.Occupied
	found []string
}

func (o *occupation) look() {
	env := o.environment()
	o.inside("the specification", providers.Occupied{Path: o.specification.Directory})
	for _, deploy := range o.specification.Deploys {
		o.apart(deploy.Address, providers.Occupied{Host: deploy.Target.Host, Path: deploy.Target.Path})
		o.inside("the working copy of "+deploy.Address, providers.Occupied{Path: deploy.Target.WorkingCopy})
	}
	for _, destination := range o.specification.Destinations {
		if occupying, ok := destination.Config.(providers.Occupying); ok {
			o.apart(destination.Address, occupying.Occupies(env))
		}
	}
	guarding := ""
	if backup := o.backups[o.config.Guard().Backup.Address]; backup != nil {
		guarding = backup.Source
	}
	for _, source := range o.specification.Sources {
		if placed, ok := source.Config.(providers.Placed); ok && source.Address != guarding {
			if target := placed.Place(env); target.Kind == providers.TargetDirectory {
				o.inside(source.Address, providers.Occupied{Host: target.Host, Path: target.Location})
			}
		}
	}
	for _, other := range o.specification.Cleanups {
		if config, ok := other.Config.(providers.CleanupConfig); ok && other.Address != o.cleanup.Address {
			for _, place := range config.Removes(env) {
				o.inside(other.Address, place)
			}
		}
	}
}

// inside refuses what lies at the place or in it.
func (o *occupation) inside(who string, other providers.Occupied) {
	if other.Path != "" && o.machine(other.Host) == o.machine(o.place.Host) && isBelow(other.Path, o.place.Path) {
		o.found = append(o.found, fmt.Sprintf("%s is in there: %s", who, other.Path))
	}
}

// apart refuses what lies at the place, in it or around it.
func (o *occupation) apart(who string, other providers.Occupied) {
	o.inside(who, other)
	if other.Path != "" && path.Clean(other.Path) != path.Clean(o.place.Path) && o.machine(other.Host) == o.machine(o.place.Host) && isBelow(o.place.Path, other.Path) {
		o.found = append(o.found, fmt.Sprintf("it is in the folder of %s: %s", who, other.Path))
	}
}

// machine tells the machines of the specification apart.
func (d *differ) machine(reference providers.Reference) string {
	for _, host := range d.specification.Hosts {
		if located, ok := host.Config.(providers.Located); ok && host.Address == reference.Address {
			return located.Machine()
		}
	}
	if reference.OfHost() == providers.LocalHost {
		return ""
	}
	return reference.Address
}

// isBelow reports whether a path is a folder or lies in it.
func isBelow(one, folder string) bool {
	one, folder = path.Clean(one), path.Clean(folder)
	return one == folder || folder == "/" || strings.HasPrefix(one, folder+"/")
}
