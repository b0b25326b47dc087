package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

// rebuildArguments are the flags of state rebuild.
type rebuildArguments struct {
	*stateArguments
	destinations     []string
	lineages         []string
	dryRun           bool
	autoApprove      bool
	allowUnreachable bool
	replaceDamaged   bool
	json             bool
}

func (c *cli) stateRebuildCommand(shared *stateArguments) *cobra.Command {
	arguments := rebuildArguments{stateArguments: shared}
	command := &cobra.Command{
		Use:   "rebuild",
		Short: "Make the state again from the manifests at the destinations",
		Long: `Reads every manifest in the folders of the specification's backups, at every
destination that it declares, checks each against what lies beside it, shows
what the state would record, asks, and records it. What is recorded already
stays as it is. Nothing at the destinations is touched.

A copy counts as verified where the store's own checksum proves it; any other
can be restored at once, and the next apply reads it back. What contradicts
itself is shown and left out. The state before is kept beside it
(state.json.backup).

EXIT STATUS
  0  recorded, or nothing is missing in the state, or -dry-run
  1  an error, or a destination that cannot be looked at; nothing was changed
  3  as 0, but something was left out that a person has to judge`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return c.stateRebuild(command.Context(), arguments) },
	}
	flags := command.Flags()
	flags.StringArrayVar(&arguments.destinations, "destination", nil, "look only at this destination `address`; may be repeated")
	flags.StringArrayVar(&arguments.lineages, "lineage", nil, "take also the artifacts of this `history` of states; may be repeated, the first becomes that of an empty state")
	flags.BoolVar(&arguments.dryRun, "dry-run", false, "only show what would be recorded")
	flags.BoolVar(&arguments.autoApprove, "auto-approve", false, "do not ask")
	flags.BoolVar(&arguments.allowUnreachable, "allow-unreachable", false, "go on without destinations that cannot be looked at")
	flags.BoolVar(&arguments.replaceDamaged, "replace-damaged", false, "take a damaged state on a server for an empty one")
	flags.BoolVar(&arguments.json, "json", false, "print JSON")
	arguments.registerLock(flags)
	return command
}

func (c *cli) stateRebuild(ctx context.Context, arguments rebuildArguments) (err error) {
	if arguments.json && !arguments.autoApprove && !arguments.dryRun {
		return errors.New("-json asks nobody: give -dry-run to look, or -auto-approve to record")
	}
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	if err := checkDestinations(project, arguments.destinations); err != nil {
		return err
	}
	if arguments.dryRun {
		document, err := project.backend.Read(ctx)
		if err != nil {
			return err
		}
		return c.showRebuilding(ctx, project, document, arguments)
	}
	lock := project.lock
	if arguments.replaceDamaged {
		lock = project.lockDamaged
	}
	session, err := lock(ctx, c, "state rebuild", arguments.lockTimeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	return c.rebuildLocked(ctx, project, session, arguments)
}

// checkDestinations refuses addresses that are not declared.
func checkDestinations(project *project, addresses []string) error {
	known := destinationAddresses(project.spec)
	for _, address := range addresses {
		if !slices.Contains(known, address) {
			return fmt.Errorf("-destination: %s is not declared.%s", address, spelling.Proposal(address, known))
		}
	}
	return nil
}

// rebuildLocked shows what would be recorded, asks, and records it.
func (c *cli) rebuildLocked(ctx context.Context, project *project, session state.Session, arguments rebuildArguments) error {
	replacer, ok := session.(state.Replacer)
	if !ok {
		return fmt.Errorf("the state %s cannot be replaced as a whole", project.backend.Location())
	}
	document := session.Document()
	fresh := document.Lineage
	if document.Serial == 0 {
		// It has a name by now, which nobody has seen.
		document.Lineage = ""
	}
	view := c.newRebuildView(project, arguments)
	rebuilding, err := c.rebuild(ctx, project, document, arguments)
	if err == nil {
		err = view.show(rebuilding)
	}
	if err != nil {
		return err
	}
	if rebuilding.HasChanges() {
		if !arguments.autoApprove {
			if err := c.approveRebuilding(ctx, arguments); err != nil {
				return err
			}
		}
		after := rebuilding.Document
		after.Serial = document.Serial + 1
		if after.Lineage == "" {
			after.Lineage = fresh
		}
		if err := replacer.Replace(ctx, after); err != nil {
			return err
		}
	}
	if err := view.conclude(rebuilding); err != nil {
		return err
	}
	return rebuildCode(rebuilding)
}

// rebuildCode is the exit code that the result deserves.
func rebuildCode(rebuilding *planner.Rebuilding) error {
	if len(rebuilding.LeftOut) > 0 {
		return exitCode(exitDegraded)
	}
	return nil
}

// approveRebuilding asks.
func (c *cli) approveRebuilding(ctx context.Context, arguments rebuildArguments) error {
	if !arguments.input {
		return errors.New("this needs approval: run with -auto-approve")
	}
	yes, err := c.askYes(ctx, "Do you want the state to record this?")
	if err == nil && !yes {
		return errors.New("cancelled: nothing was changed")
	}
	return err
}

// showRebuilding is the whole of -dry-run.
func (c *cli) showRebuilding(ctx context.Context, project *project, document *state.Document, arguments rebuildArguments) error {
	rebuilding, err := c.rebuild(ctx, project, document, arguments)
	if err != nil {
		return err
	}
	view := c.newRebuildView(project, arguments)
	if err := errors.Join(view.show(rebuilding), view.conclude(rebuilding)); err != nil {
		return err
	}
	return rebuildCode(rebuilding)
}

// rebuild looks at the destinations and makes the state that their manifests tell of.
func (c *cli) rebuild(ctx context.Context, project *project, document *state.Document, arguments rebuildArguments) (*planner.Rebuilding, error) {
	project.expand(ctx, c, document, planner.ExpandOptions{
		Look: true, Known: planner.StoredMembers(ctx, project.spec, project.world, c.clock, planner.ObserveOptions{}),
	})
	observed, err := planner.ObserveCopies(ctx, project.spec, document, project.world, c.clock, arguments.destinations, planner.ObserveOptions{})
	if err != nil {
		return nil, err
	}
	unreachable := false
	for _, address := range destinationAddresses(project.spec) {
		view := observed.Destinations[address]
		if view == nil || view.Err == nil {
			continue
		}
		severity := "Warning"
		if !arguments.allowUnreachable {
			severity, unreachable = "Error", true
		}
		c.problem(severity, address, fmt.Errorf("it cannot be looked at: %w", view.Err))
	}
	if unreachable {
		return nil, errors.New("a state that is made without a destination forgets the copies there, and nothing was changed. Mend the cause, or go on without with -allow-unreachable: what lies there can be added later in the same way")
	}
	rebuilding, err := planner.Rebuild(project.spec, document, observed, arguments.lineages, c.clock.Now())
	if err != nil {
		return nil, err
	}
	if document.Lineage == "" && !rebuilding.HasChanges() && len(rebuilding.LeftOut) == 0 {
		return nil, fmt.Errorf("there is nothing to make a state of: %s was looked at, and no manifest of this specification's backups lies there. "+
			"A backup that was renamed is found when a moved block says so", counted(len(rebuilding.Manifests), "destination"))
	}
	return rebuilding, nil
}
