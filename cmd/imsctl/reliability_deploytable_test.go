package main

import (
	"fmt"
	"strings"
	"testing"
)

// grid is a table of the documentation whose cells can be run one by one.
type grid struct {
	// corner is what stands above the rows' names.
	corner        string
	rows, columns []string
}

// tableCell is a place in a grid.
type tableCell struct{ corner, row, column string }

// notRun is the entry of a cell that has never been run.
const notRun = "…"

// mergeTables holds the cells that were run against those that the documentation has of a test, or writes them there with
// UPDATE_TABLE=1. The others are kept as they are.
func mergeTables(t *testing.T, test string, grids []grid, run map[tableCell]string) {
	t.Helper()
	_, old, _ := documentedTable(t, test)
	entries := readTables(old)
	for place, entry := range run {
		entries[place] = entry
	}
	var tables []string
	for _, g := range grids {
		tables = append(tables, g.render(entries))
	}
	compareTable(t, test, strings.Join(tables, "\n"))
}

// readTables reads Markdown's tables, which are separated by empty lines.
func readTables(text string) map[tableCell]string {
	entries := make(map[tableCell]string)
	for _, table := range strings.Split(text, "\n\n") {
		var header []string
		for _, line := range strings.Split(strings.TrimSpace(table), "\n") {
			fields := strings.Split(strings.Trim(line, "|"), "|")
			for i := range fields {
				fields[i] = strings.TrimSpace(fields[i])
			}
			if header == nil {
				header = fields
				continue
			}
			for i := 1; i < len(fields) && i < len(header); i++ {
				entries[tableCell{header[0], fields[0], header[i]}] = fields[i]
			}
		}
	}
	return entries
}

// render writes it in Markdown.
func (g grid) render(entries map[tableCell]string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "| %s |\n|---|%s\n", strings.TrimSpace(g.corner+" | "+strings.Join(g.columns, " | ")), strings.Repeat("---|", len(g.columns)))
	for _, row := range g.rows {
		line := []string{row}
		for _, column := range g.columns {
			entry, known := entries[tableCell{g.corner, row, column}]
			if !known {
				entry = notRun
			}
			line = append(line, entry)
		}
		fmt.Fprintf(&text, "| %s |\n", strings.Join(line, " | "))
	}
	return text.String()
}

// TestMergeTables holds what is kept and what is written of two tables when one cell was run.
func TestMergeTables(t *testing.T) {
	old := "| a | x | y |\n|---|---|---|\n| one | good | … |\n| two | — | bad |\n\n| | x |\n|---|---|\n| three | 1s |\n"
	grids := []grid{{"a", []string{"one", "two", "new"}, []string{"x", "y"}}, {"", []string{"three"}, []string{"x", "z"}}}
	entries := readTables(old)
	entries[tableCell{"a", "one", "y"}] = "left → good"
	want := []string{
		"| a | x | y |\n|---|---|---|\n| one | good | left → good |\n| two | — | bad |\n| new | … | … |\n",
		"| | x | z |\n|---|---|---|\n| three | 1s | … |\n",
	}
	for i, g := range grids {
		if got := g.render(entries); got != want[i] {
			t.Errorf("%s\nand not\n%s", got, want[i])
		}
	}
}
