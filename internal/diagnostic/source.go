package diagnostic

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/castrolanda/imsctl/internal/terminal"
)

const (
	// context is how many lines are shown before the one that is wrong.
	context = 2
	// tab is how many columns a tab is shown as.
	tab = "    "
	// least is how many columns of a line are shown at least, however narrow the terminal.
	least = 20
)

// source is a file, made ready for finding lines and blocks in it.
type source struct {
	data []byte
	// starts are the offsets of the lines.
	starts []int
	// blocks are those of the outermost level, in order.
	blocks hclsyntax.Blocks
}

// newSource reads a file; nil has no lines.
func newSource(file *hcl.File) *source {
	if file == nil {
		return &source{}
	}
	s := &source{data: file.Bytes, starts: []int{0}}
	for i, character := range file.Bytes {
		if character == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	if body, ok := file.Body.(*hclsyntax.Body); ok && body != nil {
		s.blocks = body.Blocks
	}
	return s
}

// line returns a line, from 1, without its end and with the passwords of URLs covered.
func (s *source) line(number int) []byte {
	line, _, _ := bytes.Cut(s.data[s.starts[number-1]:], []byte("\n"))
	return coverPasswords(bytes.TrimSuffix(line, []byte("\r")))
}

// passwordInURL finds what stands between the user and the host of a URL.
var passwordInURL = regexp.MustCompile(`://[^\s:@/"]*:([^\s@/"]+)@`)

// coverPasswords puts an asterisk over every byte of them, so that places stay where they are.
func coverPasswords(line []byte) []byte {
	found := passwordInURL.FindAllSubmatchIndex(line, -1)
	if len(found) == 0 {
		return line
	}
	covered := bytes.Clone(line)
	for _, match := range found {
		copy(covered[match[2]:match[3]], bytes.Repeat([]byte("*"), match[3]-match[2]))
	}
	return covered
}

// lineAt is the number of the line that holds an offset.
func (s *source) lineAt(offset int) int {
	index, found := slices.BinarySearch(s.starts, offset)
	if found {
		return index + 1
	}
	return index
}

// blockAt names the block that holds an offset: `source "files" "docs"`.
func (s *source) blockAt(offset int) string {
	index, found := slices.BinarySearchFunc(s.blocks, offset, func(block *hclsyntax.Block, offset int) int {
		return block.TypeRange.Start.Byte - offset
	})
	if !found {
		index--
	}
	if index < 0 || offset >= s.blocks[index].CloseBraceRange.End.Byte {
		return ""
	}
	parts := []string{s.blocks[index].Type}
	for _, name := range s.blocks[index].Labels {
		parts = append(parts, fmt.Sprintf("%q", name))
	}
	return strings.Join(parts, " ")
}

// place prints file:line:column and the lines there.
func (p *printer) place(at hcl.Range, s *source, severity hcl.DiagnosticSeverity) {
	fmt.Fprintf(p, "\n%s%s:%d:%d", indent, terminal.Escape(short(at.Filename)), at.Start.Line, at.Start.Column)
	if len(s.data) == 0 || at.Start.Byte > len(s.data) || at.Start.Byte < 0 {
		fmt.Fprint(p, "\n\n")
		return
	}
	if name := s.blockAt(at.Start.Byte); name != "" {
		fmt.Fprintf(p, ", in %s", name)
	}
	fmt.Fprint(p, ":\n\n")
	number := s.lineAt(at.Start.Byte)
	gutter := len(fmt.Sprint(number))
	room := max(least, p.options.Width-gutter-len(indent)-len(" │ "))
	for before := max(1, number-context); before < number; before++ {
		fmt.Fprintf(p, "%s%*d │ %s\n", indent, gutter, before, terminal.Cut(visible(s.line(before)), room-1))
	}
	text, carets := spot(s.line(number), at.Start.Byte-s.starts[number-1], at.End.Byte-at.Start.Byte, room)
	fmt.Fprintf(p, "%s%*d │ %s\n", indent, gutter, number, text)
	fmt.Fprintf(p, "%s%*s │ %s\n\n", indent, gutter, "", p.underline(carets, severity))
}

// underline colours the carets and not the space before them.
func (p *printer) underline(carets string, severity hcl.DiagnosticSeverity) string {
	space := len(carets) - len(strings.TrimLeft(carets, " "))
	return carets[:space] + p.painted(severity, carets[space:])
}

// spot returns a line in at most room columns and the carets that go under a part of it: as much as the line has of the
// length bytes from offset on, and at least one. What is to the left is cut off where it leaves no room for the part.
func spot(line []byte, offset, length, room int) (text, carets string) {
	offset = min(max(offset, 0), len(line))
	end := min(offset+max(length, 0), len(line))
	before, part, after := visible(line[:offset]), visible(line[offset:end]), visible(line[end:])
	width := max(1, terminal.Width(part))
	if start := terminal.Width(before); start+min(width, room/2) >= room {
		before = "…" + lastColumns(before, room/3)
	}
	start := terminal.Width(before)
	text = terminal.Cut(before+part+after, room-1)
	return text, strings.Repeat(" ", start) + strings.Repeat("^", max(1, min(width, room-start)))
}

// lastColumns returns the end of a text that takes at most so many columns.
func lastColumns(text string, columns int) string {
	runes := []rune(text)
	from := len(runes)
	for taken := 0; from > 0; from-- {
		taken += terminal.Width(string(runes[from-1]))
		if taken > columns {
			break
		}
	}
	return string(runes[from:])
}

// visible turns a part of a source line into what a terminal can show in as many columns as it is measured by: tabs as
// spaces, and a sign in place of every character that would steer the terminal or the direction of the text.
func visible(line []byte) string {
	text := strings.ToValidUTF8(string(line), "\uFFFD")
	var result strings.Builder
	for _, character := range text {
		switch {
		case character == '\t':
			result.WriteString(tab)
		case unicode.IsControl(character), unicode.Is(unicode.Bidi_Control, character), character == '\u2028', character == '\u2029':
			result.WriteRune('\uFFFD')
		default:
			result.WriteRune(character)
		}
	}
	return result.String()
}
