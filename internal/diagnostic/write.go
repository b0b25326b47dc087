// Package diagnostic prints what is wrong and where: the summary, the place, the source lines with the spot underlined in
// characters, and what to do.
package diagnostic

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/hashicorp/hcl/v2"
)

// Options say what the output can show.
type Options struct {
	// Width in columns.
	Width int
	Color bool
}

// context is how many lines are shown before the one that is wrong.
const context = 2

// Write prints diagnostics in their order. files hold the sources by name.
func Write(w io.Writer, list hcl.Diagnostics, files map[string]*hcl.File, options Options) {
	for _, diagnostic := range list {
		fmt.Fprintln(w)
		fmt.Fprintf(w, "%s %s\n", label(diagnostic.Severity, options), diagnostic.Summary)
		if diagnostic.Subject != nil {
			writePlace(w, diagnostic, files[diagnostic.Subject.Filename], options)
		}
		writeText(w, diagnostic.Detail, options)
	}
	if len(list) > 0 {
		fmt.Fprintln(w)
	}
}

// Error prints an error that has no place in a specification.
func Error(w io.Writer, err error, options Options) {
	fmt.Fprintf(w, "\n%s ", label(hcl.DiagError, options))
	writeWrapped(w, "Error: ", capital(err.Error()), options)
}

// Problem prints an error or a warning about an address.
func Problem(w io.Writer, severity, address string, err error, options Options) {
	kind := hcl.DiagError
	if severity == "Warning" {
		kind = hcl.DiagWarning
	}
	fmt.Fprintf(w, "\n%s %s\n", label(kind, options), address)
	writeText(w, capital(err.Error()), options)
}

// label is the first word, in colour where there is some.
func label(severity hcl.DiagnosticSeverity, options Options) string {
	text, paint := "Error:", color.New(color.FgRed, color.Bold)
	if severity == hcl.DiagWarning {
		text, paint = "Warning:", color.New(color.FgYellow, color.Bold)
	}
	if !options.Color {
		return text
	}
	paint.EnableColor()
	return paint.Sprint(text)
}

func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return strings.ToUpper(string(first)) + text[size:]
}

// writePlace prints file:line:column and the lines around it.
func writePlace(w io.Writer, diagnostic *hcl.Diagnostic, file *hcl.File, options Options) {
	at := *diagnostic.Subject
	fmt.Fprintf(w, "\n  %s:%d:%d", short(at.Filename), at.Start.Line, at.Start.Column)
	if file == nil {
		fmt.Fprint(w, "\n\n")
		return
	}
	if name := blockAt(file, at); name != "" {
		fmt.Fprintf(w, ", in %s", name)
	}
	fmt.Fprint(w, ":\n\n")
	lines := bytes.Split(file.Bytes, []byte("\n"))
	gutter := len(fmt.Sprint(at.Start.Line))
	for number := max(1, at.Start.Line-context); number <= at.Start.Line && number <= len(lines); number++ {
		line := visible(lines[number-1])
		fmt.Fprintf(w, "  %*d │ %s\n", gutter, number, cut(line, options.Width-gutter-5))
	}
	if at.Start.Line <= len(lines) {
		fmt.Fprintf(w, "  %*s │ %s\n", gutter, "", carets(lines[at.Start.Line-1], at, options.Width-gutter-5))
	}
	fmt.Fprintln(w)
}

// blockAt names the block that holds a place.
func blockAt(file *hcl.File, at hcl.Range) string {
	if file.Body == nil {
		return ""
	}
	body, ok := file.Body.(interface {
		BlocksAtPos(hcl.Pos) []*hcl.Block
	})
	if !ok {
		return ""
	}
	blocks := body.BlocksAtPos(at.Start)
	if len(blocks) == 0 {
		return ""
	}
	parts := []string{blocks[0].Type}
	for _, name := range blocks[0].Labels {
		parts = append(parts, fmt.Sprintf("%q", name))
	}
	return strings.Join(parts, " ")
}

// visible turns a source line into what a terminal shows: tabs of four columns, no control characters.
func visible(line []byte) string {
	text := strings.TrimSuffix(strings.ToValidUTF8(string(line), "\uFFFD"), "\r")
	var result strings.Builder
	for _, character := range text {
		switch {
		case character == '\t':
			result.WriteString("    ")
		case character < ' ' || character == 0x7f:
			result.WriteRune('\uFFFD')
		default:
			result.WriteRune(character)
		}
	}
	return result.String()
}

// carets underlines a range within its first line.
func carets(line []byte, at hcl.Range, width int) string {
	text := strings.TrimSuffix(string(line), "\r")
	offset := 0
	if start := at.Start.Byte - lineStart(at); start >= 0 {
		offset = min(start, len(text))
	}
	length := len(text) - offset
	if at.End.Line == at.Start.Line {
		length = min(length, at.End.Byte-at.Start.Byte)
	}
	before := columns(visible([]byte(text[:offset])))
	under := max(1, columns(visible([]byte(text[offset:offset+max(0, length)]))))
	if before >= width {
		return ""
	}
	return strings.Repeat(" ", before) + strings.Repeat("^", min(under, width-before))
}

// lineStart is where in the file the range's first line begins, as far as its columns tell: columns count characters, so
// that this holds for lines without multi-byte characters before the range; carets corrects by the line's length.
func lineStart(at hcl.Range) int { return at.Start.Byte - (at.Start.Column - 1) }

func columns(text string) int { return utf8.RuneCountInString(text) }

// cut shortens a line that is too long.
func cut(line string, width int) string {
	runes := []rune(line)
	if width < 10 || len(runes) <= width {
		return line
	}
	return string(runes[:width-1]) + "…"
}

// writeText prints a text in an indented, wrapped paragraph.
func writeText(w io.Writer, text string, options Options) {
	if text == "" {
		return
	}
	for _, line := range strings.Split(text, "\n") {
		fmt.Fprint(w, "  ")
		writeWrapped(w, "  ", line, options)
	}
}

// writeWrapped prints words, breaking lines before the width; following lines are indented by two.
func writeWrapped(w io.Writer, used, text string, options Options) {
	column := len(used)
	if strings.HasPrefix(text, " ") {
		fmt.Fprintln(w, text)
		return
	}
	for i, word := range strings.Fields(text) {
		length := columns(word)
		switch {
		case i == 0:
		case options.Width > 20 && column+1+length > options.Width:
			fmt.Fprint(w, "\n  ")
			column = 2
		default:
			fmt.Fprint(w, " ")
			column++
		}
		fmt.Fprint(w, word)
		column += length
	}
	fmt.Fprintln(w)
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
