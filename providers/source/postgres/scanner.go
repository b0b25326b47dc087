package postgres

import (
	"bytes"
	"fmt"
	"strings"
)

// scanner follows SQL as psql does, line by line, as far as it takes to know where statements end and table data begins
// (psqlscan.l of PostgreSQL).
type scanner struct {
	// until is what ends the quotation that the next line begins in: ', ", or the tag of a dollar quotation; empty outside.
	until string
	// escapes is set in a quotation with backslash escapes: E'…'.
	escapes bool
	// comments is how many block comments are open in each other, parentheses how many of those, and blocks how many
	// BEGIN and CASE in the body of a function in standard SQL.
	comments, parentheses, blocks int
	// words are the first four of the statement, previous the latest, all in lower case. begun is set by anything else too.
	words    []string
	previous string
	begun    bool
	// copies is set by FROM stdin in a COPY, data when what follows is table data.
	copies, data bool
}

// between reports whether a statement may begin here.
func (s *scanner) between() bool { return !s.begun && s.until == "" && s.comments == 0 && !s.data }

// scan reads a line of SQL.
func (s *scanner) scan(line []byte) error {
	for len(line) > 0 {
		var err error
		switch {
		case s.until != "":
			line = s.quotation(line)
		case s.comments > 0:
			line = s.comment(line)
		default:
			line, err = s.code(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// code reads the next piece outside of quotations and comments, and returns what is left of the line.
func (s *scanner) code(line []byte) ([]byte, error) {
	character := line[0]
	switch {
	case character == ' ' || character == '\t' || character == '\n' || character == '\r' || character == '\f' || character == '\v':
		return line[1:], nil
	case bytes.HasPrefix(line, []byte("--")):
		return nil, nil
	case bytes.HasPrefix(line, []byte("/*")):
		s.comments = 1
		return line[2:], nil
	case character == '\\':
		return nil, allowed(line)
	case character == ';' && s.parentheses == 0 && s.blocks == 0:
		return line[1:], s.end()
	}
	s.begun = true
	switch {
	case isWord(character):
		length := 1
		for length < len(line) && (isWord(line[length]) || line[length] == '$') {
			length++
		}
		word := strings.ToLower(string(line[:length]))
		if word == "e" && length < len(line) && line[length] == '\'' {
			s.until, s.escapes = "'", true
			return line[length+1:], nil
		}
		s.word(word)
		return line[length:], nil
	case character == '\'' || character == '"':
		s.until, s.previous = string(character), ""
	case character == '$':
		if tag := dollarTag(line); tag != "" {
			s.until = tag
			return line[len(tag):], nil
		}
	case character == '(':
		s.parentheses++
	case character == ')':
		s.parentheses = max(0, s.parentheses-1)
	}
	return line[1:], nil
}

// word notes a word outside of quotations.
func (s *scanner) word(word string) {
	if len(s.words) < 4 {
		s.words = append(s.words, word)
	}
	if s.words[0] == "copy" && s.previous == "from" && word == "stdin" {
		s.copies = true
	}
	s.previous = word
	if s.parentheses > 0 || !s.routine() {
		return
	}
	switch {
	case word == "begin", word == "case" && s.blocks > 0:
		s.blocks++
	case word == "end" && s.blocks > 0:
		s.blocks--
	}
}

// routine reports whether the statement is CREATE [OR REPLACE] FUNCTION or PROCEDURE.
func (s *scanner) routine() bool {
	words := s.words
	if words[0] != "create" {
		return false
	}
	words = words[1:]
	if len(words) > 2 && words[0] == "or" && words[1] == "replace" {
		words = words[2:]
	}
	return len(words) > 0 && (words[0] == "function" || words[0] == "procedure")
}

// end ends a statement. One that ends the transaction is refused.
func (s *scanner) end() error {
	first := ""
	if len(s.words) > 0 {
		first = s.words[0]
	}
	copies := s.copies
	*s = scanner{words: s.words[:0], data: copies}
	switch first {
	case "commit", "end", "rollback", "abort":
		return fmt.Errorf("the dump has the command %s, and a restore is one transaction", strings.ToUpper(first))
	}
	return nil
}

// quotation reads on to the end of a quotation. A doubled quote ends one and begins the next.
func (s *scanner) quotation(line []byte) []byte {
	for i := 0; i < len(line); i++ {
		if s.escapes && line[i] == '\\' {
			i++
			continue
		}
		if line[i] == s.until[0] && bytes.HasPrefix(line[i:], []byte(s.until)) {
			rest := line[i+len(s.until):]
			if s.escapes && len(rest) > 0 && rest[0] == '\'' {
				i++
				continue
			}
			s.until, s.escapes = "", false
			return rest
		}
	}
	return nil
}

// comment reads on to the end of a block comment or to the beginning of one in it.
func (s *scanner) comment(line []byte) []byte {
	for i := 0; i+1 < len(line); i++ {
		switch string(line[i : i+2]) {
		case "/*":
			s.comments++
			return line[i+2:]
		case "*/":
			s.comments--
			return line[i+2:]
		}
	}
	return nil
}

// allowed refuses commands of psql's own: they could leave the transaction, read files or run programs. \restrict and
// \unrestrict are in every dump since 15.14.
func allowed(line []byte) error {
	name, _, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
	if name == `\restrict` || name == `\unrestrict` {
		return nil
	}
	return fmt.Errorf("the dump has psql's command %.20q, which no dump of pg_dump's needs", name)
}

func isWord(character byte) bool {
	return character == '_' || character >= 0x80 || character >= '0' && character <= '9' ||
		character|0x20 >= 'a' && character|0x20 <= 'z'
}

// dollarTag is the tag, such as $$ or $body$, that a line begins with; empty when it does not.
func dollarTag(line []byte) string {
	for i := 1; i < len(line); i++ {
		switch {
		case line[i] == '$':
			return string(line[:i+1])
		case !isWord(line[i]) || i == 1 && line[i] >= '0' && line[i] <= '9':
			return ""
		}
	}
	return ""
}
