package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/castrolanda/imsctl/internal/terminal"
)

// writeTable prints rows, the first of which has the titles, in columns. Where a row would be wider than the terminal, the last
// column goes to a line of its own below each row, behind its title.
func writeTable(w io.Writer, width int, rows [][]string) error {
	lines, err := tableLines(width, rows)
	if err == nil {
		_, err = fmt.Fprintln(w, strings.Join(lines, "\n"))
	}
	return err
}

// tableLines are what writeTable prints: one for each row, with a break in it where the last column is below.
func tableLines(width int, rows [][]string) ([]string, error) {
	lines, err := aligned(rows)
	if err != nil {
		return nil, err
	}
	fits := true
	for _, line := range lines {
		fits = fits && terminal.Width(line) <= width
	}
	if fits {
		return lines, nil
	}
	last := len(rows[0]) - 1
	short := make([][]string, len(rows))
	for i, row := range rows {
		short[i] = row[:last]
	}
	if lines, err = aligned(short); err != nil {
		return nil, err
	}
	for i, row := range rows {
		if i > 0 && row[last] != "" {
			lines[i] += "\n    " + strings.ToLower(rows[0][last]) + ": " + row[last]
		}
	}
	return lines, nil
}

// foldedLines are rows in columns of which the last is beside each row where it fits, and below it, broken at spaces, where it does not.
func foldedLines(width int, rows [][]string) ([]string, error) {
	const gap, indent = 2, 4
	last := len(rows[0]) - 1
	short := make([][]string, len(rows))
	for i, row := range rows {
		short[i] = row[:last]
	}
	lines, err := aligned(short)
	if err != nil {
		return nil, err
	}
	column := gap
	for _, line := range lines {
		column = max(column, terminal.Width(line)+gap)
	}
	for i, row := range rows {
		switch text := row[last]; {
		case text == "":
		case column+terminal.Width(text) <= width:
			lines[i] += strings.Repeat(" ", column-terminal.Width(lines[i])) + text
		case i > 0:
			for _, part := range wrapped(text, width-indent) {
				lines[i] += "\n" + strings.Repeat(" ", indent) + part
			}
		}
	}
	return lines, nil
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
