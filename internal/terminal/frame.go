package terminal

import (
	"fmt"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// The width of a bar and of the part of it that moves while no total is known, in columns.
const (
	barWidth   = 12
	moverWidth = 3
)

// The colours in use, as SGR sequences.
const (
	green = "\x1b[32m"
	red   = "\x1b[31m"
)

// frame lays the rows out as lines of at most columns, at most height of them. Rows that do not fit are counted in the
// last line.
func frame(rows []*row, columns, height int, color bool, now time.Time) []string {
	var painted []string
	// shown[i] is how many rows have a line among the first i lines.
	shown := []int{0}
	column := textColumn(rows, columns)
	for i, r := range rows {
		for _, line := range r.lines(column, now) {
			painted = append(painted, line.cut(columns).text(color))
			shown = append(shown, i+1)
		}
	}
	if height <= 0 {
		return nil
	}
	if len(painted) <= height {
		return painted
	}
	visible := height - 1
	hidden := len(rows) - shown[visible]
	if hidden == 0 {
		hidden = len(painted) - visible
	}
	return append(painted[:visible:visible], Cut(fmt.Sprintf("… and %d more", hidden), columns))
}

// The columns that stand before the title of a row and before the name of a branch, and behind both.
const (
	titleIndent  = 2
	branchIndent = 4
	columnGap    = 2
)

// textColumn is where the figures begin: behind the longest title, but never past the middle.
func textColumn(rows []*row, columns int) int {
	longest := 0
	for _, r := range rows {
		longest = max(longest, titleIndent+Width(r.title))
		for _, b := range r.branches {
			longest = max(longest, branchIndent+Width(b.name))
		}
	}
	return min(longest+columnGap, max(columns/2, titleIndent+branchIndent+columnGap))
}

// lines is the row's own line and one for each of its branches.
func (r *row) lines(column int, now time.Time) []line {
	running := now.Sub(r.started)
	own := line{{text: pad(r.symbol, titleIndent)}, {text: pad(r.title, column-titleIndent)}}
	if len(r.branches) == 0 && r.read.value > 0 {
		own = append(own, span{text: bar(r.read.value, r.total, running) + "  "})
	}
	own = append(own, span{text: r.figures(now) + "  " + elapsed(running)})
	all := []line{own}
	for _, b := range r.branches {
		all = append(all, b.line(column, r.total, running, now))
	}
	return all
}

// figures is what was read and how fast, in a fixed width.
func (r *row) figures(now time.Time) string {
	var read, rate string
	if r.read.value > 0 {
		read = units.Bytes(r.read.value) + " read"
	}
	if perSecond := r.read.rate(now); perSecond > 0 {
		rate = units.Bytes(perSecond) + "/s"
	}
	return fmt.Sprintf("%13s  %10s", read, rate)
}

// line is the branch's line: how far it is, and how fast and how long still while it writes.
func (b *branch) line(column int, total int64, running time.Duration, now time.Time) line {
	name := span{text: strings.Repeat(" ", branchIndent) + pad(b.name, column-branchIndent)}
	written := fmt.Sprintf(" %9s", units.Bytes(b.bytes.value))
	switch b.stage {
	case stageDone:
		return line{name, {green, strings.Repeat("█", barWidth)}, {text: written + "  " + b.stage}}
	case stageFailed:
		return line{name, {text: strings.Repeat("░", barWidth) + written}, {red, "  " + b.stage}}
	case stageWriting, "":
		return line{name, {text: bar(b.bytes.value, total, running) + written + b.pace(total, now)}}
	default:
		return line{name, {text: bar(b.bytes.value, total, running) + written + "  " + b.stage}}
	}
}

// pace is how fast the branch writes and how long it will take, as far as either is known.
func (b *branch) pace(total int64, now time.Time) string {
	rate := b.bytes.rate(now)
	if rate <= 0 {
		return ""
	}
	text := fmt.Sprintf(" %11s", units.Bytes(rate)+"/s")
	if left := b.bytes.remaining(total, now); left > 0 {
		text += "  eta " + elapsed(left)
	}
	return text
}

// bar shows the share of total that is done. Where total is unknown, or was a prediction that is already surpassed, a
// part of it moves instead.
func bar(done, total int64, running time.Duration) string {
	if total > 0 && done <= total {
		full := int(float64(done) / float64(total) * barWidth)
		return strings.Repeat("█", full) + strings.Repeat("░", barWidth-full)
	}
	const places = barWidth - moverWidth
	place := int(running/(200*time.Millisecond)) % (2 * places)
	if place > places {
		place = 2*places - place
	}
	place = max(0, place)
	return strings.Repeat("░", place) + strings.Repeat("█", moverWidth) + strings.Repeat("░", places-place)
}

// pad cuts or fills a text to a number of columns, of which at least the last is blank.
func pad(text string, columns int) string {
	text = Cut(text, columns-1)
	return text + strings.Repeat(" ", max(0, columns-Width(text)))
}

// line is text with colours, span by span.
type line []span

// span is a text in one colour, "" for the terminal's own.
type span struct{ color, text string }

// cut shortens the line to columns.
func (l line) cut(columns int) line {
	var short line
	for _, s := range l {
		cut := Cut(s.text, columns)
		short = append(short, span{s.color, cut})
		columns -= Width(cut)
		if cut != s.text {
			break
		}
	}
	return short
}

// text is the line as it is sent to the terminal.
func (l line) text(color bool) string {
	var b strings.Builder
	for _, s := range l {
		if s.color == "" || !color || s.text == "" {
			b.WriteString(s.text)
			continue
		}
		b.WriteString(s.color + s.text + reset)
	}
	return strings.TrimRight(b.String(), " ")
}
