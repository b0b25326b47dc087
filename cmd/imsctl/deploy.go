package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// deployInputs are the flags that all commands about a deploy have.
type deployInputs struct {
	inputs
	address, path string
	parallelism   int
}

func (d *deployInputs) register(flags *pflag.FlagSet) {
	d.inputs.register(flags)
	flags.IntVar(&d.parallelism, "parallelism", executor.DefaultParallelism, "do `n` things at once")
}

// deployRun are the flags of what carries a deploy out.
type deployRun struct {
	identities      identityFlags
	autoApprove     bool
	allowNoRollback bool
	json            bool
	jsonInto        string
	lockTimeout     time.Duration
	// breakLock is the ID of who loses the host's deploy lock first; empty for nobody, as for a rollback.
	breakLock string
}

func (d *deployRun) register(flags *pflag.FlagSet) {
	d.identities.register(flags)
	flags.BoolVar(&d.autoApprove, "auto-approve", false, "do not ask")
	flags.BoolVar(&d.allowNoRollback, "allow-no-rollback", false, "deploy although there is no release to go back to")
	flags.BoolVar(&d.json, "json", false, "print one JSON object per line")
	flags.StringVar(&d.jsonInto, "json-into", "", "write what -json would print to a `file` too")
	flags.DurationVar(&d.lockTimeout, "lock-timeout", 0, "wait this `long` for the state's lock")
}

// deployArguments are the flags of deploy.
type deployArguments struct {
	deployInputs
	deployRun
	options planner.DeployOptions
	explain bool
}

func (c *cli) deployCommand() *cobra.Command {
	var arguments deployArguments
	command := &cobra.Command{
		Use:   "deploy [flags] [ADDRESS] [PATH]",
		Short: "Explain which strategy is recommended, or make one deploy now",
		Long: `Makes the deploy that has this ADDRESS (deploy.ims, or ims; the only one when
left out) now, with the backups that it needs and nothing else that is due.
"imsctl apply" makes it too, when the revision declared is not the one that
runs. One argument alone is a PATH when it ends with .hcl, has a / in it, or is
"." or "..".

-explain changes nothing: it prints the factors that were measured, what each
counts for each strategy, the winner, and why not the runner-up.

A deploy that was interrupted is taken up by the next one, which goes on or
back. One that was gone back from is not made again without -again.
"-strategy local" restarts what runs now, whatever revision is wanted.

EXIT STATUS
  0  the revision declared runs, and is healthy
  1  it does not; what ran before was brought back, or the error says otherwise
  130  interrupted; the next deploy takes it up`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.address, arguments.path = addressArgument(positional, "deploy.")
			return c.deploy(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.deployInputs.register(flags)
	arguments.deployRun.register(flags)
	flags.BoolVar(&arguments.explain, "explain", false, "only explain which strategy is recommended")
	flags.StringVar(&arguments.options.Strategy, "strategy", "", "deploy by this `strategy` instead of the declared one")
	flags.BoolVar(&arguments.options.Again, "again", false, "also what was gone back from, or runs already")
	flags.StringVar(&arguments.breakLock, "break-lock", "", "first take the deploy lock away from the holder with this `id`")
	return command
}

// addressArgument tells an address from a path: a single argument is a path when it looks like one.
func addressArgument(positional []string, kind string) (address, path string) {
	if len(positional) == 1 {
		name := positional[0]
		if strings.HasSuffix(name, ".hcl") || name == "." || name == ".." || strings.Contains(name, "/") && !strings.Contains(name, "[") {
			return "", pathArgument(positional)
		}
	}
	if len(positional) > 0 {
		address, positional = positional[0], positional[1:]
		if !strings.HasPrefix(address, kind) {
			address = kind + address
		}
	}
	return address, pathArgument(positional)
}

func (c *cli) deploy(ctx context.Context, arguments deployArguments) error {
	if arguments.explain {
		return c.explainDeploy(ctx, arguments)
	}
	return c.runDeploy(ctx, arguments.deployInputs, arguments.deployRun, "deploy", func(project *project, document *state.Document, observed *planner.Observed) (*planner.Plan, error) {
		if wanted := arguments.options.Strategy; wanted != "" && project.world.Deployers[project.spec.Deploys[0].Address][wanted] == nil {
			return nil, fmt.Errorf("-strategy: there is no strategy %q", wanted)
		}
		return planner.Deploying(project.spec, document, observed, arguments.options, c.clock.Now())
	})
}

// runDeploy makes a plan for one deploy and carries it out.
func (c *cli) runDeploy(ctx context.Context, inputs deployInputs, run deployRun, operation string,
	planned func(*project, *state.Document, *planner.Observed) (*planner.Plan, error)) (err error) {
	if err := checkParallelism(inputs.parallelism); err != nil {
		return err
	}
	view, err := c.newRunView(strings.ToUpper(operation[:1])+operation[1:], run.json, run.jsonInto)
	if err != nil {
		return err
	}
	project, err := c.openDeploy(inputs)
	if err != nil {
		return err
	}
	session, err := project.lockPart(ctx, c, operation, scopeOf(project.spec.Deploys[0].Address).Part(project.spec), run.lockTimeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	if run.breakLock != "" {
		if err := project.world.Site(project.spec.Deploys[0].Address).BreakLock(ctx, run.breakLock); err != nil {
			return err
		}
	}
	observed, err := c.observeDeploy(ctx, project, session.Document(), inputs.parallelism)
	if err != nil {
		return err
	}
	plan, err := planned(project, session.Document(), observed)
	if err != nil {
		return err
	}
	if err := view.planned(plan); err != nil {
		return err
	}
	if err := allowIrreversible(plan, run.allowNoRollback); err != nil {
		return err
	}
	if project.decryption, err = c.decryption(run.identities, readsBack(plan), inputs.input); err != nil {
		return err
	}
	if plan.HasChanges() {
		if err := c.approve(ctx, applyArguments{planFlags: planFlags{inputs: inputs.inputs, json: run.json}, autoApprove: run.autoApprove}); err != nil {
			return err
		}
	}
	project.allowNoRollback = run.allowNoRollback
	defer c.saveMemory()()
	return c.carryOut(ctx, project, session, plan, inputs.parallelism, view)
}

// openDeploy opens the part of a specification that one deploy is about.
func (c *cli) openDeploy(inputs deployInputs) (*project, error) {
	project, err := c.open(inputs.path, inputs.inputs)
	if err != nil {
		return nil, err
	}
	project.spec, err = planner.ForDeploy(project.spec, inputs.address)
	return project, err
}

// observeDeploy looks at the deploy's host and repository, and at the backups that are to stand behind it.
func (c *cli) observeDeploy(ctx context.Context, project *project, document *state.Document, parallelism int) (*planner.Observed, error) {
	// Checks are asked when it comes to them.
	quiet := *project.spec
	quiet.Checks = nil
	observed, err := planner.Observe(ctx, &quiet, document, project.world, c.clock, planner.ObserveOptions{Parallelism: parallelism})
	if err != nil {
		return nil, fmt.Errorf("looking at the host and the repository: %w", err)
	}
	return observed, nil
}

// allowIrreversible refuses a plan with a deploy that nothing could be gone back to from, unless that is meant.
func allowIrreversible(plan *planner.Plan, allowed bool) error {
	for _, action := range plan.Actions {
		if deploy, ok := action.(*planner.Deploy); ok && deploy.Irreversible() && !allowed {
			return fmt.Errorf("%s: there is no release to go back to if it fails. Nothing was changed: run again with -allow-no-rollback when that is meant", deploy.Address)
		}
	}
	return nil
}

// explainDeploy prints what speaks for and against each strategy.
func (c *cli) explainDeploy(ctx context.Context, arguments deployArguments) error {
	project, err := c.openDeploy(arguments.deployInputs)
	if err != nil {
		return err
	}
	document, err := project.backend.Read(ctx)
	if err != nil {
		return err
	}
	observed, err := c.observeDeploy(ctx, project, document, arguments.parallelism)
	if err != nil {
		return err
	}
	advice, err := planner.Explaining(project.spec, document, observed, c.clock.Now())
	if err != nil {
		return err
	}
	deploy := project.spec.Deploys[0]
	if arguments.json {
		return c.printJSON(explanation{FormatVersion: "1.0", Type: "deploy_explanation", Deploy: deploy.Address, Declared: deploy.Strategy, Recommendation: advice})
	}
	c.explainTroubles(deploy, observed)
	return advice.Render(c.stdout, c.look(c.stdout).Width)
}

// explainTroubles says what kept anything from being measured.
func (c *cli) explainTroubles(deploy *spec.Deploy, observed *planner.Observed) {
	view := observed.Deploys[deploy.Address]
	if view == nil {
		return
	}
	if err := view.Site.Err; err != nil {
		c.problem("Warning", deploy.Address, fmt.Errorf("the host: %w", err))
	}
	if err := view.Revisions.Err; err != nil {
		c.problem("Warning", deploy.Address, fmt.Errorf("the repository: %w", err))
	}
}
