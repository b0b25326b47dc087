package diagnostic

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/castrolanda/imsctl/internal/terminal"
)

// indent stands before every line of a text.
const indent = "  "

// paragraphs prints a text, every line of it indented and wrapped. A line that begins with a space, as those of an example do,
// stays as it is.
func (p *printer) paragraphs(text string) {
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			fmt.Fprintln(p)
			continue
		}
		fmt.Fprint(p, indent)
		p.wrapped(len(indent), line)
	}
}

// wrapped prints the words of a line that begins at a column, and goes on indented before the width is reached.
func (p *printer) wrapped(column int, text string) {
	if strings.HasPrefix(text, " ") {
		fmt.Fprintln(p, terminal.Escape(text))
		return
	}
	for i, word := range strings.Fields(text) {
		word = terminal.Escape(word)
		length := terminal.Width(word)
		switch {
		case i == 0:
		case p.options.Width > 20 && column+1+length > p.options.Width:
			fmt.Fprint(p, "\n"+indent)
			column = len(indent)
		default:
			fmt.Fprint(p, " ")
			column++
		}
		fmt.Fprint(p, word)
		column += length
	}
	fmt.Fprintln(p)
}

// capital begins a sentence with an upper-case letter, unless its first word is no word but the name of a file, a flag or
// an address.
func capital(text string) string {
	word := text
	if end := strings.IndexFunc(text, unicode.IsSpace); end >= 0 {
		word = text[:end]
	}
	if strings.ContainsFunc(strings.TrimRight(word, ":,"), func(r rune) bool { return !unicode.IsLetter(r) && r != '-' && r != '\'' }) {
		return text
	}
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 || first == utf8.RuneError {
		return text
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// short makes a path relative to the current folder where that is shorter.
func short(path string) string {
	if current, err := os.Getwd(); err == nil {
		if relative, err := filepath.Rel(current, path); err == nil && len(relative) < len(path) {
			return relative
		}
	}
	return path
}
