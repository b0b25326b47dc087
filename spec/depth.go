package spec

import (
	"bytes"
	"fmt"
)

// maxDepth bounds how deep an expression may be: brackets in brackets, and operators in a row. The parser and the evaluator
// recurse into each, and a stack that runs out cannot be caught.
const maxDepth = 500

// checkDepth refuses text that is nested too deep to be parsed.
func checkDepth(data []byte) error {
	_, err := scanDepth(data)
	return err
}

// scanDepth refuses text that is nested too deep to be parsed, and returns offsets at which it can be cut into parts: they
// are outside of all brackets, at the beginning of a line, and about partTokens apart. It knows as much of the grammar as it
// takes to tell brackets and operators from those in comments and strings.
func scanDepth(data []byte) (cuts []int, err error) {
	s := depthScan{data: data, frames: []depthFrame{{kind: '{'}}}
	for s.at < len(data) {
		if s.frames[len(s.frames)-1].isText() {
			s.text()
		} else {
			s.expression()
		}
		if s.total > maxDepth {
			return nil, fmt.Errorf("line %d: brackets and operators are nested more than %d deep", 1+bytes.Count(data[:s.at], []byte("\n")), maxDepth)
		}
	}
	return s.cuts, nil
}

// depthFrame is one open bracket, string or heredoc.
type depthFrame struct {
	// kind is the opening character: ( [ {, $ for an interpolation, % for a directive, " for a string, < for a heredoc.
	kind byte
	// weight is how deep the expression in it is so far.
	weight int
	// marker ends a heredoc.
	marker []byte
}

func (f depthFrame) isText() bool { return f.kind == '"' || f.kind == '<' }

// depthScan is a walk through a text.
type depthScan struct {
	data   []byte
	at     int
	frames []depthFrame
	// total is the sum of the weights.
	total int
	// tokens are about how many there have been since the last cut.
	tokens int
	cuts   []int
}

func (s *depthScan) add(n int) {
	s.frames[len(s.frames)-1].weight += n
	s.total += n
}

func (s *depthScan) open(kind byte) {
	s.add(1)
	// What is in a text, and its end.
	s.tokens += 2
	s.frames = append(s.frames, depthFrame{kind: kind})
}

// close ends the innermost bracket. An interpolation leaves no trace: those behind it stand beside it. Anything else may be
// followed by more of the same expression.
func (s *depthScan) close() {
	last := len(s.frames) - 1
	if last == 0 {
		return
	}
	s.reset()
	kind := s.frames[last].kind
	s.frames = s.frames[:last]
	if kind == '$' {
		s.add(-1)
	}
}

// reset ends an expression: what follows stands beside it.
func (s *depthScan) reset() { s.add(-s.frames[len(s.frames)-1].weight) }

// expression reads one character outside of strings.
func (s *depthScan) expression() {
	character := s.data[s.at]
	if character != ' ' && (s.at == 0 || !inWord(character) || !inWord(s.data[s.at-1])) {
		s.tokens++
	}
	s.at++
	switch character {
	case '(', '[', '{', '"':
		s.open(character)
	case ')', ']', '}':
		s.close()
	case '#':
		s.skipTo("\n")
	case '/':
		switch {
		case s.next('/'):
			s.skipTo("\n")
		case s.next('*'):
			s.skipTo("*/")
		default:
			s.add(1)
		}
	case '<':
		if !s.heredoc() {
			s.add(1)
		}
	case '*', '%', '+', '-', '&', '|', '!', '?', '.', '=', '>':
		s.add(1)
	case ',':
		s.reset()
	case '\n':
		// Between other brackets an expression goes on in the next line.
		if s.frames[len(s.frames)-1].kind == '{' {
			s.reset()
		}
		if len(s.frames) == 1 {
			s.cut()
		}
	}
}

// cut notes that the text can be cut here.
func (s *depthScan) cut() {
	if s.tokens >= partTokens {
		s.cuts, s.tokens = append(s.cuts, s.at), 0
	}
}

// inWord reports whether a character is one of those of a name or a number.
func inWord(character byte) bool {
	return character >= 'a' && character <= 'z' || character >= 'A' && character <= 'Z' || character >= '0' && character <= '9' ||
		character == '_' || character == '-' || character >= 0x80
}

// text reads one character of a string or a heredoc.
func (s *depthScan) text() {
	frame := s.frames[len(s.frames)-1]
	character := s.data[s.at]
	s.at++
	switch {
	case character == '\\' && frame.kind == '"':
		s.at++
	case (character == '$' || character == '%') && s.next(character):
		// "$${" is no interpolation.
		s.next('{')
	case (character == '$' || character == '%') && s.next('{'):
		s.open(character)
	case character == '"' && frame.kind == '"':
		s.close()
	case character == '\n' && frame.kind == '"':
		// A string that does not end on its line is a mistake that the parser tells.
		s.close()
	case character == '\n' && s.endsHeredoc(frame.marker):
		s.close()
	case character == '\n':
		// Each line of a heredoc is a token.
		s.tokens++
	}
}

// next takes a character when it is the next one.
func (s *depthScan) next(character byte) bool {
	if s.at < len(s.data) && s.data[s.at] == character {
		s.at++
		return true
	}
	return false
}

func (s *depthScan) skipTo(end string) {
	if length := bytes.Index(s.data[s.at:], []byte(end)); length >= 0 {
		s.at += length
		if end != "\n" {
			s.at += len(end)
		}
		return
	}
	s.at = len(s.data)
}

// heredoc opens one when the text after its first "<" is the rest of an opening line: "<MARKER" or "<-MARKER".
func (s *depthScan) heredoc() bool {
	line, _, _ := bytes.Cut(s.data[s.at:], []byte("\n"))
	marker, found := bytes.CutPrefix(line, []byte("<"))
	marker = bytes.TrimSpace(bytes.TrimPrefix(marker, []byte("-")))
	if !found || len(marker) == 0 || bytes.ContainsAny(marker, " \"'()[]{}=<>,") {
		return false
	}
	s.at += len(line)
	s.open('<')
	s.frames[len(s.frames)-1].marker = marker
	return true
}

// endsHeredoc reports whether the line that begins here is the marker alone.
func (s *depthScan) endsHeredoc(marker []byte) bool {
	line := s.data[s.at:min(len(s.data), s.at+len(marker)+256)]
	line, _, _ = bytes.Cut(line, []byte("\n"))
	return bytes.Equal(bytes.TrimSpace(line), marker)
}
