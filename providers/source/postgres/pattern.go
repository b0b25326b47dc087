package postgres

import (
	"fmt"
	"strings"
)

// pattern is a pg_dump table pattern as regular expressions of the server, after the rules of "Patterns" in psql's manual:
// letters are folded to lower case outside of quotes, * is any sequence, ? any character, a dot divides schema and table.
type pattern struct {
	// schema is empty when the pattern names none: then it is about the tables on the search path.
	schema, table string
}

// parsePattern reads a pattern.
func parsePattern(text string) (pattern, error) {
	var parts []string
	var current strings.Builder
	quoted := false
	for i := 0; i < len(text); i++ {
		character := text[i]
		switch {
		case character == '"' && quoted && i+1 < len(text) && text[i+1] == '"':
			current.WriteByte('"')
			i++
		case character == '"':
			quoted = !quoted
		case quoted:
			current.WriteString(literal(character))
		case character == '.':
			parts = append(parts, current.String())
			current.Reset()
		case character == '*':
			current.WriteString(".*")
		case character == '?':
			current.WriteByte('.')
		case character >= 'A' && character <= 'Z':
			current.WriteByte(character + 'a' - 'A')
		case character == '$':
			current.WriteString(`\$`)
		case character == '[' && i+1 < len(text) && text[i+1] == ']':
			// pg_dump takes this for the name of an array type.
			current.WriteString(`\[`)
		default:
			current.WriteByte(character)
		}
	}
	parts = append(parts, current.String())
	switch {
	case quoted:
		return pattern{}, fmt.Errorf("pattern %q has a quote that is not closed", text)
	case text == "" || parts[len(parts)-1] == "":
		return pattern{}, fmt.Errorf("pattern %q names no table", text)
	case len(parts) > 2:
		return pattern{}, fmt.Errorf("pattern %q has more than one dot: write SCHEMA.TABLE, with quotes around names that have dots", text)
	case len(parts) == 2:
		return pattern{schema: anchored(parts[0]), table: anchored(parts[1])}, nil
	}
	return pattern{table: anchored(parts[0])}, nil
}

// literal keeps a quoted character from having a meaning.
func literal(character byte) string {
	if strings.IndexByte(`|*+?()[]{}.^$\`, character) >= 0 {
		return `\` + string(character)
	}
	return string(character)
}

func anchored(expression string) string { return "^(" + expression + ")$" }
