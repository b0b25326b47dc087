package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/atomicfile"
	"github.com/castrolanda/imsctl/internal/openmetrics"
	"github.com/castrolanda/imsctl/planner"
)

// metricsArguments are the flags of metrics.
type metricsArguments struct {
	inputs
	path, file string
	refresh    bool
}

func (c *cli) metricsCommand() *cobra.Command {
	var arguments metricsArguments
	command := &cobra.Command{
		Use:   "metrics [flags] [PATH]",
		Short: "Print what is known of backups, drills, deploys, for Prometheus",
		Long: `Prints what the state of PATH knows, as OpenMetrics: the last verified copy of
each backup at each destination, sizes, what is overdue, drills and the recovery
times that they measured, deploys, and what checks saw. It looks at nothing but
the specification and the state; of a source that stands for several databases
it tells those that have backups. -refresh asks which there are: one that has
gone is not overdue then.

With -o it replaces a file in one step, readable by all: one that ends with
.prom in the folder of node_exporter's textfile collector. On an error the file
stays as it was, and imsctl_metrics_timestamp_seconds tells how old it is.
The exit status says whether there are metrics, not whether all is well.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.path = pathArgument(positional)
			return c.metrics(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	flags.BoolVar(&arguments.refresh, "refresh", false, "ask sources that stand for several which there are")
	flags.StringVarP(&arguments.file, "out", "o", "", "replace this `file`, and print nothing")
	return command
}

func (c *cli) metrics(ctx context.Context, arguments metricsArguments) error {
	text, err := c.metricsText(ctx, arguments.path, arguments.inputs, arguments.refresh)
	if err != nil {
		return err
	}
	if arguments.file == "" {
		_, err := c.stdout.Write(text)
		return err
	}
	if err := atomicfile.Write(arguments.file, text, 0o644); err != nil {
		return fmt.Errorf("writing metrics to %s: %w", arguments.file, err)
	}
	return nil
}

// metricsText is what is known of a specification, as metrics. Unless refresh is set nobody waits for servers: the members of groups are
// those that the state knows.
func (c *cli) metricsText(ctx context.Context, path string, inputs inputs, refresh bool) ([]byte, error) {
	project, err := c.open(path, inputs)
	if err != nil {
		return nil, err
	}
	document, err := project.backend.Read(ctx)
	if err != nil {
		return nil, err
	}
	project.expand(ctx, c, document, planner.ExpandOptions{Look: refresh, Tolerant: true})
	known := knowledge{specification: project.spec, document: document}
	// Without an agent there is no record, and one that cannot be read must not hide what the state knows.
	if record, err := readAgentRecord(agentFile(project.spec.Directory)); err == nil {
		known.agent = &record
	}
	text, err := openmetrics.Encode(known.metrics(c.version, c.clock.Now()))
	if err != nil {
		return nil, fmt.Errorf("writing metrics: %w", err)
	}
	return text, nil
}
