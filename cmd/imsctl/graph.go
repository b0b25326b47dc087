package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

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
