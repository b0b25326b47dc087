package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/executor/health"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// checkArguments are the flags of check.
type checkArguments struct {
	inputs
	addresses   []string
	path        string
	json        bool
	watch       bool
	every       time.Duration
	parallelism int
}

func (c *cli) checkCommand() *cobra.Command {
	var arguments checkArguments
	command := &cobra.Command{
		Use:   "check [flags] [ADDRESS ...]",
		Short: "Ask whether what runs is well",
		Long: `Asks the checks of a specification, or those whose ADDRESS is given, each as
often as its retries permit, and prints what they saw. It changes nothing but
the state, which gets the results: status shows them, and a check of a disk
foresees from them when it is full. While somebody else changes the state, or
where there is none, nothing is recorded; the last line says so.

  imsctl check
  imsctl check -watch check.http.services check.disk.vm

With -watch it asks again and again until it is interrupted, and prints and
records what changes, and otherwise records once an hour.

EXIT STATUS
  0  all passed; a warning changes nothing
  1  a check failed, or an error`,
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.addresses = positional
			return c.check(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	flags.StringVar(&arguments.path, "path", ".", "the `specification`: a folder or one file")
	flags.BoolVar(&arguments.json, "json", false, "print one JSON object per line")
	flags.BoolVar(&arguments.watch, "watch", false, "ask again and again, and print what changes")
	flags.DurationVar(&arguments.every, "every", 10*time.Second, "-watch: the `pause` between two rounds")
	flags.IntVar(&arguments.parallelism, "parallelism", executor.DefaultParallelism, "ask `n` checks at once")
	return command
}

func (c *cli) check(ctx context.Context, arguments checkArguments) error {
	if err := checkParallelism(arguments.parallelism); err != nil {
		return err
	}
	if arguments.every <= 0 {
		return fmt.Errorf("-every=%s: the pause must be positive", arguments.every)
	}
	var view checkView = &humanCheckView{cli: c}
	if arguments.json {
		view = &jsonCheckView{stream: c.newStreamView(c.stdout, nil)}
	}
	project, err := c.openWith(arguments.path, arguments.inputs, func(specification *spec.Spec, environment providers.Environment) (*planner.World, error) {
		return planner.OpenChecks(specification, environment), nil
	})
	if err != nil {
		return err
	}
	questions, err := project.questions(arguments.addresses)
	if err != nil {
		return err
	}
	recorder := c.newCheckRecorder(ctx, project)
	if arguments.watch {
		c.watching.Store(true)
		return c.watchChecks(ctx, questions, arguments, view, recorder)
	}
	tally, results, err := c.askChecks(ctx, questions, arguments.parallelism, view, recorder)
	if err != nil {
		return err
	}
	if err := view.summary(tally, recorder.record(ctx, results)); err != nil {
		return err
	}
	if tally[providers.Failed] > 0 {
		return exitCode(exitError)
	}
	return nil
}

// tally counts verdicts.
type tally map[providers.Verdict]int

// askChecks asks all of them once and shows each. It returns what there is to record.
func (c *cli) askChecks(ctx context.Context, questions []health.Question, parallelism int, view checkView, recorder *checkRecorder) (tally, []*state.CheckResult, error) {
	view.begin(questions)
	counted := make(tally)
	var results []*state.CheckResult
	err := health.All(ctx, c.clock, recorder.recall(questions), parallelism, func(question health.Question, result health.Result) {
		counted[result.Verdict]++
		results = append(results, recorder.result(question, result))
		view.ended(question, result)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("asking the checks: %w", err)
	}
	return counted, results, nil
}

// watchChecks asks in rounds until ctx ends, which is how it is meant to end, and shows a result when its verdict is
// another one than before.
func (c *cli) watchChecks(ctx context.Context, questions []health.Question, arguments checkArguments, view checkView, recorder *checkRecorder) error {
	before := make(map[string]providers.Verdict)
	changes := changesOnly{checkView: view, before: before}
	for round := 0; ; round++ {
		counted, results, err := c.askChecks(ctx, questions, arguments.parallelism, changes, recorder)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		unrecorded := recorder.record(ctx, recorder.news(results))
		if round == 0 {
			if err := view.summary(counted, unrecorded); err != nil {
				return err
			}
		}
		if clock.Sleep(ctx, arguments.every) != nil {
			return nil
		}
	}
}

// questions are the checks that addresses name, all without any.
func (p *project) questions(addresses []string) ([]health.Question, error) {
	var questions []health.Question
	used := make(map[string]bool)
	var known []string
	for _, declared := range p.spec.Checks {
		known = append(known, declared.Address)
		if block, _, instance := strings.Cut(declared.Address, "["); instance {
			known = append(known, block)
		}
		if !names(addresses, declared.Address, used) {
			continue
		}
		questions = append(questions, health.Question{Address: declared.Address, Check: p.world.Checks[declared.Address], Policy: executor.PolicyOf(declared)})
	}
	for _, address := range addresses {
		if used[address] {
			continue
		}
		return nil, fmt.Errorf("there is no check %s in the specification.%s", address, spelling.Proposal(address, known))
	}
	if len(questions) == 0 {
		return nil, fmt.Errorf(`the specification declares no check; write a block such as check "http" "site" { url = "https://…" }`)
	}
	return questions, nil
}

// names reports whether addresses, or none, name a check, as an instance or as its whole block, and notes which one did.
func names(addresses []string, check string, used map[string]bool) bool {
	named := len(addresses) == 0
	for _, address := range addresses {
		if check == address || strings.HasPrefix(check, address+"[") {
			used[address], named = true, true
		}
	}
	return named
}
