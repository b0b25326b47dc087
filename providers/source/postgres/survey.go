package postgres

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

const (
	// copySize is how much of a dump is read at once, in bytes.
	copySize = 256 << 10
	// headLimit is how long the part of a dump before its first rows may be, in bytes.
	headLimit = 256 << 20
	// dataComment begins the comment above the first rows of a dump.
	dataComment = "-- Data for Name: "
)

// entry is a thing in a dump, as the comment above it tells (pg_backup_archiver.c): "-- Name: products; Type: TABLE; Schema:
// public; Owner: ims".
type entry struct{ name, kind, schema string }

var entryPattern = regexp.MustCompile(`^-- (?:Data for )?Name: (.*); Type: ([A-Z ]+); Schema: (.*); Owner: `)

// parseEntry reads such a comment.
func parseEntry(line string) (entry, bool) {
	if !strings.HasPrefix(line, "-- Name: ") && !strings.HasPrefix(line, dataComment) {
		return entry{}, false
	}
	found := entryPattern.FindStringSubmatch(line)
	if found == nil {
		return entry{}, false
	}
	return entry{name: found[1], kind: found[2], schema: found[3]}, true
}

// relation is the relation that an entry makes, if it makes one.
func (e entry) relation() (relation, bool) {
	switch e.kind {
	case "TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE":
		return relation{schema: e.schema, name: e.name}, true
	}
	return relation{}, false
}

// readBeginning reads a dump up to its first rows: everything that it makes is in there, but for what needs the rows to be there.
func readBeginning(dump *bufio.Reader) (string, error) {
	var head bytes.Buffer
	var line []byte
	for {
		if next, err := dump.Peek(len(dataComment)); string(next) == dataComment || errors.Is(err, io.EOF) && len(next) == 0 {
			return head.String(), nil
		} else if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		var err error
		for line, err = dump.ReadSlice('\n'); errors.Is(err, bufio.ErrBufferFull); line, err = dump.ReadSlice('\n') {
			head.Write(line)
			if head.Len() > headLimit {
				break
			}
		}
		head.Write(line)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
		if head.Len() > headLimit {
			// A dump with --inserts and no comments, or none at all: what is wrong with it will show.
			return head.String(), nil
		}
	}
}

// survey is what the head of a dump tells.
type survey struct {
	// server is what was dumped, dumper the pg_dump.
	server, dumper version
	relations      map[relation]string // to their kinds
	schemas        map[string]bool
	extensions     []string
	// owners are the roles that things are given to; made are those that the dump makes.
	owners, made map[string]bool
	// sequences are those that belong to a column, with their table.
	sequences map[relation]relation
}

var (
	versionLine  = regexp.MustCompile(`^-- Dumped (from database|by pg_dump) version (.+)$`)
	ownedLine    = regexp.MustCompile(`^ALTER SEQUENCE (.+) OWNED BY (.+);$`)
	identityLine = regexp.MustCompile(`^ALTER TABLE (.+) ALTER COLUMN .+ ADD GENERATED (?:ALWAYS|BY DEFAULT) AS IDENTITY`)
)

// surveyOf reads the head of a dump.
func surveyOf(head string) (*survey, error) {
	found := &survey{relations: make(map[relation]string), schemas: make(map[string]bool), owners: make(map[string]bool),
		made: make(map[string]bool), sequences: make(map[relation]relation)}
	var sql scanner
	var current entry
	number := 0
	for rest := head; rest != ""; {
		var line string
		if at := strings.IndexByte(rest, '\n'); at >= 0 {
			line, rest = rest[:at+1], rest[at+1:]
		} else {
			line, rest = rest, ""
		}
		number++
		starts := sql.between()
		text := strings.TrimRight(line, "\r\n")
		if made, ok := strings.CutPrefix(strings.TrimSpace(text), "CREATE ROLE "); ok && current == (entry{}) {
			found.made[bare(strings.TrimSuffix(made, ";"))] = true
		}
		switch e, ok := parseEntry(text); {
		case !starts:
		case ok:
			current = e
			found.add(e)
		case current == (entry{}):
			found.version(text)
		default:
			found.statement(current, text)
		}
		if text == "BEGIN;" || text == "COMMIT;" {
			continue
		}
		if err := sql.scan([]byte(line)); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if sql.data {
			// Rows without the comment above them: the dump is none of pg_dump's, and what follows is not looked at.
			return found, nil
		}
	}
	return found, nil
}

// add notes an entry.
func (f *survey) add(e entry) {
	if relation, ok := e.relation(); ok {
		f.relations[relation] = e.kind
	}
	switch e.kind {
	case "EXTENSION":
		f.extensions = append(f.extensions, e.name)
	case "SCHEMA":
		f.schemas[e.name] = true
	}
	if e.schema != "-" {
		f.schemas[e.schema] = true
	}
}

// version notes the versions that a dump begins with.
func (f *survey) version(text string) {
	line := versionLine.FindStringSubmatch(text)
	if line == nil {
		return
	}
	if found, err := parseVersion(line[2]); err == nil && line[1] == "by pg_dump" {
		f.dumper = found
	} else if err == nil {
		f.server = found
	}
}

// statement notes which roles are given something, and which table a sequence belongs to.
func (f *survey) statement(current entry, text string) {
	for _, role := range rolesOf(text) {
		f.owners[role] = true
	}
	if line := ownedLine.FindStringSubmatch(text); line != nil {
		if parts := splitName(line[2]); len(parts) == 3 {
			f.sequences[relation{schema: current.schema, name: current.name}] = relation{schema: parts[0], name: parts[1]}
		}
	}
	if line := identityLine.FindStringSubmatch(text); line != nil && current.kind == "SEQUENCE" {
		if parts := splitName(line[1]); len(parts) == 2 {
			f.sequences[relation{schema: current.schema, name: current.name}] = relation{schema: parts[0], name: parts[1]}
		}
	}
}

// splitName splits a name as SQL has it at its dots and takes its quotes away.
func splitName(text string) []string {
	var parts []string
	inside, begin := false, 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			inside = !inside
		case text[i] == '.' && !inside:
			parts = append(parts, bare(text[begin:i]))
			begin = i + 1
		}
	}
	return append(parts, bare(text[begin:]))
}

// bare is a part of a name without its quotes. Without quotes it is taken as it stands.
func bare(text string) string {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		return strings.ReplaceAll(text[1:len(text)-1], `""`, `"`)
	}
	return text
}
