package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/castrolanda/imsctl/internal/terminal"
)

// writeTable prints rows, the first of which has the titles, in columns. Where a row would be wider than the terminal, as many of the last
// columns as do not fit go to lines of their own below each row, behind their titles.
func writeTable(w io.Writer, width int, rows [][]string) error {
	lines, err := tableLines(width, rows)
	if err == nil {
		_, err = fmt.Fprintln(w, strings.Join(lines, "\n"))
	}
	return err
}

// tableLines are what writeTable prints: one for each row, with breaks in it where there are columns below.
func tableLines(width int, rows [][]string) ([]string, error) {
	lines, kept, err := fitting(width, rows, len(rows[0]))
	if err != nil {
		return nil, err
	}
	last := len(rows[0]) - 1
	for i, row := range rows {
		switch {
		case i == 0:
		case kept == last && row[last] != "":
			// One alone stays in one line, for programs.
			lines[i] += "\n    " + strings.ToLower(rows[0][last]) + ": " + row[last]
		default:
			lines[i] += below(width, rows[0][kept:], row[kept:])
		}
	}
	return lines, nil
}

// foldedLines are rows in columns of which the last is beside each row where it fits, and below it, broken at spaces, where it does not.
// Other columns that do not fit are below as well.
func foldedLines(width int, rows [][]string) ([]string, error) {
	const gap = 2
	last := len(rows[0]) - 1
	lines, kept, err := fitting(width, rows, last)
	if err != nil {
		return nil, err
	}
	column := gap
	for _, line := range lines {
		column = max(column, terminal.Width(line)+gap)
	}
	for i, row := range rows {
		if i > 0 {
			lines[i] += below(width, rows[0][kept:last], row[kept:last])
		}
		switch text := row[last]; {
		case text == "":
		case kept == last && column+terminal.Width(text) <= width:
			lines[i] += strings.Repeat(" ", column-terminal.Width(lines[i])) + text
		case i > 0:
			lines[i] += below(width, []string{""}, []string{text})
		}
	}
	return lines, nil
}

// fitting aligns as many of the first columns, most at the most and one at least, as are no wider than a terminal; it returns how many.
func fitting(width int, rows [][]string, most int) (lines []string, kept int, err error) {
	for kept = most; ; kept-- {
		short := make([][]string, len(rows))
		for i, row := range rows {
			short[i] = row[:kept]
		}
		if lines, err = aligned(short); err != nil {
			return nil, 0, err
		}
		wide := slices.ContainsFunc(lines, func(line string) bool { return terminal.Width(line) > width })
		if !wide || kept <= 1 {
			return lines, kept, nil
		}
	}
}

// below is what of a row stands below it, behind its titles, each line with a break before it.
func below(width int, titles, cells []string) string {
	const indent = 4
	var parts []string
	for i, cell := range cells {
		switch {
		case cell == "", cell == "-":
		case titles[i] == "":
			parts = append(parts, cell)
		default:
			parts = append(parts, strings.ToLower(titles[i])+": "+cell)
		}
	}
	var text strings.Builder
	for _, line := range wrapped(strings.Join(parts, ", "), width-indent) {
		text.WriteString("\n" + strings.Repeat(" ", indent) + line)
	}
	return text.String()
}

// aligned makes a line of each row, without spaces at its end.
func aligned(rows [][]string) ([]string, error) {
	var buffer bytes.Buffer
	table := tabwriter.NewWriter(&buffer, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	if err := table.Flush(); err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(buffer.String(), "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines, nil
}
