package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/atomicfile"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

const exitStatusHelp = `

EXIT STATUS
  0    done, or nothing to do
  1    an error, or something is blocked by one
  2    plan -detailed-exitcode: there are changes
  3    apply: degraded; declared copies are missing, but min_copies is met
  130  interrupted`

// planArguments are the flags of plan.
type planArguments struct {
	planFlags
	out              string
	detailedExitCode bool
	summary          bool
	format           string
	maxBytes         int
	at               string
}

func (c *cli) planCommand() *cobra.Command {
	var arguments planArguments
	command := &cobra.Command{
		Use:   "plan [flags] [PATH]",
		Short: "Show what would be done, and why",
		Long: `Compares what PATH (a folder or one file, "." by default) declares with the
recorded state, with the sources and destinations, and with the clock, and
prints what apply would do. Changes nothing and takes no lock.` + exitStatusHelp,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.path = pathArgument(positional)
			return c.plan(command, arguments)
		},
	}
	flags := command.Flags()
	arguments.register(flags)
	flags.StringVar(&arguments.out, "out", "", "save the plan to a `file` for apply")
	flags.BoolVar(&arguments.detailedExitCode, "detailed-exitcode", false, "exit with 2 when there are changes")
	flags.BoolVar(&arguments.json, "json", false, "print the plan as one JSON document")
	flags.BoolVar(&arguments.summary, "summary", false, "print one line for each action")
	flags.StringVar(&arguments.format, "format", "text", "print `text`, json or markdown (a comment for a pull request)")
	flags.IntVar(&arguments.maxBytes, "max-bytes", defaultMarkdown, "the most `bytes` of -format=markdown")
	flags.StringVar(&arguments.at, "at", "", "make the plan of another `time`: 2026-12-01T02:00:00Z, or +7d from now; it cannot be saved")
	flags.BoolVar(&arguments.lock, "lock", true, "accepted for Terraform's users: a plan takes no lock")
	flags.DurationVar(&arguments.lockTimeout, "lock-timeout", 0, "accepted for Terraform's users: a plan waits for no lock")
	return command
}

func (c *cli) plan(command *cobra.Command, arguments planArguments) error {
	if err := arguments.check(); err != nil {
		return err
	}
	defer c.saveMemory()()
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	now, err := c.planTime(arguments.at, project.spec.Location)
	if err != nil {
		return err
	}
	document, err := project.backend.Read(command.Context())
	if err != nil {
		return err
	}
	holders, err := state.Holders(command.Context(), project.backend)
	if err != nil {
		return err
	}
	options := arguments.options(now)
	options.busy = state.DescribeHolders(holders)
	plan, err := project.plan(command.Context(), c, document, options)
	if err != nil {
		return err
	}
	if arguments.out != "" {
		if err := c.savePlan(arguments, project, plan); err != nil {
			return err
		}
	}
	if err := c.printPlan(plan, arguments); err != nil {
		return err
	}
	if arguments.out != "" && arguments.format == "text" {
		fmt.Fprintf(c.stdout, "\nSaved to %s. To do exactly this:\n  imsctl apply %s\n", arguments.out, arguments.out)
	}
	switch {
	case plan.Failed():
		return exitCode(exitError)
	case arguments.detailedExitCode && plan.HasChanges():
		return exitCode(exitChanges)
	}
	return nil
}

// showPlan prints a plan for people or for programs.
func (c *cli) showPlan(w io.Writer, plan *planner.Plan, asJSON bool) error {
	if asJSON {
		data, err := planner.MarshalJSONDocument(plan, c.version)
		if err != nil {
			return err
		}
		_, err = w.Write(append(data, '\n'))
		return err
	}
	look := c.look(w)
	return planner.WriteText(w, plan, planner.RenderOptions{Width: look.Width, Color: look.Color})
}

// savePlan writes a plan to a file that only its owner can read. Values of sensitive variables are left out: they must be
// given to apply again.
func (c *cli) savePlan(arguments planArguments, project *project, plan *planner.Plan) error {
	path, err := filepath.Abs(arguments.path)
	if err != nil {
		return err
	}
	variables, err := arguments.assignments()
	if err != nil {
		return err
	}
	for name := range variables {
		if project.spec.Variables[name].Sensitive {
			delete(variables, name)
		}
	}
	var buffer bytes.Buffer
	saved := planner.SavedPlan{SpecPath: path, Variables: variables, VariableFiles: arguments.variableFiles, Plan: plan}
	if err := planner.Save(&buffer, saved); err != nil {
		return fmt.Errorf("saving the plan: %w", err)
	}
	if err := atomicfile.Write(arguments.out, buffer.Bytes(), 0o600); err != nil {
		return fmt.Errorf("saving the plan: %w", err)
	}
	return nil
}

// loadPlan reads a saved plan.
func loadPlan(path string) (*planner.SavedPlan, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	saved, err := planner.LoadSaved(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return saved, nil
}
