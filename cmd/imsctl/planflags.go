package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/planner"
)

// planFlags are the flags that plan and apply have in common.
type planFlags struct {
	inputs
	path        string
	json        bool
	jsonInto    string
	refresh     bool
	refreshOnly bool
	parallelism int
	scope       planner.Scope
	lock        bool
	lockTimeout time.Duration
}

func (f *planFlags) register(flags *pflag.FlagSet) {
	f.inputs.register(flags)
	f.registerWarnings(flags)
	flags.StringVar(&f.jsonInto, "json-into", "", "write what -json would print to a `file` too")
	flags.BoolVar(&f.refresh, "refresh", true, "look at sources and destinations; false takes the state's word")
	flags.BoolVar(&f.refreshOnly, "refresh-only", false, "only bring the state up to date with what is there")
	flags.StringArrayVar(&f.scope.Targets, "target", nil, "only what belongs to this `address` and what it waits for; may be repeated")
	flags.StringArrayVar(&f.scope.Exclude, "exclude", nil, "all but what belongs to this `address` and what waits for it; may be repeated")
	flags.IntVar(&f.parallelism, "parallelism", executor.DefaultParallelism, "do `n` things at once")
}

// check refuses flags that contradict each other.
func (f *planFlags) check() error {
	if f.refreshOnly && !f.refresh {
		return errors.New("-refresh-only and -refresh=false cannot be combined: the one is about nothing but what the other leaves out")
	}
	if f.lockTimeout < 0 {
		return fmt.Errorf("-lock-timeout=%s: it cannot be negative", f.lockTimeout)
	}
	return checkParallelism(f.parallelism)
}

// checkParallelism refuses what would never do anything.
func checkParallelism(n int) error {
	if n < 1 {
		return fmt.Errorf("-parallelism=%d: at least 1 action must run at a time", n)
	}
	return nil
}

// options are those of the plan that the flags ask for, made for a moment.
func (f *planFlags) options(now time.Time) planOptions {
	return planOptions{
		refresh: f.refresh, refreshOnly: f.refreshOnly, parallelism: f.parallelism, now: now, scope: f.scope,
	}
}
