package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// relation is something that a pattern of pg_dump can name.
type relation struct {
	schema, name string
	// rows is set for what has rows of its own in the dump: ordinary tables and partitions.
	rows bool
}

// String is the relation's key among the counts: "public.products". A part with a dot or a quote in it is quoted, so that
// no two relations share a key.
func (r relation) String() string {
	part := func(name string) string {
		if strings.ContainsAny(name, `."`) {
			return pgx.Identifier{name}.Sanitize()
		}
		return name
	}
	return part(r.schema) + "." + part(r.name)
}

// sql is the relation as SQL names it.
func (r relation) sql() string { return pgx.Identifier{r.schema, r.name}.Sanitize() }

// relationsQuery lists what pg_dump's patterns are matched against, but for what is the system's or temporary. The rows of
// what an extension makes again are not counted, nor those of unlogged tables on a standby, which has none of them.
const relationsQuery = `select n.nspname, c.relname, c.relkind = 'r' and not (c.relpersistence = 'u' and pg_is_in_recovery())
		and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
	from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'`

// tables lists the tables whose rows the source dumps, among all the relations that it dumps. A pattern that matches nothing is
// an error, and so are patterns that together leave nothing.
func (s *dumping) tables(ctx context.Context) (tables, dumped []relation, err error) {
	selected, err := s.matching(ctx, s.config.Tables)
	if err != nil {
		return nil, nil, err
	}
	if len(s.config.Tables) == 0 {
		if selected, err = relations(ctx, s.session, ""); err != nil {
			return nil, nil, err
		}
	}
	excluded, err := s.matching(ctx, s.config.ExcludeTables)
	if err != nil {
		return nil, nil, err
	}
	leave := make(map[relation]bool, len(excluded))
	for _, relation := range excluded {
		leave[relation] = true
	}
	for _, relation := range selected {
		if leave[relation] {
			continue
		}
		// A table that several patterns match is dumped once.
		leave[relation] = true
		dumped = append(dumped, relation)
		if relation.rows {
			tables = append(tables, relation)
		}
	}
	if len(dumped) == 0 && len(s.config.Tables) > 0 {
		return nil, nil, fmt.Errorf("exclude_tables leaves out everything of %s that tables names: change one of them", s.place)
	}
	return tables, dumped, nil
}

// matching lists what matches one of the patterns.
func (s *dumping) matching(ctx context.Context, patterns []string) ([]relation, error) {
	var list []relation
	for _, text := range patterns {
		parsed, err := parsePattern(text)
		if err != nil {
			return nil, err
		}
		condition := ` and c.relname::text collate "default" ~ ` + sqlText(parsed.table)
		if parsed.schema == "" {
			condition += " and pg_table_is_visible(c.oid)"
		} else {
			condition += ` and n.nspname::text collate "default" ~ ` + sqlText(parsed.schema)
		}
		found, err := relations(ctx, s.session, condition)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", text, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("no table of %s matches the pattern %q: mend or remove it", s.place, text)
		}
		list = append(list, found...)
	}
	return list, nil
}

func relations(ctx context.Context, in session, condition string) ([]relation, error) {
	rows, err := in.rows(ctx, relationsQuery+condition+" order by 1, 2")
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	list := make([]relation, len(rows))
	for i, row := range rows {
		list[i] = relation{schema: row[0], name: row[1], rows: row[2] == "t"}
	}
	return list, nil
}

// lock keeps tables from being truncated or rewritten until the session's transaction ends. Neither is seen through a
// snapshot: one that came between the count of a table and pg_dump's own lock would make the two differ.
func lock(ctx context.Context, in session, tables []relation) error {
	if len(tables) == 0 {
		return nil
	}
	names := make([]string, len(tables))
	for i, table := range tables {
		names[i] = "only " + table.sql()
	}
	if err := in.exec(ctx, "lock table "+strings.Join(names, ", ")+" in access share mode"); err != nil {
		return fmt.Errorf("locking the tables for reading: %w", err)
	}
	return nil
}

// count counts the rows of tables in the session's snapshot, one table after the other.
func count(ctx context.Context, in session, tables []relation) (map[string]int64, error) {
	counts := make(map[string]int64, len(tables))
	for _, table := range tables {
		rows, err := number(ctx, in, "select count(*) from only "+table.sql())
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", table, err)
		}
		counts[table.String()] = rows
	}
	return counts, nil
}
