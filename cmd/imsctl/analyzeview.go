package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/terminal"
	"github.com/castrolanda/imsctl/internal/units"
)

// analysesText prints a table for each subject, and the recommendation below it.
func (c *cli) analysesText(analyses []analysis) error {
	look := c.look(c.stdout)
	for i, result := range analyses {
		if i > 0 {
			fmt.Fprintln(c.stdout)
		}
		fmt.Fprintf(c.stdout, "%s\n\n", folded(terminal.Escape(result.Name)+": "+result.description(), look.Width))
		if err := writeTable(c.stdout, look.Width, result.rows(look.Live)); err != nil {
			return err
		}
		text := fmt.Sprintf("Recommended (optimize = %q): %s, because %s.", result.Optimize, result.Recommended.methodName, result.Recommended.Reason)
		if result.RunnerUp != nil {
			text += fmt.Sprintf(" Next best: %s.", *result.RunnerUp)
		}
		fmt.Fprintf(c.stdout, "\n%s\n", folded(text, look.Width))
	}
	return nil
}

// description is what a subject is, in a line.
func (a analysis) description() string {
	size := "size not known"
	if a.SizeBytes > 0 {
		size = units.Bytes(a.SizeBytes)
	}
	text := fmt.Sprintf("%s, %s, %.2f bits per byte, %s read", a.Detail, size, a.Entropy, units.Bytes(a.ReadBytes))
	if a.Cores > 1 && a.Speedup > 0 {
		text += fmt.Sprintf("; %d cores are %.1f times as fast as one", a.Cores, a.Speedup)
	}
	return text
}

// rows are the lines of the table; with bars where they can be seen.
func (a analysis) rows(bars bool) [][]string {
	rows := [][]string{{"", "METHOD", "LEFT", "MB/S", "SIZE", "TIME"}}
	if bars {
		rows[0] = append(rows[0], "")
	}
	for _, tried := range a.Methods {
		mark := ""
		if tried.methodName == a.Recommended.methodName {
			mark = "*"
		}
		row := []string{mark, tried.String(), fmt.Sprintf("%.1f %%", tried.Fraction*100), speed(tried.Rate), predictedSize(tried), predictedTime(tried)}
		if bars {
			row = append(row, bar(tried.Fraction))
		}
		rows = append(rows, row)
	}
	return rows
}

// String names a method as people write it.
func (m methodName) String() string {
	if m.Method == "none" {
		return m.Method
	}
	return m.Method + " " + strconv.Itoa(m.Level)
}

// speed prints megabytes per second, "-" when they were not measured.
func speed(rate float64) string {
	switch {
	case rate <= 0:
		return "-"
	case rate < 10e6:
		return strconv.FormatFloat(rate/1e6, 'f', 1, 64)
	default:
		return strconv.FormatFloat(rate/1e6, 'f', 0, 64)
	}
}

func predictedSize(tried methodTrial) string {
	if tried.PredictedBytes <= 0 {
		return "-"
	}
	return units.Bytes(tried.PredictedBytes)
}

func predictedTime(tried methodTrial) string {
	switch {
	case tried.PredictedSeconds <= 0:
		return "-"
	case tried.PredictedSeconds < 1:
		return "<1s"
	}
	return time.Duration(tried.PredictedSeconds * float64(time.Second)).Round(time.Second).String()
}

// bar draws a fraction, one block for each twentieth.
func bar(fraction float64) string {
	const width = 20
	filled := min(width, max(0, int(fraction*width+0.5)))
	return strings.Repeat("█", filled) + strings.Repeat("░", width-filled)
}

// folded breaks a text at spaces into lines of at most so many columns, where that can be done.
func folded(text string, columns int) string {
	var b strings.Builder
	length := 0
	for i, word := range strings.Fields(text) {
		size := terminal.Width(word)
		switch {
		case i == 0:
		case length+1+size > columns:
			b.WriteByte('\n')
			length = 0
		default:
			b.WriteByte(' ')
			length++
		}
		b.WriteString(word)
		length += size
	}
	return b.String()
}
