package starter

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Text is the specification, in the canonical format.
func (s *Starter) Text() []byte {
	var b strings.Builder
	owner := "here"
	if s.Project != "" {
		owner = "of the compose project " + s.Project
	}
	comment(&b, "What must be true of the data "+owner+". \"imsctl plan\" shows what would happen, \"imsctl apply\" does it.")
	b.WriteString("\nretention \"month\" {\n  keep_within = \"30d\"\n  keep_last = 3 # never fewer, whatever their age\n}\n\n")
	comment(&b, "Copies on the same disk are lost with it: add a destination on another machine, and a retention that fits.")
	fmt.Fprintf(&b, "destination \"local\" \"disk\" {\n  path = %s\n  retention = retention.month\n}\n", quote(copiesFolder))
	for _, source := range s.Sources {
		b.WriteByte('\n')
		for _, line := range source.Comments {
			comment(&b, line)
		}
		fmt.Fprintf(&b, "source %q %q {\n", source.Type, source.Name)
		for _, attribute := range source.Attributes {
			fmt.Fprintf(&b, "  %s = %s\n", attribute.Name, attribute.Expression)
		}
		fmt.Fprintf(&b, "}\n\nbackup %q {\n  source = source.%s.%s\n  to = [destination.local.disk]\n  every = \"24h\"\n}\n",
			source.Name, source.Type, source.Name)
	}
	if len(s.LeftOut) > 0 {
		b.WriteByte('\n')
		comment(&b, "Left out:")
		for _, omission := range s.LeftOut {
			comment(&b, "- "+omission.What+": "+omission.Why)
		}
	}
	return hclwrite.Format([]byte(b.String()))
}

// comment writes lines of comment. Nothing that comes from a compose file can end it.
func comment(b *strings.Builder, text string) {
	line, next := "#", "#"
	if strings.HasPrefix(text, "- ") {
		next = "#  "
	}
	for _, word := range strings.Fields(printable(text)) {
		if line != "#" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > commentWidth {
			b.WriteString(line + "\n")
			line = next
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}

// commentWidth is how wide a comment becomes, but for words that are longer.
const commentWidth = 80

// printable is a text without what would end a line or steer a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '�'
		}
		return r
	}, text)
}

// quote writes a text as HCL.
func quote(text string) string {
	return string(hclwrite.TokensForValue(cty.StringVal(text)).Bytes())
}

// list writes texts as an HCL list.
func list(texts ...string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = quote(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
