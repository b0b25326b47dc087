package planner

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// wrap breaks text at spaces into lines of at most width characters. A word that is longer has a line of its own.
func wrap(text string, width int) []string {
	var lines []string
	line, length := "", 0
	for _, word := range strings.Fields(text) {
		size := utf8.RuneCountInString(word)
		switch {
		case line == "":
			line, length = word, size
		case length+1+size <= width:
			line += " " + word
			length += 1 + size
		default:
			lines = append(lines, line)
			line, length = word, size
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// printable shows control characters, invisible ones and broken encoding as escapes, so that a name or a message from
// outside can neither move the cursor nor hide a part of the plan.
func printable(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
