package terminal

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// reset ends every colour.
const reset = "\x1b[0m"

// Width is how many columns a text without control characters takes. Where terminals differ it is the larger number, so
// that a line cut by it does not wrap.
func Width(text string) int {
	columns := 0
	for _, r := range text {
		columns += runeWidth(r)
	}
	return columns
}

// runeWidth follows Unicode's East Asian Width (UAX #11). A variation selector counts as a column of its own, because it
// can turn the narrow sign before it into a wide picture.
func runeWidth(r rune) int {
	const variationPicture = '\ufe0f'
	switch {
	case r < utf8.RuneSelf || r == variationPicture:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// Cut shortens a text without control characters to at most columns. What was cut off shows as "…".
func Cut(text string, columns int) string {
	if columns <= 0 {
		return ""
	}
	taken, end := 0, 0
	for at, r := range text {
		if taken < columns {
			end = at
		}
		if taken += runeWidth(r); taken > columns {
			return text[:end] + "…"
		}
	}
	return text
}

// Escape makes every character visible that would steer a terminal or turn the direction of the text: control
// characters, invalid bytes and bidirectional overrides become \n, \x1b, \u202e.
func Escape(text string) string {
	if !strings.ContainsFunc(text, steers) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(text[at])|0x100, 16)[1:])
		case steers(r):
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
		at += size
	}
	return b.String()
}

// steers reports whether a terminal obeys the character instead of showing it.
func steers(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// lines splits a text into lines and escapes each, but for tabs and, where colour is on, colours.
func lines(text string, color bool) []string {
	split := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range split {
		split[i] = escapeLine(strings.TrimSuffix(line, "\r"), color)
	}
	return split
}

func escapeLine(line string, color bool) string {
	var b strings.Builder
	colored := false
	for line != "" {
		at := strings.IndexAny(line, "\x1b\t")
		if at < 0 {
			break
		}
		b.WriteString(Escape(line[:at]))
		line = line[at:]
		switch end := colorEnd(line); {
		case line[0] == '\t':
			b.WriteByte('\t')
			line = line[1:]
		case color && end > 0:
			b.WriteString(line[:end])
			line, colored = line[end:], true
		default:
			b.WriteString(`\x1b`)
			line = line[1:]
		}
	}
	b.WriteString(Escape(line))
	if colored {
		b.WriteString(reset)
	}
	return b.String()
}

// colorEnd is the length of the SGR sequence (ECMA-48) that text starts with, 0 when it starts with something else.
func colorEnd(text string) int {
	body, found := strings.CutPrefix(text, "\x1b[")
	if !found {
		return 0
	}
	parameters := len(body) - len(strings.TrimLeft(body, "0123456789;"))
	if !strings.HasPrefix(body[parameters:], "m") {
		return 0
	}
	return len(text) - len(body) + parameters + 1
}
