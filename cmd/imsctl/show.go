package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

func (c *cli) showCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "show [flags] PLAN",
		Short: "Show a saved plan",
		Long:  `Prints a plan that "imsctl plan -out" saved, as plan printed it.`,
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, positional []string) error {
			saved, err := loadPlan(positional[0])
			if err != nil {
				return err
			}
			return c.showPlan(c.stdout, saved.Plan, asJSON)
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print the plan as one JSON document")
	return command
}

// stateArguments are the flags of the commands about the state.
type stateArguments struct {
	inputs
	path string
}

func (c *cli) stateCommand() *cobra.Command {
	var arguments stateArguments
	command := &cobra.Command{Use: "state", Short: "Look at what is recorded", Args: cobra.NoArgs, RunE: func(command *cobra.Command, _ []string) error {
		return command.Help()
	}}
	arguments.inputs.register(command.PersistentFlags())
	command.PersistentFlags().StringVar(&arguments.path, "path", ".", "the `specification` whose state it is: a folder or one file")
	command.AddCommand(
		&cobra.Command{Use: "list [BACKUP]", Short: "List the recorded artifacts and their copies", Args: cobra.MaximumNArgs(1), RunE: func(command *cobra.Command, positional []string) error {
			return c.withState(command, arguments, func(document *state.Document) error { return c.stateList(document, positional) })
		}},
		&cobra.Command{Use: "show ID", Short: "Show all that is recorded of an artifact, as JSON", Args: cobra.ExactArgs(1), RunE: func(command *cobra.Command, positional []string) error {
			return c.withState(command, arguments, func(document *state.Document) error { return c.stateShow(document, positional[0]) })
		}},
		&cobra.Command{Use: "pull", Short: "Print the whole state", Args: cobra.NoArgs, RunE: func(command *cobra.Command, _ []string) error {
			return c.withState(command, arguments, func(document *state.Document) error {
				data, err := state.Encode(document)
				if err != nil {
					return err
				}
				_, err = c.stdout.Write(data)
				return err
			})
		}},
	)
	return command
}

// withState reads the state of a specification, without taking its lock.
func (c *cli) withState(command *cobra.Command, arguments stateArguments, do func(*state.Document) error) error {
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	document, err := project.backend.Read(command.Context())
	if err != nil {
		return err
	}
	return do(document)
}

// stateList prints a line for each copy.
func (c *cli) stateList(document *state.Document, wanted []string) error {
	for _, artifact := range document.Artifacts {
		if len(wanted) > 0 && artifact.Backup != backupAddress(wanted[0]) {
			continue
		}
		for _, replica := range artifact.Replicas {
			if _, err := fmt.Fprintf(c.stdout, "%s@%s#%s  %s  %s\n", artifact.Backup, replica.Destination, artifact.ID,
				units.Bytes(artifact.Stored.Size), replica.Condition); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *cli) stateShow(document *state.Document, id string) error {
	at := slices.IndexFunc(document.Artifacts, func(artifact *state.Artifact) bool { return artifact.ID == id })
	if at >= 0 {
		return c.printJSON(document.Artifacts[at])
	}
	known := make([]string, 0, len(document.Artifacts))
	for _, artifact := range document.Artifacts {
		known = append(known, artifact.ID)
	}
	hint := ""
	if best := spec.Nearest(id, known); best != "" {
		hint = fmt.Sprintf(" Did you mean %s?", best)
	}
	return fmt.Errorf("the state records no artifact %q.%s", id, hint)
}

func (c *cli) graphCommand() *cobra.Command {
	var inputs inputs
	var format string
	command := &cobra.Command{
		Use:   "graph [flags] [PATH]",
		Short: "Draw what refers to what",
		Long: `Prints the blocks of a specification and their references as a graph, for
Graphviz ("imsctl graph | dot -Tsvg") or Mermaid. Connects to nothing.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, positional []string) error {
			if format != "dot" && format != "mermaid" {
				return fmt.Errorf("-format=%s: it is dot or mermaid", format)
			}
			loaded, _, err := c.loadSpec(pathArgument(positional), inputs)
			if err != nil {
				return err
			}
			return writeGraph(c.stdout, loaded.References, format)
		},
	}
	inputs.register(command.Flags())
	command.Flags().StringVar(&format, "format", "dot", "`dot` or mermaid")
	return command
}
