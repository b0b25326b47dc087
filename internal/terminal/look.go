// Package terminal prints for people: it finds out what a stream can show, measures and cuts text, and shows the
// progress of many things at once.
package terminal

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// The size of a stream that does not tell its own, in columns and lines.
const (
	DefaultWidth  = 80
	defaultHeight = 24
)

// Look is what a stream can show.
type Look struct {
	// Width is how many columns a line has, always positive.
	Width int
	// Color is set when text may be coloured.
	Color bool
	// Live is set when the stream is a terminal whose lines can be painted again.
	Live bool

	// size tells the terminal's columns and lines as of now; nil where there is no terminal.
	size func() (columns, lines int)
}

// Detect finds out what w can show. getenv looks up an environment variable.
//
// Colour: noColor wins, then NO_COLOR (not empty: none, see no-color.org), then CLICOLOR_FORCE (not empty, not "0":
// always), then whether w is a terminal that can be repainted. TERM=dumb cannot. The width is COLUMNS, but never more
// than the terminal has, and 80 where neither is known.
func Detect(w io.Writer, getenv func(string) (string, bool), noColor bool) Look {
	variable := func(name string) string {
		value, _ := getenv(name)
		return value
	}
	asked, _ := strconv.Atoi(variable("COLUMNS"))
	var look Look
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		look.Live = variable("TERM") != "dumb"
		look.size = func() (int, int) {
			columns, lines, err := term.GetSize(int(file.Fd()))
			if err != nil {
				columns, lines = 0, 0
			}
			return bounded(asked, columns, lines)
		}
		look.Width, _ = look.size()
	} else {
		look.Width, _ = bounded(asked, 0, 0)
	}
	force := variable("CLICOLOR_FORCE")
	switch {
	case noColor || variable("NO_COLOR") != "":
	case force != "" && force != "0":
		look.Color = true
	default:
		look.Color = look.Live
	}
	return look
}

// bounded is the size to work with, given the width that was asked for and what the terminal said. Pseudo-terminals
// without a size say zero.
func bounded(asked, columns, lines int) (int, int) {
	if lines <= 0 {
		lines = defaultHeight
	}
	switch {
	case asked > 0 && (columns <= 0 || asked < columns):
		return asked, lines
	case columns > 0:
		return columns, lines
	default:
		return DefaultWidth, lines
	}
}

// Terminal reports whether somebody looks at the stream: it is neither a file nor a pipe.
func (l Look) Terminal() bool { return l.size != nil }

// Size is how many columns and lines there are as of now; 24 lines where nobody says.
func (l Look) Size() (columns, lines int) { return l.current() }

// current is the size as of now.
func (l Look) current() (columns, lines int) {
	if l.size != nil {
		return l.size()
	}
	return l.Width, defaultHeight
}
