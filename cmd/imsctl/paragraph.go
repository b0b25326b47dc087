package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/castrolanda/imsctl/internal/terminal"
)

// hanging breaks a text behind a mark at spaces, so that no line is wider than width; what follows the first line is indented. A word
// that is longer than a line has one of its own.
func hanging(mark, text string, indent, width int) []string {
	line, begun := mark, false
	var lines []string
	for _, word := range strings.Fields(terminal.Escape(text)) {
		switch {
		case !begun:
			line += word
		case terminal.Width(line)+1+terminal.Width(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = strings.Repeat(" ", indent) + word
		}
		begun = true
	}
	return append(lines, line)
}

// wrapped breaks a text at spaces, into no line where there is none. A word that is longer than a line has one of its own.
func wrapped(text string, width int) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return hanging("", text, 0, width)
}

// fold is a text behind a mark: on a terminal broken in its width, elsewhere in one line, for programs.
func (c *cli) fold(w io.Writer, mark, text string, indent int) string {
	look := c.look(w)
	if !look.Terminal() {
		return mark + terminal.Escape(text)
	}
	return strings.Join(hanging(mark, text, indent, look.Width), "\n")
}

// say prints a text behind a mark; on a terminal what follows the first line is under where the text begins.
func (c *cli) say(mark, text string) error {
	_, err := fmt.Fprintln(c.stdout, c.fold(c.stdout, mark, text, terminal.Width(mark)))
	return err
}
