package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/planner"
)

// drillArguments are the flags of drill.
type drillArguments struct {
	inputs
	identities    identityFlags
	address, path string
	from          string
	json          bool
	jsonInto      string
	parallelism   int
	lockTimeout   time.Duration
}

func (c *cli) drillCommand() *cobra.Command {
	var arguments drillArguments
	command := &cobra.Command{
		Use:   "drill [flags] [ADDRESS] [PATH]",
		Short: "Restore a backup as a proof, compare, and measure the time",
		Long: `Makes the drill that has this ADDRESS (drill.database, or database), or all
drills of PATH, now, whether they are due or not: the newest copy is restored
into a scratch database or folder, compared with what was backed up, asked the
assertions, and removed again. What came of it is recorded; "imsctl status"
shows it. "imsctl apply" makes the drills that are due. One argument alone is a
PATH when it ends with .hcl, has a / in it, or is "." or "..".

An encrypted copy needs the identity of a recipient: -identity, or
IMS_AGE_IDENTITY with the key itself, or IMS_AGE_IDENTITY_FILE.

EXIT STATUS
  0  every drill proved its backup
  1  a drill failed: what was restored differs, or it could not be restored
  130  interrupted; the scratch place is removed`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.address, arguments.path = addressArgument(positional, "drill.")
			return c.drill(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	arguments.identities.register(flags)
	flags.StringVar(&arguments.from, "from", "", "restore from this destination `address` instead of the declared one")
	flags.BoolVar(&arguments.json, "json", false, "print one JSON object per line")
	flags.StringVar(&arguments.jsonInto, "json-into", "", "write what -json would print to a `file` too")
	flags.IntVar(&arguments.parallelism, "parallelism", 1, "make `n` drills at once")
	flags.DurationVar(&arguments.lockTimeout, "lock-timeout", 0, "wait this `long` for the state's lock")
	return command
}

func (c *cli) drill(ctx context.Context, arguments drillArguments) (err error) {
	if err := checkParallelism(arguments.parallelism); err != nil {
		return err
	}
	view, err := c.newRunView("Drill", arguments.json, arguments.jsonInto)
	if err != nil {
		return err
	}
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	session, err := project.lockPart(ctx, c, "drill", scopeOf(arguments.address).Part(project.spec), arguments.lockTimeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()

	project.expand(ctx, c, session.Document(), planner.ExpandOptions{})
	plan, err := planner.Drilling(project.spec, session.Document(), arguments.address, arguments.from, c.clock.Now())
	if err != nil {
		return err
	}
	if project.decryption, err = c.decryption(arguments.identities, readsBack(plan), arguments.input); err != nil {
		return err
	}
	defer c.saveMemory()()
	return c.carryOut(ctx, project, session, plan, arguments.parallelism, view)
}
