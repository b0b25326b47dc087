package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/castrolanda/imsctl/internal/spelling"
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
		err = fmt.Errorf("there is no flag -%s.%s", name, cmp.Or(meant(name, known, "-"), begun(name, known), positional(name, command)))
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		err = fmt.Errorf("-%s=%s: it takes %s", flag.Name, invalid.GetValue(), kindOf(flag))
	case errors.As(err, &bare):
		err = fmt.Errorf("-%s needs a value: it takes %s", bare.GetFlag().Name, kindOf(bare.GetFlag()))
	}
	return fmt.Errorf("%w%s", err, hint(command))
}

// begun names the flags that begin with a word that is none by itself: -to of -to-file and -to-directory.
func begun(name string, known []string) string {
	var longer []string
	for _, flag := range known {
		if strings.HasPrefix(flag, name+"-") {
			longer = append(longer, "-"+flag)
		}
	}
	if len(longer) == 0 {
		return ""
	}
	return " Those that begin so are " + strings.Join(longer, ", ") + "."
}

// positional tells who looks for -path, which some commands have, that this one takes the folder as an argument.
func positional(name string, command *cobra.Command) string {
	if name == "path" && strings.Contains(command.Use, "PATH") {
		return " The folder is an argument: " + command.UseLine() + "."
	}
	return ""
}

// kindOf says what a flag takes, with its article.
func kindOf(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "bool":
		return "true or false"
	case "int":
		return "a whole number"
	case "duration":
		return "a time such as 30s or 5m"
	default:
		name, _ := pflag.UnquoteUsage(flag)
		if strings.ContainsRune("aeio", rune(name[0])) {
			return "an " + name
		}
		return "a " + name
	}
}

// meant asks whether the nearest of the known names was meant.
func meant(name string, known []string, prefix string) string {
	slices.Sort(known)
	if best := spelling.Nearest(strings.TrimSpace(name), known); best != "" {
		return fmt.Sprintf(" Did you mean %s%s?", prefix, best)
	}
	return ""
}
