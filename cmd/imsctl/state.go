package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/state"
)

// stateArguments are the flags of the commands about the state.
type stateArguments struct {
	inputs
	path        string
	lockTimeout time.Duration
	// identities read a state that is encrypted.
	identities identityFlags
}

// registerLock registers the flag of the commands that take the lock.
func (a *stateArguments) registerLock(flags *pflag.FlagSet) {
	flags.DurationVar(&a.lockTimeout, "lock-timeout", 0, "wait this `long` for the state's lock")
}

func (c *cli) stateCommand() *cobra.Command {
	var arguments stateArguments
	command := &cobra.Command{Use: "state", Short: "Look at what is recorded, and change it", Args: cobra.NoArgs, RunE: func(command *cobra.Command, _ []string) error {
		return command.Help()
	}}
	arguments.inputs.register(command.PersistentFlags())
	arguments.identities.register(command.PersistentFlags())
	command.PersistentFlags().StringVar(&arguments.path, "path", ".", "the `specification` whose state it is: a folder or one file")
	command.AddCommand(
		c.stateMoveCommand(&arguments), c.stateRemoveCommand(&arguments), c.statePushCommand(&arguments), c.stateRebuildCommand(&arguments), c.stateLockCommand(&arguments),
		&cobra.Command{Use: "list [BACKUP]", Short: "List the recorded artifacts and their copies", Args: cobra.MaximumNArgs(1), RunE: func(command *cobra.Command, positional []string) error {
			return c.withState(command, arguments, func(document *state.Document) error { return c.stateList(document, positional) })
		}},
		&cobra.Command{Use: "show ID", Short: "Show all that is recorded of an artifact, as JSON", Args: cobra.ExactArgs(1), RunE: func(command *cobra.Command, positional []string) error {
			return c.withState(command, arguments, func(document *state.Document) error { return c.stateShow(document, positional[0]) })
		}},
		&cobra.Command{Use: "pull", Short: "Print the whole state", Args: cobra.NoArgs, RunE: func(command *cobra.Command, _ []string) error {
			return c.withState(command, arguments, func(document *state.Document) error {
				data, err := state.Encode(document)
				if err != nil {
					return err
				}
				_, err = c.stdout.Write(data)
				return err
			})
		}},
	)
	return command
}

// withState reads the state of a specification, without taking its lock.
func (c *cli) withState(command *cobra.Command, arguments stateArguments, do func(*state.Document) error) error {
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	document, err := project.backend.Read(command.Context())
	if err != nil {
		return err
	}
	return do(document)
}

// stateList prints a line for each copy.
func (c *cli) stateList(document *state.Document, wanted []string) error {
	for _, artifact := range document.Artifacts {
		if len(wanted) > 0 && artifact.Backup != backupAddress(wanted[0]) {
			continue
		}
		for _, replica := range artifact.Replicas {
			if _, err := fmt.Fprintf(c.stdout, "%s@%s#%s  %s  %s\n", artifact.Backup, replica.Destination, artifact.ID,
				units.Bytes(artifact.Stored.Size), replica.Condition); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *cli) stateShow(document *state.Document, id string) error {
	if artifact := document.Find(id); artifact != nil {
		return c.printJSON(artifact)
	}
	known := make([]string, 0, len(document.Artifacts))
	for _, artifact := range document.Artifacts {
		known = append(known, artifact.ID)
	}
	return fmt.Errorf("the state records no artifact %q.%s", id, didYouMean(id, known))
}

// didYouMean is the sentence that proposes the nearest of the known names, or nothing when none is near.
func didYouMean(given string, known []string) string {
	if best := spelling.Nearest(given, known); best != "" {
		return fmt.Sprintf(" Did you mean %s?", best)
	}
	return ""
}
