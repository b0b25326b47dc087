package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

func (c *cli) stateMoveCommand(arguments *stateArguments) *cobra.Command {
	command := &cobra.Command{
		Use:   "mv FROM TO",
		Short: "Record under another address what is recorded at one",
		Long: `Hands what is recorded of a backup or of a destination that was renamed to its
new address, which the specification declares. No copy is touched. A moved block
does the same and is reviewed with the rename. The state before is kept beside
it (state.json.backup).`,
		Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, positional []string) error {
			return c.changeState(command.Context(), *arguments, "state mv", func(project *project, document *state.Document) (*planner.Plan, error) {
				return c.planMove(project, document, positional[0], positional[1])
			})
		},
	}
	arguments.registerLock(command.Flags())
	return command
}

func (c *cli) stateRemoveCommand(arguments *stateArguments) *cobra.Command {
	command := &cobra.Command{
		Use:   "rm ADDRESS",
		Short: "Forget what is recorded at an address, and delete nothing",
		Long: `Drops the records of a backup, of a destination, of an artifact (its id) or of
one copy (as "imsctl state list" shows it). No copy is touched: what still lies
at a destination that is declared is found, read back and recorded by the next
apply. A removed block does the same for a backup or a destination. The state
before is kept beside it (state.json.backup).`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			return c.changeState(command.Context(), *arguments, "state rm", func(_ *project, document *state.Document) (*planner.Plan, error) {
				return c.planRemoval(document, positional[0])
			})
		},
	}
	arguments.registerLock(command.Flags())
	return command
}

// changeState takes the lock, makes a plan that touches nothing but the state, and carries it out.
func (c *cli) changeState(ctx context.Context, arguments stateArguments, operation string,
	plan func(*project, *state.Document) (*planner.Plan, error)) (err error) {
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	session, err := project.lock(ctx, c, operation, arguments.lockTimeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	changes, err := plan(project, session.Document())
	if err != nil {
		return err
	}
	runner := &executor.Executor{
		Spec: project.spec, World: project.world, Registry: project.registry, Session: session, Clock: c.clock, Version: c.version,
	}
	report, err := runner.Run(ctx, changes)
	if err != nil {
		return err
	}
	for _, entry := range report.Entries {
		if entry.Err != nil {
			c.problem("Error", entry.Action.Common().Address, entry.Err)
			continue
		}
		if _, err := fmt.Fprintln(c.stdout, entryLine(entry)); err != nil {
			return err
		}
	}
	return reportCode(report)
}

// planMove makes the plan of state mv.
func (c *cli) planMove(project *project, document *state.Document, from, to string) (*planner.Plan, error) {
	kind, _, _ := strings.Cut(from, ".")
	other, _, _ := strings.Cut(to, ".")
	var declared []string
	switch kind {
	case "backup":
		for _, backup := range project.spec.Backups {
			declared = append(declared, backup.Address)
		}
	case "destination":
		for _, destination := range project.spec.Destinations {
			declared = append(declared, destination.Address)
		}
	default:
		return nil, fmt.Errorf("%q is not the address of a backup or of a destination: write backup.NAME or destination.TYPE.NAME.%s",
			from, spelling.Proposal(from, planner.RecordedAddresses(document)))
	}
	switch {
	case from == to:
		return nil, fmt.Errorf("%s is both addresses: there is nothing to move", from)
	case kind != other:
		return nil, fmt.Errorf("%s is a %s and %s is not: what is recorded moves between addresses of the same kind", from, kind, to)
	}
	isDeclared := false
	for _, address := range declared {
		isDeclared = isDeclared || address == to
	}
	if !isDeclared {
		return nil, fmt.Errorf("%s is not declared.%s Declare it first: what is recorded at an address that nobody declares is kept and never looked at",
			to, spelling.Proposal(to, declared))
	}
	plan := planner.Bookkeeping(document, []spec.Move{{From: from, To: to}}, nil, c.clock.Now())
	if !plan.HasChanges() {
		return nil, unrecorded(document, from)
	}
	return plan, nil
}

// planRemoval makes the plan of state rm.
func (c *cli) planRemoval(document *state.Document, address string) (*planner.Plan, error) {
	if artifact := document.Find(address); artifact != nil {
		return planner.Forgetting(document, artifact, "", c.clock.Now()), nil
	}
	if destination, id, isCopy := planner.CutCopy(address); isCopy {
		artifact := document.Find(id)
		if artifact == nil || !strings.HasPrefix(address, artifact.Backup+"@") {
			return nil, unrecorded(document, address)
		}
		if _, recorded := artifact.Replica(destination); !recorded {
			return nil, unrecorded(document, address)
		}
		return planner.Forgetting(document, artifact, destination, c.clock.Now()), nil
	}
	plan := planner.Bookkeeping(document, nil, []spec.Removal{{From: address}}, c.clock.Now())
	if !plan.HasChanges() {
		return nil, unrecorded(document, address)
	}
	return plan, nil
}

// unrecorded is the error of an address at which nothing is recorded.
func unrecorded(document *state.Document, address string) error {
	return fmt.Errorf("nothing is recorded at %q.%s \"imsctl state list\" shows all that is", address, spelling.Proposal(address, planner.RecordedAddresses(document)))
}
