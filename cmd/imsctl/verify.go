package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/planner"
)

// verifyArguments are the flags of verify.
type verifyArguments struct {
	inputs
	identities  identityFlags
	path        string
	selection   planner.Selection
	json        bool
	jsonInto    string
	parallelism int
	lockTimeout time.Duration
}

func (c *cli) verifyCommand() *cobra.Command {
	var arguments verifyArguments
	command := &cobra.Command{
		Use:   "verify [flags] [PATH]",
		Short: "Read copies back and compare every byte",
		Long: `Reads every recorded copy of PATH's artifacts (or those that the flags select)
from its destination, decompresses it and compares it with what was backed up.
What it finds is recorded: a copy that was altered no longer counts as a backup,
and the next plan repairs it. With -checksums nothing is read but the manifests:
what the stores say of size and checksum is compared, where they keep one.

Of an encrypted copy without an identity (-identity, IMS_AGE_IDENTITY,
IMS_AGE_IDENTITY_FILE) the stored bytes are compared, and it is not decrypted.
With identities it is, and one that none of them can decrypt is an error.

EXIT STATUS
  0  every copy is what was backed up
  1  a copy is altered or missing, or could not be read`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.path = pathArgument(positional)
			return c.verify(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	arguments.identities.register(flags)
	flags.StringVar(&arguments.selection.Artifact, "artifact", "", "only this artifact `id`")
	flags.StringVar(&arguments.selection.Backup, "backup", "", "only the artifacts of this backup `address`")
	flags.StringVar(&arguments.selection.Destination, "destination", "", "only the copies at this destination `address`")
	flags.BoolVar(&arguments.selection.Checksums, "checksums", false, "compare what the stores say, without reading the copies")
	flags.BoolVar(&arguments.json, "json", false, "print one JSON object per line")
	flags.StringVar(&arguments.jsonInto, "json-into", "", "write what -json would print to a `file` too")
	flags.IntVar(&arguments.parallelism, "parallelism", 2, "read `n` copies at once")
	flags.DurationVar(&arguments.lockTimeout, "lock-timeout", 0, "wait this `long` for the state's lock")
	return command
}

func (c *cli) verify(ctx context.Context, arguments verifyArguments) (err error) {
	if err := checkParallelism(arguments.parallelism); err != nil {
		return err
	}
	view, err := c.newRunView("Verification", arguments.json, arguments.jsonInto)
	if err != nil {
		return err
	}
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	session, err := project.lock(ctx, c, "verify", arguments.lockTimeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()

	project.expand(ctx, c, session.Document(), planner.ExpandOptions{})
	if arguments.selection.Backup != "" {
		arguments.selection.Backup = backupAddress(arguments.selection.Backup)
	}
	plan := planner.Verification(project.spec, session.Document(), arguments.selection, c.clock.Now())
	if !plan.HasChanges() {
		return errors.New("there is no copy to verify: the state records none that this selects")
	}
	if project.decryption, err = c.decryption(arguments.identities, readsBack(plan), arguments.input); err != nil {
		return err
	}
	return c.carryOut(ctx, project, session, plan, arguments.parallelism, view)
}
