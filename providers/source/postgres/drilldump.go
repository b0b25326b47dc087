package postgres

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// headSize is how much of a dump is looked at before it is restored, in bytes. pg_dump writes extensions before everything
// that can be large, but behind what clean drops.
const headSize = 4 << 20

// head is what the beginning of a dump tells.
type head struct {
	// server is that of the database that was dumped; the zero version when it is not told.
	server version
	// extensions are those that the dump makes, in its order.
	extensions []string
}

const dumpedFrom = "-- Dumped from database version "

var (
	createExtension = regexp.MustCompile(`(?i)^CREATE EXTENSION (?:IF NOT EXISTS )?(` + identifierPattern + `)[ ;]`)
	// beforeExtensions are the objects that pg_dump writes before extensions (pg_dump_sort.c).
	beforeExtensions = regexp.MustCompile(`(?i)^CREATE (?:SCHEMA|EXTENSION|COLLATION|TRANSFORM|(?:OR REPLACE )?(?:TRUSTED )?(?:PROCEDURAL )?LANGUAGE) `)
)

// identifierPattern is a name as pg_dump writes it.
const identifierPattern = `"(?:[^"]|"")+"|[A-Za-z_\x{80}-\x{10ffff}][A-Za-z0-9_$\x{80}-\x{10ffff}]*`

// readHead reads the beginning of a dump, as far as the first thing that cannot stand before an extension.
func readHead(beginning []byte) head {
	var found head
	var sql scanner
	for len(beginning) > 0 {
		line, rest, whole := bytes.Cut(beginning, []byte("\n"))
		if !whole {
			break
		}
		beginning = rest
		if sql.between() {
			text := string(line)
			if version, is := strings.CutPrefix(text, dumpedFrom); is && found.server.text == "" {
				// A line that says no version says nothing.
				found.server, _ = parseVersion(version)
			}
			if match := createExtension.FindStringSubmatch(text); match != nil {
				found.extensions = append(found.extensions, unquoted(match[1]))
			} else if strings.HasPrefix(text, "COPY ") || strings.HasPrefix(text, "CREATE ") && !beforeExtensions.MatchString(text) {
				break
			}
		}
		if sql.scan(line) != nil || sql.data {
			break
		}
	}
	return found
}

// unquoted is the name that an identifier stands for.
func unquoted(identifier string) string {
	if strings.HasPrefix(identifier, `"`) {
		return strings.ReplaceAll(identifier[1:len(identifier)-1], `""`, `"`)
	}
	return strings.ToLower(identifier)
}

// roleStatements are the statements of one line by which pg_dump gives something to a role, or lets a role do something. The
// groups are the roles.
var roleStatements = []*regexp.Regexp{
	regexp.MustCompile(`^ALTER DEFAULT PRIVILEGES FOR ROLE (` + identifierPattern + `) .* (?:TO|FROM) (` + identifierPattern + `)(?: WITH GRANT OPTION)?;$`),
	regexp.MustCompile(`^ALTER .* OWNER TO (` + identifierPattern + `);$`),
	regexp.MustCompile(`^GRANT .* TO (` + identifierPattern + `)(?: WITH GRANT OPTION)?(?: GRANTED BY (` + identifierPattern + `))?;$`),
	regexp.MustCompile(`^REVOKE .* FROM (` + identifierPattern + `)(?: GRANTED BY (` + identifierPattern + `))?;$`),
	regexp.MustCompile(`^SET SESSION AUTHORIZATION '?(` + identifierPattern + `)'?;$`),
}

// rolesOf lists the roles of a statement that gives something to a role; none of other statements.
func rolesOf(line string) []string {
	for _, form := range roleStatements {
		match := form.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		var roles []string
		for _, identifier := range match[1:] {
			if identifier != "" && identifier != "PUBLIC" {
				roles = append(roles, unquoted(identifier))
			}
		}
		return roles
	}
	return nil
}

// The lines between which a dump has the roles of its server.
const (
	globalsBegin = "-- PostgreSQL database cluster dump"
	globalsEnd   = globalsBegin + " complete"
)

// ownerless reads a dump and leaves out the statements that give something to a role which is not there, and those that make
// roles: these would outlive the drill. Each becomes an empty line, so that the numbers of lines stay those of the dump.
type ownerless struct {
	source *bufio.Reader
	roles  map[string]bool
	sql    scanner
	// missing are the roles that were met and are not there.
	missing map[string]bool
	// lines are how many were read so far, globals is set among those that make roles.
	lines   int
	globals bool
	// ready is what can be read now, err what comes after it; inside is set in a line that is longer than the buffer.
	ready  []byte
	err    error
	inside bool
	buffer []byte
}

func newOwnerless(dump io.Reader, roles map[string]bool) *ownerless {
	return &ownerless{source: bufio.NewReaderSize(dump, 64<<10), roles: roles, missing: make(map[string]bool)}
}

// absent lists the roles that were left out.
func (o *ownerless) absent() []string { return slices.Sorted(maps.Keys(o.missing)) }

// Read implements io.Reader.
func (o *ownerless) Read(p []byte) (int, error) {
	for len(o.ready) == 0 && o.err == nil {
		if o.sql.data {
			o.data()
		} else {
			o.line()
		}
	}
	if len(o.ready) == 0 {
		return 0, o.err
	}
	n := copy(p, o.ready)
	o.ready = o.ready[n:]
	return n, nil
}

// data passes a piece of a table's rows on.
func (o *ownerless) data() {
	piece, err := o.source.ReadSlice('\n')
	o.ready = piece
	if errors.Is(err, bufio.ErrBufferFull) {
		o.inside = true
		return
	}
	if !o.inside && string(bytes.TrimRight(piece, "\r\n")) == `\.` {
		o.sql.data = false
	}
	o.inside, o.err = false, err
}

// line passes a line of SQL on, or an empty one in its place. What is wrong with the SQL the restore itself finds.
func (o *ownerless) line() {
	o.buffer = o.buffer[:0]
	for {
		piece, err := o.source.ReadSlice('\n')
		o.buffer = append(o.buffer, piece...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			o.err = err
			break
		}
	}
	o.ready = o.buffer
	if len(o.buffer) == 0 {
		return
	}
	text := string(bytes.TrimRight(o.buffer, "\r\n"))
	begins := o.sql.between()
	o.lines++
	if o.lines <= 3 && text == globalsBegin {
		o.globals = true
	}
	if o.globals {
		o.ready = []byte("\n")
		if begins && text == globalsEnd {
			o.globals = false
		}
	}
	if o.sql.scan(o.buffer) != nil || !begins || !o.sql.between() {
		return
	}
	lacking := false
	for _, role := range rolesOf(text) {
		if !o.roles[role] {
			o.missing[role], lacking = true, true
		}
	}
	if lacking {
		o.ready = []byte("\n")
	}
}
