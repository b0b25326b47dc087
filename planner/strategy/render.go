package strategy

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/internal/terminal"
)

const (
	gap = 2
	// pointsWidth fits "+17.25" and the names of the strategies.
	pointsWidth = 6
	// leastMeasured is the narrowest column for what was measured. Where the table leaves less, it stands in lines of its own.
	leastMeasured = 20
	mostMeasured  = 44
)

// Render writes the table and what follows from it, in lines of at most so many columns, where the table can be that narrow: 68. What
// came from outside cannot steer a terminal.
func (r Recommendation) Render(w io.Writer, width int) error {
	_, err := io.WriteString(w, r.text(width))
	return err
}

func (r Recommendation) text(width int) string {
	t := r.layout(width)
	var b strings.Builder
	header := []string{"WEIGHT"}
	for _, s := range All() {
		header = append(header, strings.ToUpper(string(s)))
	}
	t.write(&b, "FACTOR", "MEASURED", header)
	for _, f := range r.Factors {
		t.write(&b, f.Name, terminal.Escape(f.Measured), r.cells(f))
	}
	b.WriteString(strings.Repeat("─", t.total()) + "\n")
	totals := []string{""}
	for _, c := range r.Candidates {
		totals = append(totals, r.total(c))
	}
	t.write(&b, "total", "", totals)
	b.WriteString("\n" + r.conclusion(width))
	return b.String()
}

// cells are the weight of a factor and its points.
func (r Recommendation) cells(f Factor) []string {
	if f.Name == freezeFactor {
		cell := "·"
		switch {
		case r.Blocked != nil:
			cell = "out"
		case !f.Known:
			cell = "?"
		}
		return []string{"", cell, cell, cell, cell}
	}
	cells := []string{strconv.FormatFloat(f.Weight, 'f', -1, 64)}
	for _, s := range All() {
		switch {
		case !f.Known:
			cells = append(cells, "?")
		case f.Points[s] == 0:
			cells = append(cells, "·")
		default:
			cells = append(cells, f.Points[s].String())
		}
	}
	return cells
}

// total is what stands below the points of a strategy.
func (r Recommendation) total(c Candidate) string {
	switch {
	case len(c.Excluded) > 0 || r.Blocked != nil:
		return "out"
	case c.Strategy == r.Winner:
		return "*" + c.Points.String()
	}
	return c.Points.String()
}

// conclusion is what stands below the table.
func (r Recommendation) conclusion(width int) string {
	var b strings.Builder
	say := func(format string, values ...any) {
		b.WriteString(paragraph(terminal.Escape(fmt.Sprintf(format, values...)), "", "  ", width))
	}
	if r.Winner == "" {
		say("%s", r.Reason)
	} else {
		say("Recommended: %s", r.Reason)
	}
	if r.RunnerUp != "" {
		say("Next best: %s", r.RunnerUpReason)
	}
	b.WriteString(r.impossible(width))
	if len(r.Unknown) > 0 {
		say("Not known, and counted for nothing: %s.", strings.Join(r.Unknown, ", "))
	}
	if len(r.Doubts) > 0 {
		say("Not known, and needed by %s: %s.", r.Winner, listed(r.Doubts))
	}
	return b.String()
}

// impossible lists what excludes strategies, a line for each reason. Where a freeze excludes all of them, nothing else matters.
func (r Recommendation) impossible(width int) string {
	var b strings.Builder
	for _, c := range r.Candidates {
		first := fmt.Sprintf("  %-6s  ", c.Strategy)
		for _, reason := range c.Excluded {
			b.WriteString(paragraph(terminal.Escape(reason), first, strings.Repeat(" ", len(first)), width))
			first = strings.Repeat(" ", len(first))
		}
	}
	if b.Len() == 0 || r.Blocked != nil {
		return ""
	}
	return "Not possible:\n" + b.String()
}

// layout is how wide the columns are that are not of one width always.
type layout struct {
	factor, measured int // measured is 0 when it stands in lines of its own
	width            int
}

func (r Recommendation) layout(width int) layout {
	t := layout{width: width}
	widest := len("MEASURED")
	for _, f := range r.Factors {
		t.factor, widest = max(t.factor, len(f.Name)), max(widest, terminal.Width(terminal.Escape(f.Measured)))
	}
	if room := width - t.total() - gap; room >= leastMeasured {
		t.measured = min(room, widest, mostMeasured)
	}
	return t
}

// total is the width of the table.
func (t layout) total() int {
	columns := t.factor + gap + len("WEIGHT") + len(All())*(gap+pointsWidth)
	if t.measured > 0 {
		columns += gap + t.measured
	}
	return columns
}

// write writes a row: what was measured is broken into as many lines as it takes.
func (t layout) write(b *strings.Builder, factor, measured string, cells []string) {
	lines := []string{""}
	if t.measured > 0 {
		lines = folded(measured, t.measured)
	}
	line := padded(factor, t.factor)
	if t.measured > 0 {
		line += strings.Repeat(" ", gap) + padded(lines[0], t.measured)
	}
	for _, cell := range cells {
		// Weights and points are as wide.
		line += strings.Repeat(" ", gap+pointsWidth-terminal.Width(cell)) + cell
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
	if t.measured > 0 {
		for _, more := range lines[1:] {
			b.WriteString(strings.Repeat(" ", t.factor+gap) + more + "\n")
		}
	} else if factor != "FACTOR" && measured != "" {
		b.WriteString(paragraph(measured, "    ", "    ", t.width))
	}
}

// padded fills a text up with spaces.
func padded(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-terminal.Width(text)))
}

// paragraph breaks a text into lines, the first of which begins with one prefix and the others with another.
func paragraph(text, first, others string, width int) string {
	lines := folded(text, width-max(len(first), len(others)))
	return first + strings.Join(lines, "\n"+others) + "\n"
}

// folded breaks a text at spaces into lines of at most so many columns; a number stays with what it counts, and a word that is
// longer than a line is broken too.
func folded(text string, columns int) []string {
	columns = max(columns, 1)
	lines, line := []string(nil), ""
	words := strings.Split(text, " ")
	for i, word := range words {
		if next := i + 1; next < len(words) && word != "" && strings.Trim(word, "0123456789") == "" {
			if together := word + " " + words[next]; terminal.Width(together) <= columns {
				words[next] = together
				continue
			}
		}
		for {
			candidate := word
			if line != "" {
				candidate = line + " " + word
			}
			if terminal.Width(candidate) <= columns {
				line = candidate
				break
			}
			if line != "" {
				lines, line = append(lines, line), ""
				continue
			}
			head := headOf(word, columns)
			lines, word = append(lines, head), word[len(head):]
		}
	}
	return append(lines, line)
}

// headOf is as much of a word as fits, at least a character of it.
func headOf(word string, columns int) string {
	taken := 0
	for at, r := range word {
		if taken += terminal.Width(string(r)); taken > columns && at > 0 {
			return word[:at]
		}
	}
	return word
}
