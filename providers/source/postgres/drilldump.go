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

// identifierPattern is a name as pg_dump writes it.
const identifierPattern = `"(?:[^"]|"")+"|[A-Za-z_\x{80}-\x{10ffff}][A-Za-z0-9_$\x{80}-\x{10ffff}]*`

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

// Read implements io.Reader. It fills p as far as it can: lines are short.
func (o *ownerless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		switch {
		case len(o.ready) > 0:
			copied := copy(p[n:], o.ready)
			o.ready, n = o.ready[copied:], n+copied
		case o.err != nil && n == 0 && len(p) > 0:
			return 0, o.err
		case o.err != nil:
			return n, nil
		case o.sql.data:
			o.data()
		default:
			o.line()
		}
	}
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
