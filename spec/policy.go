package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// The codes of warnings about what a specification leaves to chance. docs/warnings.md says more about each.
const (
	warnCopies      = "IMS101"
	warnOffHost     = "IMS102"
	warnDrill       = "IMS103"
	warnRetention   = "IMS104"
	warnUnused      = "IMS105"
	warnCredentials = "IMS106"
	warnDoubled     = "IMS107"
)

// Policy returns warnings about a valid specification: what it says is possible, and most likely not what is meant. They are
// ordered by place.
func Policy(specification *Spec, registry *providers.Registry) hcl.Diagnostics {
	p := &policy{Spec: specification, registry: registry, told: make(map[told]bool),
		sources:      byAddress(specification.Sources, func(s *Source) string { return s.Address }),
		destinations: byAddress(specification.Destinations, func(d *Destination) string { return d.Address }),
	}
	for _, backup := range specification.Backups {
		p.copies(backup)
		p.drill(backup)
		p.retention(backup)
		p.doubled(backup.Range, backup.Schedule)
	}
	for _, drill := range specification.Drills {
		p.doubled(drill.Range, drill.Schedule)
	}
	p.unused()
	return sorted(p.found)
}

// policy is one call of Policy.
type policy struct {
	*Spec
	registry     *providers.Registry
	sources      map[string]*Source
	destinations map[string]*Destination
	found        hcl.Diagnostics
	told         map[told]bool
}

// told is a warning about a place.
type told struct {
	at   hcl.Range
	code string
}

// warn adds a warning, once for all instances of a block.
func (p *policy) warn(at hcl.Range, code, summary, detail string) {
	if p.told[told{at, code}] {
		return
	}
	p.told[told{at, code}] = true
	p.found = append(p.found, warning(at, code+": "+summary, fmt.Sprintf("%s See docs/warnings.md#%s.", detail, strings.ToLower(code))))
}

// copies warns of too few copies, and of copies that would be lost together with the original.
func (p *policy) copies(backup *Backup) {
	if len(backup.To) < 2 {
		p.warn(backup.Range, warnCopies, "Fewer than three copies",
			fmt.Sprintf("With the original there are %d: when one is lost while another one is damaged, nothing is left. Add a destination.", len(backup.To)+1))
	}
	origin, placed := p.host(backup.Source, p.sources[backup.Source].Config)
	if !placed || slices.ContainsFunc(backup.To, func(address string) bool { return p.access(address) != p.machine(origin) }) {
		p.credentials(backup)
		return
	}
	p.warn(backup.Range, warnOffHost, "No copy off the host",
		fmt.Sprintf("All copies are on %s, where the source is read: they can be lost together. Add a destination elsewhere.", origin))
}

// credentials warns of copies that somebody who has stolen one secret can delete all of.
func (p *policy) credentials(backup *Backup) {
	first := p.access(backup.To[0])
	if len(backup.To) < 2 || slices.ContainsFunc(backup.To, func(address string) bool { return p.access(address) != first }) {
		return
	}
	p.warn(backup.Range, warnCredentials, "The same credentials for all destinations",
		"Who has them can delete every copy, by mistake or not. Give one of the destinations credentials of its own.")
}

// access is what access to a destination is gained with: the host that it is on, or its own credentials.
func (p *policy) access(address string) string {
	config := p.destinations[address].Config
	if own, ok := config.(providers.Credentialed); ok {
		return own.Credentials()
	}
	if host, placed := p.host(address, config); placed {
		return p.machine(host)
	}
	return address
}

// doubled warns of something that is due for two reasons.
func (p *policy) doubled(at hcl.Range, schedule Schedule) {
	if schedule.Doubled() {
		p.warn(at, warnDoubled, "Both every and schedule",
			fmt.Sprintf("It is due after %s or when %q fires, whatever comes first. Leave out the one that is not meant.", schedule.Every, schedule.Expression))
	}
}

// machine is what the hosts have in common that are ways to the same machine.
func (p *policy) machine(host string) string {
	for _, declared := range p.Hosts {
		if located, ok := declared.Config.(providers.Located); ok && declared.Address == host {
			if machine := located.Machine(); machine != "" {
				return machine
			}
			return providers.LocalHost
		}
	}
	return host
}

// host is where a block with an attribute of that name lives; false for one that lives on no host of the specification.
func (p *policy) host(address string, config providers.Config) (string, bool) {
	for _, field := range fields(reflect.TypeOf(config).Elem()) {
		if field.name != "host" {
			continue
		}
		for _, reference := range p.References[address] {
			if strings.HasPrefix(reference, "host.") {
				return reference, true
			}
		}
		return providers.LocalHost, true
	}
	return "", false
}

// drill warns of a database whose backup is never restored.
func (p *policy) drill(backup *Backup) {
	source := p.sources[backup.Source]
	provider, _ := p.registry.Lookup(providers.KindSource, source.Type)
	// What no drill can be declared of yet is nothing to be warned of.
	if !provider.Database || provider.Drill == nil || slices.ContainsFunc(p.Drills, func(d *Drill) bool { return d.Backup == backup.Address }) {
		return
	}
	p.warn(backup.Range, warnDrill, "No drill for a database",
		fmt.Sprintf("Nothing proves that %s can be restored. Declare a drill of it.", backup.Address))
}

// retention warns of a destination where a backup is too old to be kept before the next one comes.
func (p *policy) retention(backup *Backup) {
	every := backup.Schedule.Interval()
	for _, address := range backup.To {
		keep := p.destinations[address].Retention
		if keep == nil || keep.KeepWithin == 0 || every == 0 || time.Duration(keep.KeepWithin) >= every || keep.counts() {
			continue
		}
		p.warn(backup.Range, warnRetention, "Retention shorter than the schedule",
			fmt.Sprintf("%s keeps %s and a new backup comes only every %s, so that there is never more than one.", keep.Address, keep.KeepWithin, units.Duration(every)))
	}
}

// counts reports whether a retention keeps a number of artifacts, whatever their age.
func (r *Retention) counts() bool {
	return r.KeepLast > 1 || r.KeepHourly > 1 || r.KeepDaily > 1 || r.KeepWeekly > 1 || r.KeepMonthly > 1 || r.KeepYearly > 1
}

// unused warns of blocks that nothing refers to.
func (p *policy) unused() {
	used := make(map[string]bool)
	for _, targets := range p.References {
		for _, address := range targets {
			block, _, _ := strings.Cut(address, "[")
			used[block] = true
		}
	}
	check := func(address string, at hcl.Range) {
		block, _, _ := strings.Cut(address, "[")
		// Built-in profiles have no place.
		if !used[block] && at.Filename != "" {
			p.warn(at, warnUnused, "Unused block", fmt.Sprintf("Nothing refers to %s.", block))
		}
	}
	for _, source := range p.Sources {
		check(source.Address, source.Range)
	}
	for _, destination := range p.Destinations {
		check(destination.Address, destination.Range)
	}
	for _, compression := range p.Compressions {
		check(compression.Address, compression.Range)
	}
	for _, retention := range p.Retentions {
		check(retention.Address, retention.Range)
	}
	for _, host := range p.Hosts {
		check(host.Address, host.Range)
	}
}
