package postgres

import (
	"bytes"
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
	pieces
	roles map[string]bool
	// missing are the roles that were met and are not there.
	missing map[string]bool
	// number is how many lines of SQL were read so far, globals is set among those that make roles.
	number  int
	globals bool
	// ready is what can be read now, err what comes after it.
	ready []byte
	err   error
}

func newOwnerless(dump io.Reader, roles map[string]bool) *ownerless {
	return &ownerless{pieces: newPieces(dump), roles: roles, missing: make(map[string]bool)}
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
			// What is wrong with the dump the restore itself finds.
			o.ready, _, o.err = o.rows()
		default:
			o.next()
		}
	}
	return n, nil
}

// next passes a line of SQL on, or an empty one in its place.
func (o *ownerless) next() {
	line, err := o.line()
	o.ready, o.err = line, err
	if len(line) == 0 {
		return
	}
	text := string(bytes.TrimRight(line, "\r\n"))
	begins := o.sql.between()
	o.number++
	if o.number <= 3 && text == globalsBegin {
		o.globals = true
	}
	if o.globals {
		o.ready = []byte("\n")
		if begins && text == globalsEnd {
			o.globals = false
		}
	}
	if o.sql.scan(line) != nil || !begins || !o.sql.between() {
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
