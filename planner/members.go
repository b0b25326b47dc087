package planner

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// ExpandOptions say how the members of groups are found beside those that the state has artifacts of.
type ExpandOptions struct {
	// Look asks the groups themselves. Tolerant makes nothing of one that does not answer, where members of it are known.
	Look, Tolerant bool
	// Known are addresses of backups of members that there are in any case, such as those that a plan is about.
	Known []string
	// Observe bounds the looking.
	Observe ObserveOptions
}

// Expand divides every backup of a group (providers.Group) into one backup for each member: backup.all of a source that
// stands for the databases a and b becomes backup.all["a"] and backup.all["b"], with all that was declared for backup.all.
// What it returns takes the place of the specification and the world, which are not changed.
//
// Its drills are divided in the same way. A member that has gone keeps its copies, under the same retention, and is not due again. Where the members could not be
// listed, or nothing is known of any, the backup itself stays beside them: its source says why it cannot be read.
func Expand(ctx context.Context, specification *spec.Spec, world *World, document *state.Document, clock clock.Clock, options ExpandOptions) (*spec.Spec, *World) {
	e := &expander{specification: specification, world: world, listed: make(map[string]listing)}
	for _, declared := range specification.Sources {
		if group, ok := world.Sources[declared.Address].(providers.Group); ok {
			e.listed[declared.Address] = listing{group: group, source: declared}
		}
	}
	if len(e.listed) == 0 {
		return specification, world
	}
	if options.Look {
		e.look(ctx, newObservation(specification, world, clock, options.Observe), options.Tolerant)
	}
	known := slices.Clone(options.Known)
	for _, artifact := range recordsOf(specification, document).document.Artifacts {
		known = append(known, artifact.Backup)
	}
	for _, intent := range document.Intents {
		known = append(known, intent.Backup)
	}
	return e.expand(known)
}

// listing is a group with the members that it was found to have.
type listing struct {
	group   providers.Group
	source  *spec.Source
	looked  bool
	members []string
	err     error
}

// expander is one call of Expand.
type expander struct {
	specification *spec.Spec
	world         *World
	listed        map[string]listing
}

// look lists the members of every group.
func (e *expander) look(ctx context.Context, o *observation, tolerant bool) {
	addresses := slices.Sorted(maps.Keys(e.listed))
	found := make([]listing, len(addresses))
	o.each(ctx, len(addresses), func(ctx context.Context, i int) {
		found[i] = e.listed[addresses[i]]
		found[i].looked = true
		found[i].err = o.call(ctx, func(ctx context.Context) (err error) {
			found[i].members, err = found[i].group.Members(ctx)
			return err
		})
		if found[i].err != nil && tolerant {
			found[i].looked, found[i].err = false, nil
		}
	})
	for i, address := range addresses {
		if found[i].group != nil {
			e.listed[address] = found[i]
		}
	}
}

// expand makes the specification and the world with the members that are known or were found.
func (e *expander) expand(known []string) (*spec.Spec, *World) {
	specification, world := *e.specification, *e.world
	specification.Backups, specification.Sources = nil, slices.Clone(specification.Sources)
	world.Sources, world.Drillers = maps.Clone(world.Sources), maps.Clone(world.Drillers)
	instances := make(map[string][]string)
	for _, backup := range e.specification.Backups {
		listing, ok := e.listed[backup.Source]
		if !ok {
			specification.Backups = append(specification.Backups, backup)
			continue
		}
		names := slices.Clone(listing.members)
		for _, address := range known {
			if name, ok := spec.MemberOf(address, backup.Address); ok && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		if len(names) == 0 || listing.err != nil {
			specification.Backups = append(specification.Backups, backup)
			instances[backup.Address] = append(instances[backup.Address], backup.Address)
		}
		for _, name := range names {
			member := *backup
			member.Address = spec.MemberAddress(backup.Address, name)
			member.Name, member.Source = spec.BackupName(member.Address), spec.MemberAddress(backup.Source, name)
			if listing.looked && listing.err == nil && !slices.Contains(listing.members, name) {
				member.Schedule = spec.Schedule{Once: true}
			}
			specification.Backups = append(specification.Backups, &member)
			instances[backup.Address] = append(instances[backup.Address], member.Address)
			if world.Sources[member.Source] == nil {
				world.Sources[member.Source] = listing.group.Member(name)
				source := *listing.source
				source.Address = member.Source
				specification.Sources = append(specification.Sources, &source)
			}
		}
	}
	for i, backup := range specification.Backups {
		specification.Backups[i] = waitingFor(backup, instances)
	}
	slices.SortStableFunc(specification.Backups, func(a, b *spec.Backup) int { return strings.Compare(a.Address, b.Address) })
	specification.Drills = divideDrills(specification.Drills, instances, &world)
	return &specification, &world
}

// waitingFor is a backup that waits for the instances of what it was declared to wait for.
func waitingFor(backup *spec.Backup, instances map[string][]string) *spec.Backup {
	if !slices.ContainsFunc(backup.DependsOn, func(address string) bool { return instances[address] != nil }) {
		return backup
	}
	waiting := *backup
	waiting.DependsOn = nil
	for _, address := range backup.DependsOn {
		if members := instances[address]; members != nil {
			waiting.DependsOn = append(waiting.DependsOn, members...)
		} else {
			waiting.DependsOn = append(waiting.DependsOn, address)
		}
	}
	return &waiting
}

// divideDrills makes of a drill of a divided backup one for each of its instances.
func divideDrills(drills []*spec.Drill, instances map[string][]string, world *World) []*spec.Drill {
	var divided []*spec.Drill
	for _, drill := range drills {
		of := instances[drill.Backup]
		if of == nil {
			divided = append(divided, drill)
			continue
		}
		for _, address := range of {
			member := *drill
			if name, ok := spec.MemberOf(address, drill.Backup); ok {
				member.Address, member.Backup = spec.MemberAddress(drill.Address, name), address
				member.Name = strings.TrimPrefix(member.Address, "drill.")
				world.Drillers[member.Address] = world.Drillers[drill.Address]
			}
			divided = append(divided, &member)
		}
	}
	return divided
}

// StoredMembers are the addresses of the backups of members that have something at a destination, for Expand where the state knows
// less than it should. Destinations that cannot be listed are passed over.
func StoredMembers(ctx context.Context, specification *spec.Spec, world *World, clock clock.Clock, options ObserveOptions) []string {
	o := newObservation(specification, world, clock, options)
	type place struct {
		backup      string
		destination providers.Destination
		members     []string
	}
	var places []*place
	for _, backup := range specification.Backups {
		if _, ok := world.Sources[backup.Source].(providers.Group); !ok {
			continue
		}
		for _, address := range backup.To {
			if destination := world.Destinations[address]; destination != nil {
				places = append(places, &place{backup: backup.Address, destination: destination})
			}
		}
	}
	o.each(ctx, len(places), func(ctx context.Context, i int) {
		// Whoever looks at the destination says what is wrong with it.
		_ = o.call(ctx, func(ctx context.Context) error {
			return places[i].destination.List(ctx, spec.MemberFolders(places[i].backup), func(object providers.Object) error {
				if member, ok := spec.MemberIn(places[i].backup, strings.TrimSuffix(folderOf(object.Key), "/")); ok {
					places[i].members = append(places[i].members, member)
				}
				return nil
			})
		})
	})
	var members []string
	for _, place := range places {
		members = append(members, place.members...)
	}
	slices.Sort(members)
	return slices.Compact(members)
}
