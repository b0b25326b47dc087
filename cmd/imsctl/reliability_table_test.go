package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The marks between which a table stands in docs/reliability.md; %s is the test that makes it.
const tableBegin, tableEnd = "<!-- table: made by %s -->\n", "<!-- end of the table -->\n"

// tablePath is where the tables are, from here.
var tablePath = filepath.Join("..", "..", "docs", "reliability.md")

// compareMatrix holds the table in the documentation against what happened, or writes it with UPDATE_TABLE=1.
func compareMatrix(t *testing.T, table map[[2]string]string) {
	t.Helper()
	for _, entry := range table {
		if entry == "" {
			t.Log("not all cells were run: the table is left as it is")
			return
		}
	}
	compareTable(t, "TestFaultMatrix", renderMatrix(table))
}

// compareTable holds the table that a test makes against the one in the documentation, or writes it with UPDATE_TABLE=1.
func compareTable(t *testing.T, test, written string) {
	t.Helper()
	before, old, after := documentedTable(t, test)
	if os.Getenv("UPDATE_TABLE") == "1" {
		if err := os.WriteFile(tablePath, []byte(before+written+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if difference := cmp.Diff(strings.Split(old, "\n"), strings.Split(written, "\n")); difference != "" {
		t.Errorf("%s tells something else; UPDATE_TABLE=1 writes it anew:\n%s", tablePath, difference)
	}
}

// documentedTable is the table that the documentation has of a test, and what stands around it, the marks included.
func documentedTable(t *testing.T, test string) (before, table, after string) {
	t.Helper()
	document, err := os.ReadFile(tablePath)
	if err != nil {
		t.Fatal(err)
	}
	begin := fmt.Sprintf(tableBegin, test)
	before, rest, found := strings.Cut(string(document), begin)
	table, after, ended := strings.Cut(rest, tableEnd)
	if !found || !ended {
		t.Fatalf("%s has no place for the table of %s", tablePath, test)
	}
	return before + begin, table, tableEnd + after
}

// renderMatrix writes the table in Markdown: faults down, targets across, and below it why some cells are empty.
func renderMatrix(table map[[2]string]string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "| | %s |\n|---|%s\n", strings.Join(matrixTargets, " | "), strings.Repeat("---|", len(matrixTargets)))
	var reasons []string
	for _, fault := range matrixFaults {
		row := []string{fault}
		for _, target := range matrixTargets {
			entry := table[[2]string{fault, target}]
			if reason, isNone := strings.CutPrefix(entry, "—: "); isNone {
				if !slices.Contains(reasons, reason) {
					reasons = append(reasons, reason)
				}
				entry = fmt.Sprintf("— (%d)", slices.Index(reasons, reason)+1)
			}
			row = append(row, entry)
		}
		fmt.Fprintf(&text, "| %s |\n", strings.Join(row, " | "))
	}
	text.WriteString("\n")
	for i, reason := range reasons {
		fmt.Fprintf(&text, "(%d) %s.\n", i+1, reason)
	}
	return text.String()
}
