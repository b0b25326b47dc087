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
	lines, err := aligned(rows)
	if err != nil {
		return err
	}
	fits := true
	for _, line := range lines {
		fits = fits && terminal.Width(line) <= width
	}
	if !fits {
		last := len(rows[0]) - 1
		short := make([][]string, len(rows))
		for i, row := range rows {
			short[i] = row[:last]
		}
		if lines, err = aligned(short); err != nil {
			return err
		}
		for i, row := range rows {
			if i > 0 && row[last] != "" {
				lines[i] += "\n    " + strings.ToLower(rows[0][last]) + ": " + row[last]
			}
		}
	}
	_, err = fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
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
