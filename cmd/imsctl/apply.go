package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/executor/notice"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/state"
)

// applyArguments are the flags of apply.
type applyArguments struct {
	planFlags
	identities  identityFlags
	autoApprove bool
	// allowNoRollback lets deploys be made that nothing could be gone back to from.
	allowNoRollback bool
	planMaxAge      time.Duration
}

func (c *cli) applyCommand() *cobra.Command {
	var arguments applyArguments
	command := &cobra.Command{
		Use:   "apply [flags] [PATH | PLAN]",
		Short: "Do what the plan shows",
		Long: `Makes a plan for PATH (a folder or one file, "." by default), shows it, asks,
and carries it out; or carries out exactly the PLAN that "imsctl plan -out"
saved.
A saved plan is refused when what it was made from has changed since.` + exitStatusHelp,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.path = pathArgument(positional)
			return c.apply(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.register(flags)
	arguments.identities.register(flags)
	flags.BoolVar(&arguments.autoApprove, "auto-approve", false, "do not ask")
	flags.BoolVar(&arguments.allowNoRollback, "allow-no-rollback", false, "deploy although there is no release to go back to")
	flags.BoolVar(&arguments.json, "json", false, "print one JSON object per line")
	flags.BoolVar(&arguments.lock, "lock", true, "take the state's lock; false is refused")
	flags.DurationVar(&arguments.lockTimeout, "lock-timeout", 0, "wait this `long` for the state's lock (30s, 5m)")
	flags.DurationVar(&arguments.planMaxAge, "plan-max-age", 24*time.Hour, "refuse a saved plan older than this")
	return command
}

func (c *cli) apply(ctx context.Context, arguments applyArguments) (err error) {
	if err := arguments.check(); err != nil {
		return err
	}
	view, err := c.newRunView("Apply", arguments.json, arguments.jsonInto)
	if err != nil {
		return err
	}
	saved, err := savedPlan(arguments.path)
	if err != nil {
		return err
	}
	if saved != nil {
		if err := arguments.adopt(saved); err != nil {
			return err
		}
	}
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	session, err := project.lockPart(ctx, c, "apply", arguments.scope.Part(project.spec), arguments.lockTimeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()

	plan, err := c.planToApply(ctx, project, session.Document(), saved, arguments, view)
	if err != nil {
		return err
	}
	if project.decryption, err = c.decryption(arguments.identities, readsBack(plan), arguments.input); err != nil {
		return err
	}
	project.allowNoRollback = arguments.allowNoRollback
	if saved == nil && plan.HasChanges() {
		if err := c.approve(ctx, arguments); err != nil {
			return err
		}
	}
	project.whole = saved == nil && arguments.refresh && !arguments.refreshOnly && arguments.scope.Empty()
	defer c.saveMemory()()
	return c.carryOut(ctx, project, session, plan, arguments.parallelism, view)
}

// garbage is how much of it there may be beside what is in use, in percent: the buffers of uploads and large specifications
// live long, so that the usual 100 would double them for little.
const garbage = 40

// saveMemory lets garbage be collected sooner until the function that it returns is called, unless people set GOGC.
func (c *cli) saveMemory() (restore func()) {
	if _, given := c.getenv("GOGC"); given {
		return func() {}
	}
	before := debug.SetGCPercent(garbage)
	return func() { debug.SetGCPercent(before) }
}

// savedPlan reads the plan that the argument names, or returns nil when it names a specification.
func savedPlan(path string) (*planner.SavedPlan, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() || strings.HasSuffix(path, ".hcl") {
		// What is wrong with a specification's path, its loader says best.
		return nil, nil
	}
	return loadPlan(path)
}

// check refuses flags that contradict each other.
func (a *applyArguments) check() error {
	if !a.lock {
		return errors.New("-lock=false: an apply writes the state, and only the holder of its lock may. Wait for the lock with -lock-timeout=5m")
	}
	return a.planFlags.check()
}

// adopt takes the specification and the variables from a saved plan. Only sensitive variables, which it does not hold,
// may be given again.
func (a *applyArguments) adopt(saved *planner.SavedPlan) error {
	if !a.scope.Empty() || a.refreshOnly || !a.refresh {
		return errors.New("a saved plan is applied as a whole: -target, -exclude, -refresh and -refresh-only belong to the plan")
	}
	given, err := a.assignments()
	if err != nil {
		return err
	}
	for name, value := range saved.Variables {
		if other, ok := given[name]; ok && other != value {
			return fmt.Errorf("-var %s: the saved plan was made with another value; make a new plan", name)
		}
		if _, ok := given[name]; !ok {
			a.variables = append(a.variables, name+"="+value)
		}
	}
	a.path = saved.SpecPath
	if len(a.variableFiles) == 0 {
		a.variableFiles = saved.VariableFiles
	}
	return nil
}

// planToApply makes and shows the plan, or checks that a saved one still holds.
func (c *cli) planToApply(ctx context.Context, project *project, document *state.Document, saved *planner.SavedPlan, arguments applyArguments, view runView) (*planner.Plan, error) {
	if saved != nil {
		project.expand(ctx, c, document, planner.ExpandOptions{Known: saved.Plan.Backups()})
		if err := saved.Check(project.spec, document, c.clock.Now(), arguments.planMaxAge); err != nil {
			return nil, err
		}
		return saved.Plan, nil
	}
	plan, err := project.plan(ctx, c, document, arguments.options(c.clock.Now()))
	if err != nil {
		return nil, err
	}
	return plan, unread(view.planned(plan), arguments)
}

// unread judges a plan that could not be shown, because nobody reads the output any more: who has approved of whatever it says
// gets it done, and nobody else can be asked.
func unread(err error, arguments applyArguments) error {
	switch {
	case !errors.Is(err, syscall.EPIPE):
		return err
	case arguments.autoApprove:
		return nil
	}
	return errors.New("nobody reads the plan, so that nobody can approve of it: nothing was changed")
}

// approve asks. Only "yes" is a yes.
func (c *cli) approve(ctx context.Context, arguments applyArguments) error {
	if arguments.autoApprove {
		return nil
	}
	if !arguments.input || arguments.json {
		return errors.New("the plan needs approval: run with -auto-approve, or apply a saved plan")
	}
	yes, err := c.askYes(ctx, "Do you want to perform these actions?")
	if err == nil && !yes {
		return errors.New("apply cancelled: nothing was changed")
	}
	return err
}

// askYes asks a question. Only "yes" is a yes.
func (c *cli) askYes(ctx context.Context, question string) (bool, error) {
	fmt.Fprintf(c.stdout, "\n%s\n  Only \"yes\" will be accepted.\n\n  Enter a value: ", question)
	answer, err := readLine(ctx, c.stdin)
	if err != nil || answer == "yes" {
		fmt.Fprintln(c.stdout)
	}
	return answer == "yes", err
}

// readLine reads one line, or less when the input ends, and gives up when ctx ends. The reading goroutine then stays with
// the blocked read until the process ends, which follows at once.
func readLine(ctx context.Context, r io.Reader) (string, error) {
	type reply struct {
		line string
		err  error
	}
	replies := make(chan reply, 1)
	go func() {
		line, err := bufio.NewReader(r).ReadString('\n')
		replies <- reply{strings.TrimSpace(line), err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case reply := <-replies:
		if reply.err != nil && !errors.Is(reply.err, io.EOF) {
			return "", fmt.Errorf("reading the answer: %w", reply.err)
		}
		return reply.line, nil
	}
}

// carryOut runs the plan, tells what became of it, and turns that into an exit code.
func (c *cli) carryOut(ctx context.Context, project *project, session state.Session, plan *planner.Plan, parallelism int, view runView) error {
	view.begin(plan)
	name, host := whoami()
	runner := &executor.Executor{
		Spec: project.spec, World: project.world, Registry: project.registry, Session: session, Clock: c.clock, Decryption: project.decryption,
		Version: c.version, Parallelism: parallelism, Reporter: view,
		By: name + "@" + host, AllowNoRollback: project.allowNoRollback, Environment: project.environment,
	}
	run := &notice.Run{
		Command: project.operation, Host: host, Plan: plan, Before: notice.Remember(project.spec, session.Document(), c.clock.Now()), Whole: project.whole, Redact: c.redact,
	}
	herald := c.newHerald(ctx, project)
	report, err := runner.Run(ctx, plan)
	run.Report, run.Err, run.EndedAt = report, err, c.clock.Now()
	run.After = judgement.Of(project.spec, session.Document(), run.EndedAt).Breaches()
	if closeErr := view.close(); !errors.Is(closeErr, syscall.EPIPE) {
		// That nobody reads the progress any more changes nothing about the run.
		err = errors.Join(err, closeErr)
	}
	herald.tell(ctx, run)
	err = errors.Join(err, c.settle(ctx, session, run))
	if report != nil {
		if concludeErr := view.conclude(report); !errors.Is(concludeErr, syscall.EPIPE) {
			err = errors.Join(err, concludeErr)
		}
	}
	if err != nil {
		return err
	}
	return reportCode(report)
}

// reportCode is the exit code that a report deserves.
func reportCode(report *executor.Report) error {
	switch {
	case report.Interrupted:
		return exitCode(exitInterrupted)
	case report.Failed():
		return exitCode(exitError)
	case report.Degraded():
		return exitCode(exitDegraded)
	}
	return nil
}
