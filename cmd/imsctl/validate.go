package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
)

func (c *cli) validateCommand() *cobra.Command {
	var inputs inputs
	var asJSON bool
	command := &cobra.Command{
		Use:   "validate [flags] [PATH]",
		Short: "Check a specification without looking at state or reality",
		Long: `Reads PATH (a folder or one file, "." by default) and reports every mistake in
it with its place, and warns of what is valid and most likely not meant.
Connects to nothing.

EXIT STATUS
  0  the specification is valid
  1  it is not`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, positional []string) error {
			if asJSON {
				return c.validateJSON(pathArgument(positional), inputs)
			}
			loaded, registry, files, err := c.readSpec(pathArgument(positional), inputs)
			if err != nil {
				return err
			}
			c.writeDiagnostics(spec.Policy(loaded, registry), files, inputs)
			return c.say("", fmt.Sprintf("Valid: %s, %s, %s.", counted(len(loaded.Backups), "backup"),
				counted(len(loaded.Sources), "source"), counted(len(loaded.Destinations), "destination")))
		},
	}
	inputs.register(command.Flags())
	inputs.registerWarnings(command.Flags())
	command.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return command
}

// validateJSON prints what validate finds as one document.
func (c *cli) validateJSON(path string, inputs inputs) error {
	registry, loaded, diagnostics, err := c.diagnose(path, inputs)
	if err != nil {
		return err
	}
	if loaded != nil {
		diagnostics.List = append(diagnostics.List, spec.Policy(loaded, registry)...)
	}
	if err := c.printJSON(validationOf(diagnostics.List, diagnostics.Files)); err != nil {
		return err
	}
	if loaded == nil {
		return exitCode(exitError)
	}
	return nil
}

// counted is a number with its noun.
func counted(n int, noun string) string { return units.Counted(n, noun, noun+"s") }
