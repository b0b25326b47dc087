package planner

import (
	"context"
	"fmt"
	"slices"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// ObserveCopies looks at what lies at destinations, whatever the state says of it: every manifest in the folders of all
// backups, under the names that they have, that moved blocks give up, and that recorded artifacts lie in, is read. No
// destinations are all that are declared. It changes nothing, and looks at no source. What cannot be seen is said in the
// view concerned; the error is for the end of ctx only.
func ObserveCopies(ctx context.Context, specification *spec.Spec, document *state.Document, world *World, clock clock.Clock,
	destinations []string, options ObserveOptions) (*Observed, error) {
	o := newObservation(specification, world, clock, options)
	observed := &Observed{Destinations: make(map[string]*DestinationView)}
	var lookouts []*lookout
	folders := foldersOf(specification, document)
	for _, declared := range specification.Destinations {
		if len(destinations) > 0 && !slices.Contains(destinations, declared.Address) {
			continue
		}
		at := o.lookout(declared.Address)
		observed.Destinations[declared.Address] = at.view
		for _, folder := range folders {
			at.lists(folder)
		}
		if declared.NotBuilt != "" {
			at.view.Err = fmt.Errorf("%s", declared.NotBuilt)
			continue
		}
		lookouts = append(lookouts, at)
	}
	o.look(ctx, lookouts)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("looking at the destinations: %w", err)
	}
	return observed, nil
}

// lookout makes one that knows of no copy.
func (o *observation) lookout(address string) *lookout {
	return &lookout{
		observation: o, address: address, destination: o.world.Destinations[address],
		known: make(map[string]bool), listed: make(map[string]bool), expected: make(map[string]int),
		view: &DestinationView{Free: -1, Objects: make(map[string]providers.Object), Manifests: make(map[string]ManifestView)},
	}
}

// look asks the destinations, then lists what lies there.
func (o *observation) look(ctx context.Context, lookouts []*lookout) {
	o.each(ctx, len(lookouts), func(ctx context.Context, i int) { lookouts[i].ask(ctx) })
	visits := visitsOf(lookouts)
	o.each(ctx, len(visits), func(ctx context.Context, i int) { visits[i].lookout.visit(ctx, visits[i].group) })
	for _, lookout := range lookouts {
		lookout.close()
	}
}

// foldersOf lists the folders in which artifacts of the specification's backups may lie, each once.
func foldersOf(specification *spec.Spec, document *state.Document) []string {
	var folders []string
	listed := make(map[string]bool)
	add := func(folder string) {
		if !listed[folder] {
			listed[folder] = true
			folders = append(folders, folder)
		}
	}
	for _, backup := range specification.Backups {
		add(prefix(backup))
	}
	for _, move := range specification.Moves {
		if !isDestination(move.From) {
			add(spec.BackupName(move.From) + "/")
		}
	}
	for _, adoption := range specification.Imports {
		if sought := importPrefix(adoption.ID); sought != "" {
			add(folderOf(sought))
		}
	}
	for _, artifact := range document.Artifacts {
		add(folderOf(artifact.Key))
	}
	return folders
}
