package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

// statusArguments are the flags of status.
type statusArguments struct {
	inputs
	path          string
	json, refresh bool
	watch         bool
	every         time.Duration
}

func (c *cli) statusCommand() *cobra.Command {
	var arguments statusArguments
	command := &cobra.Command{
		Use:   "status [flags] [PATH]",
		Short: "Show on one screen how everything stands that is declared",
		Long: `Prints what is declared and not true, and then what the state of PATH knows:
each backup at each destination, with its age, copies and sizes, and when it is
due; each drill, and how long the restore took; each deploy, what runs, and
since when; what each check saw when it was last asked; how full disks are;
which copies retention will delete next; who is told of failures; who has the
lock of the state, and what was interrupted. It does not look at the
destinations: plan does. Of a source that stands for several it asks which there
are, unless -refresh=false.

-watch shows it again and again until it is interrupted: on a terminal in the
same place, cut to its height; elsewhere when something has changed.

EXIT STATUS
  0  everything that is declared is true, as far as the state knows; -watch:
     interrupted
  1  an error: it is not known
  2  something that is declared is not true: a backup is due, or copies of it
     are missing or altered; a drill is due, or the last one failed; the last
     deploy did not end, or not well; the last result of a check is a failure
Copies that are kept by policy, a read-back that is due, a check that warns or
was never asked, and a deploy that was never made, change nothing.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.path = pathArgument(positional)
			return c.status(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	flags.BoolVar(&arguments.json, "json", false, "print one JSON document; with -watch one in each line")
	flags.BoolVar(&arguments.refresh, "refresh", true, "ask sources that stand for several which there are; false asks the state alone")
	flags.BoolVar(&arguments.watch, "watch", false, "show it again and again")
	flags.DurationVar(&arguments.every, "every", 5*time.Second, "-watch: the `pause` between two looks")
	return command
}

func (c *cli) status(ctx context.Context, arguments statusArguments) error {
	if arguments.every <= 0 {
		return fmt.Errorf("-every=%s: the pause must be positive", arguments.every)
	}
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	if arguments.watch {
		c.watching.Store(true)
		return c.watchStatus(ctx, project, arguments)
	}
	document, err := c.readStatus(ctx, project, arguments.refresh)
	if err != nil {
		return err
	}
	if arguments.json {
		err = c.printJSON(document)
	} else {
		err = c.printStatus(document)
	}
	if err != nil {
		return err
	}
	if !document.True {
		return exitCode(exitUntrue)
	}
	return nil
}

// printStatus prints the document for people.
func (c *cli) printStatus(document *statusDocument) error {
	lines, err := c.statusLines(document)
	if err == nil {
		_, err = fmt.Fprintln(c.stdout, strings.Join(lines, "\n"))
	}
	return err
}

// readStatus finds out how everything stands now. The project stays as it is.
func (c *cli) readStatus(ctx context.Context, project *project, refresh bool) (*statusDocument, error) {
	document, err := project.backend.Read(ctx)
	if err != nil {
		return nil, err
	}
	holders, err := state.Holders(ctx, project.backend)
	if err != nil {
		return nil, err
	}
	expanded := *project
	expanded.expand(ctx, c, document, planner.ExpandOptions{Look: refresh, Tolerant: true})
	made := newStatusDocument(expanded.spec, document, c.clock.Now())
	made.State = stateStatusOf(project.backend.Location(), document, holders)
	return made, nil
}

// changesOf identifies what a document says, whenever it was made: all in it follows from the state, from what is not true, and from which
// backups there are; the rest is how long ago that was.
func changesOf(document *statusDocument) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d %t %v\n", document.State.Serial, document.State.Locked, document.State.Holders)
	for _, breach := range document.Breaches {
		fmt.Fprintln(&text, breach.Address, breach.Kind)
	}
	for _, backup := range document.Backups {
		fmt.Fprintln(&text, backup.Address)
	}
	return text.String()
}
