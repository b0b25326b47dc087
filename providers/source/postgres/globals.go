package postgres

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// globals is what a dump with the server's roles and tablespaces begins with.
//
// pg_dumpall's own text restores on an empty server only: CREATE ROLE fails for a role that is there, and CREATE TABLESPACE
// in a transaction. So its statements are taken apart.
func (d *dumping) globals(ctx context.Context) (text []byte, warnings []string, err error) {
	arguments := []string{d.dumpAll.path, "--globals-only", "--no-password", "--encoding=" + d.facts.encoding, "--dbname=" + d.place.conninfo()}
	if name := d.place.databaseName(); !strings.ContainsAny(name, "=:/") {
		// Some names would be taken for a connection string.
		arguments = append(arguments, "--database="+name)
	}
	if !d.facts.superuser {
		arguments = append(arguments, "--no-role-passwords")
		warnings = append(warnings, "the roles are in the dump without their passwords: only a superuser may read them")
	}
	var output bytes.Buffer
	err = d.place.runner().Run(ctx, providers.Command{Arguments: arguments, Environment: d.place.environment(d.run), Stdout: &output})
	if err != nil {
		return nil, nil, fmt.Errorf("dumping the roles and tablespaces of %s: %w", d.place, d.place.programError(err))
	}
	statements, err := splitStatements(output.Bytes())
	if err != nil {
		return nil, nil, fmt.Errorf("reading the roles and tablespaces that pg_dumpall wrote: %w", err)
	}
	g := gatherGlobals(statements)
	if len(g.others) > 0 {
		warnings = append(warnings, fmt.Sprintf("%d statements of pg_dumpall are in the dump as comments only: %.60q", len(g.others), g.others[0]))
	}
	return g.text(), warnings, nil
}

// splitStatements takes a script of pg_dumpall's apart into statements without comments around them.
func splitStatements(text []byte) ([]string, error) {
	var statements []string
	var sql scanner
	begin := 0
	for at := 0; at < len(text); {
		length := bytes.IndexByte(text[at:], '\n') + 1
		if length == 0 {
			length = len(text) - at
		}
		if sql.between() {
			begin = at
		}
		line := text[at : at+length]
		if err := sql.scan(line); err != nil {
			return nil, err
		}
		at += length
		if statement := strings.TrimSpace(string(text[begin:at])); sql.between() && strings.HasSuffix(statement, ";") && !strings.HasPrefix(statement, "--") {
			statements = append(statements, statement)
		}
	}
	if !sql.between() {
		return nil, io.ErrUnexpectedEOF
	}
	return statements, nil
}

// globalObjects are the statements of pg_dumpall by what they are about.
type globalObjects struct {
	// settings are what the others need to be read, roles those that need to be made, in order.
	settings, roles []string
	// definitions are the statements that make a role what it is, by its name as SQL has it.
	definitions map[string][]string
	// grants are memberships and privileges, which name the roles that they are about.
	grants      []grant
	tablespaces []string
	// others are statements that this version of imsctl does not know.
	others []string
}

// grant is a statement that is about roles which one has and the other gets.
type grant struct {
	statement string
	roles     []string
}

// gatherGlobals sorts the statements of pg_dumpall.
func gatherGlobals(statements []string) *globalObjects {
	g := &globalObjects{definitions: make(map[string][]string)}
	for _, statement := range statements {
		switch {
		case strings.HasPrefix(statement, "SET "):
			if !strings.HasPrefix(statement, "SET default_transaction_read_only") {
				g.settings = append(g.settings, statement)
			}
		case aboutTablespace(statement):
			g.tablespaces = append(g.tablespaces, statement)
		case strings.HasPrefix(statement, "GRANT "):
			g.grant(statement)
		default:
			g.role(statement)
		}
	}
	return g
}

// aboutTablespace reports whether a statement is about one: its second or fourth word, before any name, says so.
func aboutTablespace(statement string) bool {
	words := strings.Fields(statement[:strings.IndexAny(statement+`"`, `"'`)])
	return len(words) > 1 && words[1] == "TABLESPACE" || len(words) > 3 && (words[2] == "TABLESPACE" || words[3] == "TABLESPACE")
}

// role takes a statement that is about one role.
func (g *globalObjects) role(statement string) {
	for _, form := range []string{"CREATE ROLE ", "ALTER ROLE ", "COMMENT ON ROLE "} {
		rest, found := strings.CutPrefix(statement, form)
		if !found {
			continue
		}
		name, _ := cutIdentifier(rest)
		if _, known := g.definitions[name]; !known {
			if form != "CREATE ROLE " {
				break
			}
			g.roles = append(g.roles, name)
		}
		g.definitions[name] = append(g.definitions[name], statement)
		return
	}
	g.others = append(g.others, statement)
}

// grant takes GRANT role TO role, without who granted it: that role may not have the right to, on another server. And GRANT …
// ON PARAMETER name TO role.
func (g *globalObjects) grant(statement string) {
	rest := strings.TrimPrefix(statement, "GRANT ")
	if before, after, found := strings.Cut(rest, " ON PARAMETER "); found && !strings.Contains(before, `"`) {
		_, after = cutIdentifier(after)
		if after, found = strings.CutPrefix(after, " TO "); found {
			name, _ := cutIdentifier(after)
			g.grants = append(g.grants, grant{statement, []string{name}})
			return
		}
	}
	role, rest := cutIdentifier(rest)
	rest, found := strings.CutPrefix(rest, " TO ")
	if !found {
		g.others = append(g.others, statement)
		return
	}
	member, options := cutIdentifier(rest)
	options, _, _ = strings.Cut(strings.TrimSuffix(options, ";"), " GRANTED BY ")
	options = strings.TrimPrefix(options, "GRANTED BY ")
	g.grants = append(g.grants, grant{"GRANT " + role + " TO " + member + options + ";", []string{role, member}})
}

// cutIdentifier cuts a name as SQL has it off a text.
func cutIdentifier(text string) (name, rest string) {
	end := 0
	for quoted := false; end < len(text); end++ {
		if text[end] == '"' {
			quoted = !quoted
		} else if !quoted && (text[end] == ' ' || text[end] == ';' || text[end] == '\n') {
			break
		}
	}
	return text[:end], text[end:]
}

// text is a script that makes the roles that a server lacks, and leaves those that it has as they are.
func (g *globalObjects) text() []byte {
	var body strings.Builder
	for _, name := range g.roles {
		fmt.Fprintf(&body, "  IF to_regrole(%s) IS NULL THEN\n", sqlText(name))
		for _, statement := range g.definitions[name] {
			fmt.Fprintf(&body, "    %s\n", statement)
		}
		fmt.Fprintf(&body, "    made := made || %s::text;\n  END IF;\n", sqlText(name))
	}
	for _, grant := range g.grants {
		names := make([]string, len(grant.roles))
		for i, name := range grant.roles {
			names[i] = sqlText(name)
		}
		fmt.Fprintf(&body, "  IF made && ARRAY[%s] THEN\n    %s\n  END IF;\n", strings.Join(names, ", "), grant.statement)
	}
	tag := "$globals$"
	for n := 1; strings.Contains(body.String(), tag); n++ {
		tag = fmt.Sprintf("$globals%d$", n)
	}
	var text bytes.Buffer
	text.WriteString("--\n-- PostgreSQL database cluster dump\n--\n\n")
	for _, setting := range g.settings {
		text.WriteString(setting + "\n")
	}
	text.WriteString("\n-- Roles that are there already stay as they are, with their passwords and memberships.\n")
	fmt.Fprintf(&text, "DO %s\nDECLARE\n  made text[] := '{}';\nBEGIN\n%sEND\n%s;\n", tag, body.String(), tag)
	commented(&text, "Tablespaces need a folder of their own and cannot be made in a transaction: make those that the database is in beforehand.", g.tablespaces)
	commented(&text, "Other statements of pg_dumpall:", g.others)
	text.WriteString("\n--\n-- PostgreSQL database cluster dump complete\n--\n\n")
	return text.Bytes()
}

// commented writes statements as comments.
func commented(text *bytes.Buffer, title string, statements []string) {
	if len(statements) == 0 {
		return
	}
	fmt.Fprintf(text, "\n-- %s\n", title)
	for _, statement := range statements {
		fmt.Fprintf(text, "-- %s\n", strings.ReplaceAll(statement, "\n", "\n-- "))
	}
}
