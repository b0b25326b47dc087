package content

import (
	"bytes"
	"regexp"
	"unicode/utf8"
)

// text tells kinds of text apart by their lines.
func text(head []byte) (Content, bool) {
	if !isText(head) {
		return Content{}, false
	}
	lines := sampleLines(head)
	switch {
	case postgresDump.Match(head):
		return Content{Kind: SQL, Detail: "a PostgreSQL dump in SQL"}, true
	case share(lines, sqlLine) >= 0.2:
		return Content{Kind: SQL, Detail: "SQL"}, true
	case share(lines, containerLogLine) >= 0.5:
		return Content{Kind: Log, Detail: "a container's log"}, true
	case share(lines, logLine) >= 0.5:
		return Content{Kind: Log, Detail: "a log"}, true
	case isJSON(head, lines):
		return Content{Kind: JSON, Detail: "JSON"}, true
	case isCode(head, lines):
		return Content{Kind: Code, Detail: "code or configuration"}, true
	case isTable(lines):
		return Content{Kind: CSV, Detail: "a table (CSV)"}, true
	default:
		return Content{Kind: Text, Detail: "text"}, true
	}
}

// What lines of the kinds look like.
var (
	postgresDump = regexp.MustCompile(`(?m)\A(?:.*\n){0,4}-- PostgreSQL database (?:cluster )?dump`)
	sqlLine      = regexp.MustCompile(`(?i)^\s*(?:insert\s+into|create\s+(?:table|index|database|unique|or\s+replace|sequence|view|function|type|schema|extension)|alter\s+table|drop\s+table|copy\s+\S+.*from\s+stdin|select\s|set\s+\w+\s*=|lock\s+tables|update\s+\S+\s+set|delete\s+from|grant\s|revoke\s)`)
	// containerLogLine is that of the json-file driver.
	containerLogLine = regexp.MustCompile(`^\{"log":"`)
	logLine          = regexp.MustCompile(`^(?:<\d+>)?\[?(?:` +
		`\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}` + `|[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}` + `|\d{10}(?:\.\d+)?\s` +
		`|\S+ \S+ \S+ \[\d{2}/[A-Z][a-z]{2}/\d{4}:` + `|(?:DEBUG|INFO|WARN|WARNING|ERROR|FATAL)\b` + `|time=|\{"(?:time|ts|level|timestamp)":` + `)`)
	jsonLine = regexp.MustCompile(`^\s*(?:"(?:[^"\\]|\\.)*"\s*[:,]?|[{}\[\]],?\s*$|[-\d.eE+]+,?\s*$|(?:true|false|null),?\s*$|\{.*\},?\s*$|\[.*\],?\s*$)`)
	codeLine = regexp.MustCompile(`^\s*(?:import |from \S+ import|package |func |def |class |#include|#!|const |let |var |function |return\b|if\b|for\b|while\b|else\b|use |fn |pub |public |private |static |struct |interface |@|//|/\*|\*|#|--|[\w.-]+\s*[=:]|<[/!?\w]|[\w.-]+:\s*$|[\w"'.$-]+ (?:[\w"'.$-]+ )*\{$|\[[\w.: "-]+\]$|.*[{};]\s*$)`)
)

// isText reports whether bytes are text in UTF-8 with next to no control characters. The last character may be cut.
func isText(head []byte) bool {
	if len(head) == 0 {
		return false
	}
	control, wrong := 0, 0
	for i := 0; i < len(head); {
		character, size := utf8.DecodeRune(head[i:])
		switch {
		case character == utf8.RuneError && size == 1:
			if len(head)-i >= utf8.UTFMax || utf8.FullRune(head[i:]) {
				wrong++
			}
		case character == 0:
			return false
		case character < ' ' && character != '\n' && character != '\r' && character != '\t' && character != '\x1b':
			control++
		}
		i += size
	}
	return (control+wrong)*100 <= len(head)
}

// mostLines is how many lines are looked at.
const mostLines = 200

// sampleLines are the first lines that are not empty, each without its end and cut to a length at which patterns are cheap.
// The last one is left out when it may be cut.
func sampleLines(head []byte) [][]byte {
	const longest = 400
	var lines [][]byte
	all := bytes.Split(head, []byte{'\n'})
	if len(all) > 1 {
		all = all[:len(all)-1]
	}
	for _, line := range all {
		if line = bytes.TrimRight(line, "\r"); len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if lines = append(lines, line[:min(len(line), longest)]); len(lines) == mostLines {
			break
		}
	}
	return lines
}

// share is the part of the lines that match.
func share(lines [][]byte, pattern *regexp.Regexp) float64 {
	if len(lines) == 0 {
		return 0
	}
	count := 0
	for _, line := range lines {
		if pattern.Match(line) {
			count++
		}
	}
	return float64(count) / float64(len(lines))
}

// isJSON reports whether text is one document or one per line.
func isJSON(head []byte, lines [][]byte) bool {
	start := bytes.TrimLeft(head, " \t\r\n\ufeff")
	if len(start) < 2 || start[0] != '{' && start[0] != '[' {
		return false
	}
	next := bytes.TrimLeft(start[1:], " \t\r\n")
	if len(next) == 0 || !bytes.ContainsRune([]byte(`"{[]}-0123456789tfn`), rune(next[0])) || start[0] == '{' && next[0] != '"' && next[0] != '}' {
		return false
	}
	// A single line cannot be judged by its lines.
	return len(lines) <= 1 || share(lines, jsonLine) >= 0.8
}

// isCode reports whether text is a program, markup or a configuration.
func isCode(head []byte, lines [][]byte) bool {
	return bytes.HasPrefix(head, []byte("#!")) || bytes.HasPrefix(head, []byte("<?xml")) || len(lines) > 1 && share(lines, codeLine) >= 0.6
}

// isTable reports whether all of the lines have the same number of the same separator, outside of quotes.
func isTable(lines [][]byte) bool {
	if len(lines) < 2 {
		return false
	}
	for _, separator := range []byte{',', ';', '\t', '|'} {
		want, equal := columns(lines[0], separator), 0
		for _, line := range lines {
			if columns(line, separator) == want {
				equal++
			}
		}
		if want > 0 && equal*10 >= len(lines)*9 {
			return true
		}
	}
	return false
}

// columns counts separators outside of double quotes.
func columns(line []byte, separator byte) int {
	count, quoted := 0, false
	for _, character := range line {
		switch {
		case character == '"':
			quoted = !quoted
		case character == separator && !quoted:
			count++
		}
	}
	return count
}
