package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// table is a table by its two names.
type table struct{ schema, name string }

// tablesQuery lists the tables whose rows a dump holds: ordinary ones and partitions, but for the system's, the temporary
// ones and those that belong to an extension.
const tablesQuery = `select n.nspname, c.relname, pg_table_is_visible(c.oid)
	from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_(catalog|toast|temp_|toast_temp_)'
	and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`

// tables lists the tables that the source dumps. A pattern that matches nothing is an error.
func (s *source) tables(ctx context.Context, connection *pgx.Conn) ([]table, error) {
	selected, err := s.matching(ctx, connection, s.config.Tables, true)
	if err != nil {
		return nil, err
	}
	excluded, err := s.matching(ctx, connection, s.config.ExcludeTables, false)
	if err != nil {
		return nil, err
	}
	leave := make(map[table]bool, len(excluded))
	for _, name := range excluded {
		leave[name] = true
	}
	var list []table
	for _, name := range selected {
		if !leave[name] {
			list = append(list, name)
		}
	}
	return list, nil
}

// matching lists the tables that match one of the patterns; all of them for no patterns when everything is set.
func (s *source) matching(ctx context.Context, connection *pgx.Conn, patterns []string, everything bool) ([]table, error) {
	if len(patterns) == 0 {
		if !everything {
			return nil, nil
		}
		return query(ctx, connection, tablesQuery+" order by 1, 2")
	}
	var list []table
	seen := make(map[table]bool)
	for _, text := range patterns {
		parsed, err := parsePattern(text)
		if err != nil {
			return nil, err
		}
		condition, arguments := " and pg_table_is_visible(c.oid) and c.relname ~ $1 order by 1, 2", []any{parsed.table}
		if parsed.schema != "" {
			condition, arguments = " and c.relname ~ $1 and n.nspname ~ $2 order by 1, 2", []any{parsed.table, parsed.schema}
		}
		found, err := query(ctx, connection, tablesQuery+condition, arguments...)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("no table of %s matches the pattern %q", s.address, text)
		}
		for _, name := range found {
			if !seen[name] {
				seen[name] = true
				list = append(list, name)
			}
		}
	}
	return list, nil
}

func query(ctx context.Context, connection *pgx.Conn, sql string, arguments ...any) ([]table, error) {
	rows, err := connection.Query(ctx, sql, arguments...)
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	var visible bool
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (table, error) {
		var found table
		err := row.Scan(&found.schema, &found.name, &visible)
		return found, err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	return list, nil
}

// count counts the rows of the dumped tables in the connection's snapshot, one table after the other.
func (s *source) count(ctx context.Context, connection *pgx.Conn) (map[string]int64, error) {
	tables, err := s.tables(ctx, connection)
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int64, len(tables))
	for _, table := range tables {
		var rows int64
		sql := "select count(*) from only " + pgx.Identifier{table.schema, table.name}.Sanitize()
		if err := connection.QueryRow(ctx, sql).Scan(&rows); err != nil {
			return nil, fmt.Errorf("table %s.%s: %w", table.schema, table.name, err)
		}
		counts[table.schema+"."+table.name] = rows
	}
	return counts, nil
}
