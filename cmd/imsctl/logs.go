package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

// logsArguments are the flags of logs.
type logsArguments struct {
	deployInputs
	services []string
	follow   bool
	tail     int
}

func (c *cli) logsCommand() *cobra.Command {
	var arguments logsArguments
	command := &cobra.Command{
		Use:   "logs [flags] [ADDRESS] [PATH]",
		Short: "Show what the services of a deploy say",
		Long: `Prints the logs of the services of the deploy that has this ADDRESS (deploy.ims,
or ims; the only one when left out), each line behind the name of its service.
With -f it goes on until it is interrupted, also while a deploy makes the
containers anew.`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.address, arguments.path = addressArgument(positional, "deploy.")
			return c.logs(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	flags.BoolVarP(&arguments.follow, "follow", "f", false, "go on until interrupted")
	flags.IntVarP(&arguments.tail, "tail", "n", 100, "begin with the last `lines` of each; -1 for all")
	flags.StringArrayVar(&arguments.services, "service", nil, "only this `service`; may be repeated")
	return command
}

func (c *cli) logs(ctx context.Context, arguments logsArguments) error {
	if arguments.tail < -1 {
		return fmt.Errorf("-tail=%d: write a number of lines, or -1 for all", arguments.tail)
	}
	project, err := c.openDeploy(arguments.deployInputs)
	if err != nil {
		return err
	}
	deploy := project.spec.Deploys[0]
	site := project.world.Site(deploy.Address)
	if site == nil {
		return fmt.Errorf("%s: %s", deploy.Address, deploy.NotBuilt)
	}
	c.watching.Store(arguments.follow)
	err = site.Logs(ctx, arguments.services, arguments.tail, arguments.follow, c.stdout)
	if ctx.Err() != nil && arguments.follow {
		// To be interrupted is how it is meant to end.
		return nil
	}
	return err
}
