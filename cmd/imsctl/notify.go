package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/executor/notice"
	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
)

// notifyArguments are the flags of notify.
type notifyArguments struct {
	inputs
	addresses []string
	path      string
	test      bool
}

func (c *cli) notifyCommand() *cobra.Command {
	var arguments notifyArguments
	command := &cobra.Command{
		Use:   "notify -test [flags] [ADDRESS ...]",
		Short: "Send a test notice to those who are told of runs",
		Long: `Sends a test notice to every notify block of a specification, or to those whose
ADDRESS is given, whatever events they ask for, and says what came of each.

EXIT STATUS
  0  all were delivered
  1  one was not, or an error`,
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.addresses = positional
			return c.notify(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	flags.StringVar(&arguments.path, "path", ".", "the `specification`: a folder or one file")
	flags.BoolVar(&arguments.test, "test", false, "send a test notice; there is nothing else to send by hand")
	return command
}

func (c *cli) notify(ctx context.Context, arguments notifyArguments) error {
	if !arguments.test {
		return errors.New("a run tells of itself; to see whether notices arrive, run imsctl notify -test")
	}
	project, err := c.openWith(arguments.path, arguments.inputs, func(specification *spec.Spec, environment providers.Environment) (*planner.World, error) {
		return planner.OpenChecks(specification, environment), nil
	})
	if err != nil {
		return err
	}
	chosen, err := choose(project.listeners(), arguments.addresses)
	if err != nil {
		return err
	}
	_, host := whoami()
	test := notice.Test(host, c.clock.Now())
	deliveries := make([]notice.Delivery, len(chosen))
	for i, one := range chosen {
		notifier := one.notifier
		if one.err != nil {
			notifier = unable{one.err}
		}
		deliveries[i] = notice.Delivery{Address: one.Address, Notifier: notifier, Notice: test}
	}
	notice.Deliver(ctx, deliveries)
	failed := false
	for _, delivery := range deliveries {
		line := "ok    " + delivery.Address
		if delivery.Err != nil {
			failed = true
			line = "FAIL  " + delivery.Address + "  " + c.redact(delivery.Err.Error())
		}
		if _, err := fmt.Fprintln(c.stdout, line); err != nil {
			return err
		}
	}
	if failed {
		return exitCode(exitError)
	}
	return nil
}

// unable is the notifier that could not be made.
type unable struct{ err error }

// Notify implements providers.Notifier.
func (u unable) Notify(context.Context, providers.Notice) error { return u.err }

// choose are the listeners that addresses name, all without any.
func choose(all []listener, addresses []string) ([]listener, error) {
	if len(all) == 0 {
		return nil, errors.New(`the specification declares nobody to tell; write a block such as notify "webhook" "ops" { … }`)
	}
	used := make(map[string]bool)
	var chosen []listener
	var known []string
	for _, one := range all {
		block, _, _ := strings.Cut(one.Address, "[")
		known = append(known, one.Address, block)
		if names(addresses, one.Address, used) {
			chosen = append(chosen, one)
		}
	}
	for _, address := range addresses {
		if used[address] {
			continue
		}
		return nil, fmt.Errorf("there is no %s in the specification.%s", address, spelling.Proposal(address, known))
	}
	return chosen, nil
}
