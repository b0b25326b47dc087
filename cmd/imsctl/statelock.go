package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/state"
)

func (c *cli) stateLockCommand(arguments *stateArguments) *cobra.Command {
	command := &cobra.Command{Use: "lock", Short: "Look at the lock of the state", Args: cobra.NoArgs, RunE: func(command *cobra.Command, _ []string) error {
		return command.Help()
	}}
	var asJSON bool
	show := &cobra.Command{
		Use:   "show",
		Short: "Show who holds the lock of the state, without disturbing it",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return c.showLock(command.Context(), *arguments, asJSON)
		},
	}
	show.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	command.AddCommand(show)
	return command
}

func (c *cli) showLock(ctx context.Context, arguments stateArguments, asJSON bool) error {
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	holder, held, err := project.backend.Holder(ctx)
	if err != nil {
		return err
	}
	holders, err := state.Holders(ctx, project.backend)
	if err != nil {
		return err
	}
	location := project.backend.Location()
	if asJSON {
		document := struct {
			FormatVersion string          `json:"format_version"`
			Type          string          `json:"type"`
			State         string          `json:"state"`
			Held          bool            `json:"held"`
			Holder        *state.LockInfo `json:"holder,omitempty"`
			// Holders are all of them, where several have claimed parts of the state.
			Holders []state.LockInfo `json:"holders,omitempty"`
		}{FormatVersion: "1.0", Type: "lock", State: location, Held: held, Holders: holders}
		if holder != (state.LockInfo{}) {
			document.Holder = &holder
		}
		return c.printJSON(document)
	}
	switch {
	case len(holders) > 0:
		for _, holder := range holders {
			if _, err := fmt.Fprintf(c.stdout, "The state %s is locked by %s.\nLock id: %s\n", location, holder, holder.ID); err != nil {
				return err
			}
		}
		return nil
	case holder != (state.LockInfo{}):
		_, err = fmt.Fprintf(c.stdout, "The state %s is not locked. The last holder ended without giving its lock back: %s.\nLock id: %s\n", location, holder, holder.ID)
	default:
		_, err = fmt.Fprintf(c.stdout, "The state %s is not locked.\n", location)
	}
	return err
}

func (c *cli) forceUnlockCommand() *cobra.Command {
	var arguments stateArguments
	var force bool
	command := &cobra.Command{
		Use:   "force-unlock [flags] ID [PATH]",
		Short: "End a lock whose holder is gone",
		Long: `Ends the lock with that ID ("imsctl state lock show") on the state of PATH, and
asks before, unless -force is given.

The lock of a state in a file ends with the process that holds it, however that
dies: then only its record is left, which the next command replaces and this one
clears. While the process lives the lock cannot be taken from it: wait for it,
or stop it.

The lock of a state on a server ends a minute after its holder was last heard
of. This ends it at once, and a holder that lives after all records nothing from
then on: what it does then is found at the destinations by the next plan.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.path = pathArgument(positional[1:])
			return c.forceUnlock(command.Context(), arguments, positional[0], force)
		},
	}
	arguments.inputs.register(command.Flags())
	command.Flags().BoolVar(&force, "force", false, "do not ask")
	return command
}

func (c *cli) forceUnlock(ctx context.Context, arguments stateArguments, id string, force bool) error {
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	location := project.backend.Location()
	unlocker, ok := project.backend.(state.Unlocker)
	if !ok {
		return fmt.Errorf("the lock of the state %s cannot be ended by force", location)
	}
	if !force {
		if err := lockedAs(ctx, project.backend, id); err != nil {
			return err
		}
		if err := c.confirm(ctx, arguments.input, fmt.Sprintf("Do you want to end the lock %s of the state %s?", id, location)); err != nil {
			return err
		}
	}
	holder, err := unlocker.Unlock(ctx, id)
	var locked *state.LockedError
	if errors.As(err, &locked) {
		return fmt.Errorf("the lock of the state %s is held by %s, which is alive: wait until that is finished, or stop the process; its lock ends with it",
			location, locked.Holder)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "The lock of %s on the state %s is ended. What it had begun, the next plan settles.\n", holder, location)
	return err
}

// lockedAs refuses an id that is that of no lock, nor of what a holder left that is gone, so that nobody is asked about nothing.
func lockedAs(ctx context.Context, backend state.Backend, id string) error {
	holders, err := state.Holders(ctx, backend)
	if err != nil {
		return err
	}
	// Of holders that are gone there is the last one at most.
	last, _, err := backend.Holder(ctx)
	if err != nil {
		return err
	}
	if last != (state.LockInfo{}) && !slices.Contains(holders, last) {
		holders = append(holders, last)
	}
	switch {
	case slices.ContainsFunc(holders, func(holder state.LockInfo) bool { return holder.ID == id }):
		return nil
	case len(holders) == 0:
		return fmt.Errorf("the state %s is not locked, and nothing is left of an earlier lock", backend.Location())
	default:
		return fmt.Errorf("no lock of the state %s has the id %q: it is held by %s; \"imsctl state lock show\" has the ids", backend.Location(), id, state.DescribeHolders(holders))
	}
}

// confirm asks a question. Only "yes" is a yes.
func (c *cli) confirm(ctx context.Context, input bool, question string) error {
	if !input {
		return errors.New("that needs a confirmation: give -force")
	}
	fmt.Fprintf(c.stdout, "%s\n  Only \"yes\" will be accepted.\n\n  Enter a value: ", question)
	answer, err := readLine(ctx, c.stdin)
	fmt.Fprintln(c.stdout)
	if err != nil {
		return err
	}
	if answer != "yes" {
		return errors.New("cancelled: nothing was changed")
	}
	return nil
}
