package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/castrolanda/imsctl/internal/units"
)

// series are the values of the measured rounds, in the order of the rounds.
type series []float64

func (s series) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// ratios divides two series round by round, so that what slowed one round down counts on both sides.
func ratios(a, b series) series {
	result := make(series, min(len(a), len(b)))
	for i := range result {
		result[i] = a[i] / b[i]
	}
	return result
}

// report is the table.
type report struct {
	began time.Time
	rows  [][4]string
	// facts stand above the table.
	facts []string
	// tables stand below it, in Markdown, ready for the documentation.
	tables []string
}

func (r *report) fact(format string, arguments ...any) {
	r.facts = append(r.facts, fmt.Sprintf(format, arguments...))
}

// row adds the median, the least and the most of a series.
func (r *report) row(what string, values series, format func(float64) string) {
	r.rows = append(r.rows, [4]string{what, format(values.median()), format(slices.Min(values)), format(slices.Max(values))})
}

// missing adds a row for what could not be measured.
func (r *report) missing(what, why string) {
	r.rows = append(r.rows, [4]string{what, why, "–", "–"})
}

func seconds(value float64) string { return fmt.Sprintf("%.3g s", value) }
func ratio(value float64) string   { return fmt.Sprintf("%.3f", value) }
func size(value float64) string    { return units.Bytes(int64(value)) }

// write prints the report.
func (r *report) write(out io.Writer, s settings) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks of %s\n\n", r.began.UTC().Format("2006-01-02 15:04 UTC"))
	for _, fact := range append(machine(), r.facts...) {
		fmt.Fprintf(&b, "- %s\n", fact)
	}
	fmt.Fprintf(&b, "- %d measured rounds after one that warms up, in turns; a ratio is taken within each round; scale %g; took %s\n\n",
		s.runs, s.scale, time.Since(r.began).Round(time.Second))
	rows := append([][4]string{{"what", "median", "min", "max"}}, r.rows...)
	var widths [4]int
	for i := range rows {
		for column := range rows[i] {
			rows[i][column] = strings.ReplaceAll(rows[i][column], "|", `\|`)
			widths[column] = max(widths[column], utf8.RuneCountInString(rows[i][column]))
		}
	}
	for i, row := range rows {
		for column, cell := range row {
			fill := strings.Repeat(" ", widths[column]-utf8.RuneCountInString(cell))
			fmt.Fprintf(&b, "| %s%s ", cell, fill)
		}
		b.WriteString("|\n")
		if i == 0 {
			for _, width := range widths {
				b.WriteString("|" + strings.Repeat("-", width+2))
			}
			b.WriteString("|\n")
		}
	}
	for _, table := range r.tables {
		b.WriteString("\n" + table)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// machine describes where this runs.
func machine() []string {
	memory := "unknown memory"
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int64
		if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kib); err == nil {
			memory = units.Bytes(kib*1024) + " of memory"
		}
	}
	facts := []string{fmt.Sprintf("%s/%s, %d cores, %s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), memory, runtime.Version())}
	if own := highWater("self"); own > 0 {
		// A process begins with the peak of the memory that it was forked from.
		facts = append(facts, fmt.Sprintf("a peak RSS by wait4 cannot show as less than the benchmark's own, %s", units.Bytes(own)))
	}
	return facts
}

// versionOf is the first line of what a program says to an option.
func versionOf(ctx context.Context, program, option string) string {
	text, err := say(ctx, program, option)
	if err != nil {
		return program + " of unknown version"
	}
	line, _, _ := strings.Cut(text, "\n")
	return cmp.Or(strings.TrimSpace(line), program)
}
