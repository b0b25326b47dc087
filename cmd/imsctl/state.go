package main

import (
	"fmt"
	"slices"
	"strings"
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

// stateList prints a line for each copy: in columns with titles for people, and for programs as it always was.
func (c *cli) stateList(document *state.Document, wanted []string) error {
	rows, look := copyRows(document, wanted), c.look(c.stdout)
	switch {
	case !look.Terminal():
		for _, row := range rows {
			if _, err := fmt.Fprintln(c.stdout, strings.Join(row, "  ")); err != nil {
				return err
			}
		}
		return nil
	case len(rows) == 0 && len(wanted) > 0:
		_, err := fmt.Fprintf(c.stdout, "No copies of %s are recorded.%s\n", backupAddress(wanted[0]), spelling.Proposal(backupAddress(wanted[0]), recordedBackups(document)))
		return err
	case len(rows) == 0:
		_, err := fmt.Fprintln(c.stdout, "No copies are recorded yet.")
		return err
	}
	return writeTable(c.stdout, look.Width, slices.Insert(rows, 0, []string{"COPY", "SIZE", "CONDITION"}))
}

// copyRows are the address, the size and the condition of each copy; only those of a backup where one is named.
func copyRows(document *state.Document, wanted []string) [][]string {
	var rows [][]string
	for _, artifact := range document.Artifacts {
		if len(wanted) > 0 && artifact.Backup != backupAddress(wanted[0]) {
			continue
		}
		for _, replica := range artifact.Replicas {
			address := fmt.Sprintf("%s@%s#%s", artifact.Backup, replica.Destination, artifact.ID)
			rows = append(rows, []string{address, units.Bytes(artifact.Stored.Size), string(replica.Condition)})
		}
	}
	return rows
}

// recordedBackups are the backups that the state has artifacts of.
func recordedBackups(document *state.Document) []string {
	var backups []string
	for _, artifact := range document.Artifacts {
		if !slices.Contains(backups, artifact.Backup) {
			backups = append(backups, artifact.Backup)
		}
	}
	return backups
}

func (c *cli) stateShow(document *state.Document, id string) error {
	if artifact := document.Find(id); artifact != nil {
		return c.printJSON(artifact)
	}
	known := make([]string, 0, len(document.Artifacts))
	for _, artifact := range document.Artifacts {
		known = append(known, artifact.ID)
	}
	return fmt.Errorf("the state records no artifact %q.%s", id, spelling.Proposal(id, known))
}
