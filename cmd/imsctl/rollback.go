package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

// rollbackArguments are the flags of rollback.
type rollbackArguments struct {
	deployInputs
	deployRun
	to string
}

func (c *cli) rollbackCommand() *cobra.Command {
	var arguments rollbackArguments
	command := &cobra.Command{
		Use:   "rollback [flags] [ADDRESS] [PATH]",
		Short: "Go back to an earlier release that is on the host",
		Long: `Makes an earlier release of the deploy that has this ADDRESS (deploy.ims, or
ims; the only one when left out) the one that runs: of those that once proved
healthy the one before the current one, or the one that -to names. Checks are
asked before, where a failure is a warning, and after, as in a deploy; data
stays as it is. Should the release not be healthy, the current one is brought
back, if that once proved healthy. "imsctl releases" lists them.

EXIT STATUS
  0  the release runs, and is healthy
  1  it does not; the current one was brought back, or the error says otherwise
  130  interrupted; the next deploy takes it up`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.address, arguments.path = addressArgument(positional, "deploy.")
			return c.rollback(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.deployInputs.register(flags)
	arguments.deployRun.register(flags)
	flags.StringVar(&arguments.to, "to", "", "go back to this `release`")
	return command
}

func (c *cli) rollback(ctx context.Context, arguments rollbackArguments) error {
	return c.runDeploy(ctx, arguments.deployInputs, arguments.deployRun, "rollback", func(project *project, document *state.Document, observed *planner.Observed) (*planner.Plan, error) {
		return planner.Returning(project.spec, document, observed, arguments.to, c.clock.Now())
	})
}
