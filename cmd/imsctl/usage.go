package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/castrolanda/imsctl/spec"
)

// usageTemplate is how a command is explained; its number is the width of flags.
const usageTemplate = `Usage:{{if not .HasAvailableSubCommands}}
  {{.UseLine}}{{else}}
  {{.CommandPath}} COMMAND [flags]

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped %[1]d | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

Flags of every command:
{{.InheritedFlags.FlagUsagesWrapped %[1]d | trimTrailingWhitespaces}}{{end}}
`

// explainUsage makes every command explain itself in the width of the terminal, and say what to type instead of what does
// not exist.
func (c *cli) explainUsage(root *cobra.Command) {
	root.SetUsageTemplate(fmt.Sprintf(usageTemplate, c.look(c.stdout).Width))
	root.SetFlagErrorFunc(flagError)
	each(root, func(command *cobra.Command) {
		check := command.Args
		if command.HasSubCommands() {
			check = noSuchCommand
			if command.RunE == nil {
				command.RunE = func(command *cobra.Command, _ []string) error { return command.Help() }
			}
		}
		command.Args = func(command *cobra.Command, arguments []string) error {
			if check == nil {
				return nil
			}
			err := check(command, arguments)
			if err == nil || command.HasSubCommands() {
				return err
			}
			if len(arguments) == 0 {
				return fmt.Errorf("an argument is missing: %s%s", command.UseLine(), hint(command))
			}
			return fmt.Errorf("%s do not fit: %s%s", counted(len(arguments), "argument"), command.UseLine(), hint(command))
		}
	})
}

// each calls do for a command and all below it.
func each(command *cobra.Command, do func(*cobra.Command)) {
	do(command)
	for _, child := range command.Commands() {
		each(child, do)
	}
}

// hint is the last paragraph of an error about the command line.
func hint(command *cobra.Command) string {
	return fmt.Sprintf("\n\nRun \"%s -help\" to see how it is used", command.CommandPath())
}

// noSuchCommand refuses what stands where a command should.
func noSuchCommand(command *cobra.Command, arguments []string) error {
	if len(arguments) == 0 {
		return nil
	}
	var known []string
	for _, child := range command.Commands() {
		if child.IsAvailableCommand() {
			known = append(known, child.Name())
		}
	}
	return fmt.Errorf("there is no command \"%s %s\".%s%s", command.CommandPath(), arguments[0], meant(arguments[0], known, ""), hint(command))
}

// flagError says what is wrong with a flag. A name that does not exist gets the nearest one that does.
func flagError(command *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var bare *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		var known []string
		command.Flags().VisitAll(func(flag *pflag.Flag) {
			if !flag.Hidden {
				known = append(known, flag.Name)
			}
		})
		err = fmt.Errorf("there is no flag -%s.%s", name, meant(name, known, "-"))
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		err = fmt.Errorf("-%s=%s: it takes a %s", flag.Name, invalid.GetValue(), kindOf(flag))
	case errors.As(err, &bare):
		err = fmt.Errorf("-%s needs a value: it takes a %s", bare.GetFlag().Name, kindOf(bare.GetFlag()))
	}
	return fmt.Errorf("%w%s", err, hint(command))
}

// kindOf says what a flag takes.
func kindOf(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "bool":
		return "value that is true or false"
	case "int":
		return "whole number"
	case "duration":
		return "time such as 30s or 5m"
	default:
		name, _ := pflag.UnquoteUsage(flag)
		return name
	}
}

// meant asks whether the nearest of the known names was meant.
func meant(name string, known []string, prefix string) string {
	slices.Sort(known)
	if best := spec.Nearest(strings.TrimSpace(name), known); best != "" {
		return fmt.Sprintf(" Did you mean %s%s?", prefix, best)
	}
	return ""
}
