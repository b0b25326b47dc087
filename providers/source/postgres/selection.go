package postgres

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/spelling"
)

// wanted is a relation that is asked for: "public.products", or "products" for any schema that has one.
type wanted struct{ schema, name string }

// parseWanted reads such a name. Parts may be quoted as in SQL; letters are not folded.
func parseWanted(text string) (wanted, error) {
	parts := splitName(text)
	if slices.Contains(parts, "") || len(parts) > 2 {
		return wanted{}, fmt.Errorf("%q is not the name of a table: write NAME or SCHEMA.NAME, with quotes around what has a dot in it", text)
	}
	if len(parts) == 1 {
		return wanted{name: parts[0]}, nil
	}
	return wanted{schema: parts[0], name: parts[1]}, nil
}

func (w wanted) String() string {
	if w.schema == "" {
		return w.name
	}
	return relation{schema: w.schema, name: w.name}.String()
}

func (w wanted) matches(r relation) bool {
	return w.name == r.name && (w.schema == "" || w.schema == r.schema)
}

// selection says what of a dump is restored, and what is held against the manifest.
type selection struct {
	// all is set where everything is; relations and schemas otherwise.
	all                   bool
	relations             map[relation]bool
	schemas               map[string]bool
	noOwner, noPrivileges bool
	// roles are those of the server. missing are those that the dump gives something to and that are not there.
	roles, missing map[string]bool
	// opening are statements before the first of the dump, in one line.
	opening string
	// counts are how many rows there must be at the end.
	counts map[relation]int64

	current entry
	// decided is set when it is known whether the current entry is wanted, by keep; statement is whether the current statement is.
	decided, keep, statement bool
}

// selectFrom finds what is asked for in a dump.
func selectFrom(found *survey, tables []wanted, schemas []string) (*selection, error) {
	s := &selection{all: len(tables)+len(schemas) == 0, relations: make(map[relation]bool), schemas: make(map[string]bool), missing: make(map[string]bool)}
	for _, name := range schemas {
		if !found.schemas[name] {
			return nil, fmt.Errorf("the dump has no schema %q%s", name, near(name, slices.Collect(maps.Keys(found.schemas))))
		}
		s.schemas[name] = true
	}
	for _, name := range tables {
		any := false
		for relation := range found.relations {
			if name.matches(relation) {
				any = true
				s.relations[relation] = true
			}
		}
		if !any {
			return nil, fmt.Errorf("the dump has no table %q%s", name, nearRelations(name, found))
		}
	}
	for sequence, table := range found.sequences {
		if s.relations[table] {
			s.relations[sequence] = true
		}
	}
	return s, nil
}

func nearRelations(name wanted, found *survey) string {
	var names []string
	for relation := range found.relations {
		if name.schema == "" {
			names = append(names, relation.name)
		} else {
			names = append(names, relation.String())
		}
	}
	return near(name.String(), names)
}

// near lists up to three names that are like a given one.
func near(given string, known []string) string {
	slices.Sort(known)
	known = slices.Compact(known)
	close := spelling.Near(given, known, func(name string) bool { return strings.Contains(name, given) })
	switch {
	case len(close) > 0:
		return "; did you mean " + strings.Join(close[:min(3, len(close))], ", ") + "?"
	case len(known) == 0:
		return ": it has none at all"
	case len(known) <= 10:
		return "; it has " + strings.Join(known, ", ")
	}
	return fmt.Sprintf("; it has %d, of which the first are %s", len(known), strings.Join(known[:5], ", "))
}

// line decides whether a line of SQL is restored. Comments are, so that what psql says of a line is true of the dump.
func (s *selection) line(line string, starts bool) bool {
	if !starts {
		return s.statement && len(s.missing) == 0
	}
	text := strings.TrimSpace(line)
	if text == "" || strings.HasPrefix(text, "--") || strings.HasPrefix(text, `\`) {
		if e, ok := parseEntry(strings.TrimRight(line, "\r\n")); ok {
			s.current, s.decided = e, false
		}
		return true
	}
	if !s.decided {
		s.decided, s.keep = true, s.wants(s.current, text)
	}
	s.statement = s.keep
	switch {
	case strings.HasPrefix(text, "SET "):
		// pg_dump writes these before the comment of the entry that they are for.
		s.statement = true
	case s.statement && s.noOwner && strings.HasPrefix(text, "ALTER ") && strings.Contains(text, " OWNER TO "):
		s.statement = false
	case s.statement:
		s.granted(text)
	}
	// Once a role is missing the rest is only read to find the others.
	return s.statement && len(s.missing) == 0
}

// whole reports at the end of the dump all the roles that are missing.
func (s *selection) whole() error {
	if len(s.missing) == 0 {
		return nil
	}
	return missingRoles(slices.Sorted(maps.Keys(s.missing)), "-no-owner -no-privileges")
}

// granted notes roles that the dump gives something to and the server does not have.
func (s *selection) granted(text string) {
	if strings.HasPrefix(text, "REVOKE ") {
		return
	}
	for _, role := range rolesOf(text) {
		if !s.roles[role] {
			s.missing[role] = true
		}
	}
}

// wants decides on an entry, by its comment and the first line of its first statement.
func (s *selection) wants(e entry, text string) bool {
	if s.noPrivileges && (e.kind == "ACL" || e.kind == "DEFAULT ACL") {
		return false
	}
	switch {
	case s.all:
		return true
	case e == entry{}:
		// Of what stands before the first entry, commands that drop things are not wanted, nor roles.
		return strings.HasPrefix(text, "SELECT pg_catalog.set_config(")
	case s.schemas[e.schema]:
		return true
	case e.schema == "-":
		return s.schemas[e.name] && e.kind == "SCHEMA" || s.schemas[strings.TrimPrefix(e.name, "SCHEMA ")] && strings.HasPrefix(e.name, "SCHEMA ")
	}
	return s.wantsOfTable(e, text)
}

// wantsOfTable decides whether an entry is one of the wanted tables, or of what belongs to one.
func (s *selection) wantsOfTable(e entry, text string) bool {
	has := func(name string) bool { return s.relations[relation{schema: e.schema, name: name}] }
	prefixed := func(name string) bool {
		for relation := range s.relations {
			if relation.schema == e.schema && strings.HasPrefix(name, relation.name+" ") {
				return true
			}
		}
		return false
	}
	switch e.kind {
	case "TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE", "SEQUENCE OWNED BY", "SEQUENCE SET", "TABLE DATA",
		"MATERIALIZED VIEW DATA", "ROW SECURITY":
		return has(e.name)
	case "TABLE ATTACH":
		return has(e.name) && s.names(text, "ALTER TABLE ONLY ")
	case "DEFAULT", "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT", "TRIGGER", "RULE", "POLICY":
		return prefixed(e.name)
	case "INDEX":
		return s.names(text, " ON ONLY ", " ON ")
	case "INDEX ATTACH", "STATISTICS":
		return false
	case "ACL", "COMMENT", "SECURITY LABEL":
		return s.about(e, has, prefixed)
	}
	return false
}

// names reports whether a statement names a wanted relation behind one of some words.
func (s *selection) names(text string, words ...string) bool {
	for _, word := range words {
		at := strings.Index(text, word)
		if at < 0 {
			continue
		}
		name, _, _ := strings.Cut(text[at+len(word):], " ")
		for relation := range s.relations {
			if strings.HasPrefix(text[at+len(word):], relation.sql()+" ") || name == relation.schema+"."+relation.name || sameName(text[at+len(word):], relation) {
				return true
			}
		}
		return false
	}
	return false
}

// sameName reports whether a text begins with a relation as pg_dump writes it, each part quoted where it must be.
func sameName(text string, r relation) bool {
	for _, schema := range []string{r.schema, identifier(r.schema)} {
		for _, name := range []string{r.name, identifier(r.name)} {
			if strings.HasPrefix(text, schema+"."+name+" ") {
				return true
			}
		}
	}
	return false
}

// about decides on the privileges and comments of what is wanted: "TABLE products", "COLUMN products.name", "CONSTRAINT x ON
// products". Those of indexes have nothing that says whose they are, and are left out.
func (s *selection) about(e entry, has, prefixed func(string) bool) bool {
	kind, name, _ := strings.Cut(e.name, " ")
	switch kind {
	case "TABLE", "SEQUENCE", "VIEW":
		return has(name)
	case "MATERIALIZED", "FOREIGN":
		_, name, _ = strings.Cut(name, " ")
		return has(name)
	case "COLUMN":
		for relation := range s.relations {
			if relation.schema == e.schema && (strings.HasPrefix(name, relation.name+".") || strings.HasPrefix(name, identifier(relation.name)+".")) {
				return true
			}
		}
		return false
	case "CONSTRAINT", "TRIGGER", "RULE", "POLICY":
		if at := strings.LastIndex(name, " ON "); at >= 0 {
			return has(bare(name[at+len(" ON "):]))
		}
	}
	return false
}
