package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/atomicfile"
	"github.com/castrolanda/imsctl/internal/report"
	"github.com/castrolanda/imsctl/internal/terminal"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
)

// reportArguments are the flags of report.
type reportArguments struct {
	inputs
	path, file string
	refresh    bool
}

// foretold is how far a report looks ahead.
const foretold = 30 * 24 * time.Hour

func (c *cli) reportCommand() *cobra.Command {
	var arguments reportArguments
	command := &cobra.Command{
		Use:   "report [flags] [PATH]",
		Short: "Write one HTML page of copies, drills, deploys, checks and costs",
		Long: `Writes what the state of PATH knows as one HTML page that needs nothing from
anywhere: what is declared and whether it is true, as status has it; each
backup's copies on a timeline with what retention keeps, sizes, reductions and
durations; what will be pruned in 30 days, and when; what storing it costs a
month, by price_per_gb_month of each destination; drills, deploys with the
backups behind them, checks, and disks.

It looks at nothing but the specification and the state; of a source that stands
for several databases it asks which there are, unless -refresh=false. The file
is replaced in one step and keeps its mode; a new one is readable by its owner.
"-o -" prints the page. The exit status says whether there is a report, not
whether all is well.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.path = pathArgument(positional)
			return c.report(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	flags.BoolVar(&arguments.refresh, "refresh", true, "ask sources that stand for several which there are; false takes the state's word")
	flags.StringVarP(&arguments.file, "out", "o", "report.html", "replace this `file`; - for the standard output")
	return command
}

func (c *cli) report(ctx context.Context, arguments reportArguments) error {
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	document, err := project.backend.Read(ctx)
	if err != nil {
		return err
	}
	project.expand(ctx, c, document, planner.ExpandOptions{Look: arguments.refresh, Tolerant: true})
	page, err := report.Render(reportOf(project.spec, document, c.version, c.clock.Now()))
	if err != nil {
		return err
	}
	if arguments.file == "-" {
		_, err := c.stdout.Write(page)
		return err
	}
	mode, err := modeOf(arguments.file)
	if err == nil {
		err = atomicfile.Write(arguments.file, page, mode)
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	_, err = fmt.Fprintf(c.stdout, "Wrote %s, %s.\n", terminal.Escape(arguments.file), units.Bytes(int64(len(page))))
	return err
}

// modeOf is the mode that a file has, or is to be made with.
func modeOf(path string) (fs.FileMode, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0o600, nil
	case err != nil:
		return 0, err
	case !info.Mode().IsRegular():
		return 0, fmt.Errorf("%s is no file that could be replaced", path)
	}
	return info.Mode().Perm(), nil
}
