package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// rootCommand is the program with all its commands.
func (c *cli) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "imsctl",
		Short: "Backups and deploys as code: declare what must be true, see the plan, apply it",
		Long: `imsctl is to backups and deploys what Terraform is to infrastructure: HCL says
what must be true of your data and your service, "imsctl plan" shows what would
happen and why, and "imsctl apply" does it.

Flags may be written with one dash or with two: -auto-approve, --auto-approve.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(command *cobra.Command, _ []string) error {
			// A command without the flag has none of its values.
			c.identities, _ = command.Flags().GetStringArray("identity")
			if err := c.trace(); err != nil {
				return err
			}
			return c.changeDirectory()
		},
	}
	version := root.Flags().Bool("version", false, "print the version, as the command version does")
	root.RunE = func(command *cobra.Command, _ []string) error {
		if *version {
			return c.printVersion()
		}
		return command.Help()
	}
	root.PersistentFlags().StringVar(&c.directory, "chdir", "", "change to this `folder` before anything else")
	root.PersistentFlags().BoolVar(&c.noColor, "no-color", false, "print without colour (as the environment variable NO_COLOR does)")
	root.AddCommand(
		c.initCommand(), c.planCommand(), c.applyCommand(), c.validateCommand(), c.fmtCommand(), c.listCommand(), c.statusCommand(), c.metricsCommand(), c.reportCommand(),
		c.restoreCommand(), c.verifyCommand(), c.drillCommand(), c.checkCommand(), c.cleanupCommand(), c.deployCommand(), c.rollbackCommand(), c.releasesCommand(), c.logsCommand(), c.agentCommand(), c.scheduleCommand(), c.notifyCommand(), c.analyzeCommand(), c.showCommand(), c.outputCommand(), c.consoleCommand(), c.graphCommand(), c.stateCommand(),
		c.forceUnlockCommand(), c.completionCommand(), c.versionCommand(),
	)
	c.explainUsage(root)
	return root
}

// completedRoot is the program with what its shells complete.
func (c *cli) completedRoot() (*cobra.Command, error) {
	root := c.rootCommand()
	return root, c.completeAddresses(root)
}

// changeDirectory does what -chdir asks for.
func (c *cli) changeDirectory() error {
	if c.directory == "" {
		return nil
	}
	if err := os.Chdir(c.directory); err != nil {
		return fmt.Errorf("-chdir: %w", err)
	}
	return nil
}

// withEnvironment puts the arguments that the environment holds behind the name of the command.
func (c *cli) withEnvironment(root *cobra.Command, arguments []string) ([]string, error) {
	for i, argument := range arguments {
		at := slices.IndexFunc(root.Commands(), func(command *cobra.Command) bool { return command.Name() == argument })
		if at < 0 {
			continue
		}
		more, err := c.environmentArguments(argument)
		return slices.Concat(arguments[:i+1], more, arguments[i+1:]), err
	}
	return arguments, nil
}

// longFlag is a flag of more than one letter behind a single dash, as Terraform's users write it.
var longFlag = regexp.MustCompile(`^-[a-zA-Z][a-zA-Z0-9]*[-a-zA-Z0-9]+(=|$)`)

// longFlags gives every such flag its second dash. What follows a flag that takes a value is left alone, and so is
// everything behind "--".
func longFlags(root *cobra.Command, arguments []string) []string {
	command := root
	result := make([]string, 0, len(arguments))
	value := false
	for i, argument := range arguments {
		if argument == "--" {
			return append(result, arguments[i:]...)
		}
		isFlag := !value && len(argument) > 1 && argument[0] == '-'
		if isFlag && longFlag.MatchString(argument) && !strings.HasPrefix(argument, "--") {
			argument = "-" + argument
		}
		if child := childOf(command, argument); child != nil && !value && !isFlag {
			command = child
		}
		value = isFlag && takesValue(command, strings.TrimLeft(argument, "-"))
		result = append(result, argument)
	}
	return result
}

// childOf is the command of that name below another one; nil when there is none.
func childOf(command *cobra.Command, name string) *cobra.Command {
	for _, child := range command.Commands() {
		if child.Name() == name || child.HasAlias(name) {
			return child
		}
	}
	return nil
}

// takesValue reports whether a flag of a command wants a value behind it. Flags of the same name are not of the same kind everywhere.
func takesValue(command *cobra.Command, name string) bool {
	flag := command.Flags().Lookup(name)
	for ; flag == nil && command != nil; command = command.Parent() {
		flag = command.PersistentFlags().Lookup(name)
	}
	return flag != nil && flag.NoOptDefVal == ""
}

// pathArgument is the configuration that a command works on: its argument, or the current folder.
func pathArgument(arguments []string) string {
	if len(arguments) == 0 {
		return "."
	}
	return filepath.Clean(arguments[0])
}
