package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/castrolanda/imsctl/internal/diagnostic"
	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/spec"
)

// outputArguments are the flags of output.
type outputArguments struct {
	inputs
	path string
	json bool
}

func (c *cli) outputCommand() *cobra.Command {
	var arguments outputArguments
	command := &cobra.Command{
		Use:   "output [flags] [NAME]",
		Short: "Show the output values of a specification",
		Long: `Prints the values of the output blocks, or of the one that is named. Values that
are made from sensitive ones are not shown. Connects to nothing.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, positional []string) error {
			loaded, _, err := c.loadSpec(arguments.path, arguments.inputs)
			if err != nil {
				return err
			}
			return c.output(loaded, positional, arguments.json)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	flags.StringVar(&arguments.path, "path", ".", "the `specification`: a folder or one file")
	flags.BoolVar(&arguments.json, "json", false, "print one JSON document")
	return command
}

func (c *cli) output(loaded *spec.Spec, wanted []string, asJSON bool) error {
	outputs := loaded.Outputs
	if len(wanted) > 0 {
		var known []string
		outputs = nil
		for _, output := range loaded.Outputs {
			known = append(known, output.Name)
			if output.Name == wanted[0] {
				outputs = []spec.Output{output}
			}
		}
		if outputs == nil {
			hint := ""
			if best := spelling.Nearest(wanted[0], known); best != "" {
				hint = fmt.Sprintf(" Did you mean %q?", best)
			}
			return fmt.Errorf("there is no output %q.%s", wanted[0], hint)
		}
	}
	if asJSON {
		return c.outputJSON(outputs)
	}
	for _, output := range outputs {
		text := spec.Shown(output.Value)
		if len(wanted) == 0 {
			text = output.Name + " = " + text
		}
		if _, err := fmt.Fprintln(c.stdout, text); err != nil {
			return err
		}
	}
	return nil
}

// outputDocument is an output value in JSON. A sensitive one has no value.
type outputDocument struct {
	Sensitive   bool           `json:"sensitive"`
	Description string         `json:"description,omitzero"`
	Type        jsontext.Value `json:"type,omitzero"`
	Value       jsontext.Value `json:"value,omitzero"`
}

func (c *cli) outputJSON(outputs []spec.Output) error {
	documents := make(map[string]outputDocument, len(outputs))
	for _, output := range outputs {
		document := outputDocument{Sensitive: output.Sensitive, Description: output.Description}
		if !output.Value.ContainsMarked() && !output.Sensitive {
			typ, err := ctyjson.MarshalType(output.Value.Type())
			if err != nil {
				return fmt.Errorf("output %s: %w", output.Name, err)
			}
			value, err := ctyjson.Marshal(output.Value, output.Value.Type())
			if err != nil {
				return fmt.Errorf("output %s: %w", output.Name, err)
			}
			document.Type, document.Value = typ, value
		}
		documents[output.Name] = document
	}
	return c.printJSON(struct {
		FormatVersion string                    `json:"format_version"`
		Type          string                    `json:"type"`
		Outputs       map[string]outputDocument `json:"outputs"`
	}{"1.0", "outputs", documents})
}

func (c *cli) consoleCommand() *cobra.Command {
	var inputs inputs
	command := &cobra.Command{
		Use:   "console [flags] [PATH]",
		Short: "Evaluate expressions against a specification",
		Long: `Reads expressions from the standard input, one in a line, and prints their
values: variables, local values, functions, addresses. Works in a pipe:

  echo 'upper(var.name)' | imsctl console

EXIT STATUS
  0  every expression has a value
  1  the specification or an expression has a mistake`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, positional []string) error {
			loaded, _, err := c.loadSpec(pathArgument(positional), inputs)
			if err != nil {
				return err
			}
			return c.console(loaded)
		},
	}
	inputs.register(command.Flags())
	return command
}

// maxExpression is the longest line that the console reads, in bytes.
const maxExpression = 1 << 20

func (c *cli) console(loaded *spec.Spec) error {
	failed := false
	lines := bufio.NewScanner(c.stdin)
	lines.Buffer(nil, maxExpression)
	for lines.Scan() {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		if text == "exit" {
			break
		}
		value, diagnostics := loaded.Evaluate(text)
		if diagnostics.HasErrors() {
			failed = true
			diagnostic.Write(c.stderr, diagnostics.List, diagnostics.Files, c.diagnosticOptions(c.stderr))
			continue
		}
		if _, err := fmt.Fprintln(c.stdout, spec.Shown(value)); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading expressions: %w", err)
	}
	if failed {
		return exitCode(exitError)
	}
	return nil
}
