package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

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

// writeGraph prints references as a graph. Blocks and edges are in the order of their addresses.
func writeGraph(w io.Writer, references map[string][]string, format string) error {
	nodes := make(map[string]bool)
	for from, targets := range references {
		nodes[from] = true
		for _, to := range targets {
			nodes[to] = true
		}
	}
	ordered := slices.Sorted(maps.Keys(nodes))
	number := make(map[string]int, len(ordered))
	for i, address := range ordered {
		number[address] = i
	}
	var b strings.Builder
	node, edge := "  n%d [label=%q];\n", "  n%d -> n%d;\n"
	if format == "mermaid" {
		node, edge = "  n%d[\"%s\"]\n", "  n%d --> n%d\n"
		b.WriteString("flowchart LR\n")
	} else {
		b.WriteString("digraph imsctl {\n  rankdir = LR;\n  node [shape = box];\n")
	}
	for i, address := range ordered {
		if format == "mermaid" {
			address = mermaidText.Replace(address)
		}
		fmt.Fprintf(&b, node, i, address)
	}
	for _, from := range ordered {
		targets := slices.Clone(references[from])
		slices.Sort(targets)
		for _, to := range slices.Compact(targets) {
			fmt.Fprintf(&b, edge, number[from], number[to])
		}
	}
	if format == "dot" {
		b.WriteString("}\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mermaidText writes what has a meaning in a Mermaid label.
var mermaidText = strings.NewReplacer("#", "#35;", "\"", "#quot;", "<", "#lt;", ">", "#gt;")
