package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

const (
	// portionPages is how many pages of a large table are copied at once: 8 MiB.
	portionPages = 1024
	// excludedBytes is how long the names of the copied tables may be together in pg_dump's command line. A shell on another host
	// has it as one argument, which can have 128 KiB.
	excludedBytes = 64 << 10
	// rangesSince is the version of PostgreSQL that finds a range of ctid without reading the whole table.
	rangesSince = 14
	// hashesSince is the one that has hash partitions.
	hashesSince = 11
)

// copiedTable is a table whose rows are copied by sessions of imsctl.
type copiedTable struct {
	relation
	// quoted is the table as pg_dump writes it, columns those that have values to copy, owner who has it.
	quoted, columns, owner string
	pages                  int64
	// heap is whether its rows have the places that ranges are about.
	heap bool
	// rows is how many were copied.
	rows atomic.Int64
}

// tableQuery asks for what copiedTable has; %[1]s are names as text, %[2]s the condition of a table that pg_dump copies itself.
const tableQuery = `select n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname), pg_get_userbyid(c.relowner),
		pg_relation_size(c.oid) / current_setting('block_size')::bigint, coalesce((select amname = 'heap' from pg_am where pg_am.oid = c.relam), false),
		(select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute a
			where attrelid = c.oid and attnum > 0 and not attisdropped and coalesce(to_jsonb(a) ->> 'attgenerated', '') = ''), %[2]s
	from pg_class c join pg_namespace n on n.oid = c.relnamespace 
		join (values %[1]s) wanted (schema, name) on n.nspname = wanted.schema and c.relname = wanted.name
	where c.relkind = 'r'`

// hashed finds partitions by a hash of values that another database may hash otherwise, as those of an enumeration. Newer versions of
// pg_dump copy them into the whole table.
const hashed = `exists (with recursive up (id) as (select c.oid union all select inhparent from pg_inherits join up on inhrelid = id)
		select from up join pg_partitioned_table p on p.partrelid = id where partstrat = 'h' and (partexprs is not null or exists (
			select from pg_attribute k where k.attrelid = p.partrelid and k.attnum = any (p.partattrs::int2[]) and k.atttypid >= 16384)))`

// apportion decides which tables are copied by sessions of imsctl, the largest first, and which are left to pg_dump: those that it
// has a way of its own for, and the smallest where there are more than its command line can name.
func (d *dumping) apportion(ctx context.Context, tables []relation) (copied []*copiedTable, left []relation, err error) {
	if len(tables) == 0 {
		return nil, nil, nil
	}
	names := make([]string, len(tables))
	for i, table := range tables {
		names[i] = "(" + sqlText(table.schema) + ", " + sqlText(table.name) + ")"
	}
	special := "false"
	if d.facts.version.major >= hashesSince {
		special = hashed
	}
	rows, err := d.session.rows(ctx, fmt.Sprintf(tableQuery, strings.Join(names, ", "), special))
	if err != nil {
		return nil, nil, fmt.Errorf("asking for the columns of the tables: %w", err)
	}
	for _, row := range rows {
		table := &copiedTable{relation: relation{schema: row[0], name: row[1], rows: true}, quoted: row[2], owner: row[3], heap: row[5] == "t", columns: row[6]}
		if table.pages, err = strconv.ParseInt(row[4], 10, 64); err != nil {
			return nil, nil, fmt.Errorf("asking for the size of table %s: %w", table, err)
		}
		if table.columns == "" || row[7] == "t" {
			left = append(left, table.relation)
			continue
		}
		if d.config.NoOwner {
			table.owner = "-"
		}
		copied = append(copied, table)
	}
	if len(copied)+len(left) != len(tables) {
		return nil, nil, fmt.Errorf("%d of %d tables are not there any more", len(tables)-len(copied)-len(left), len(tables))
	}
	slices.SortFunc(copied, func(a, b *copiedTable) int {
		return cmp.Or(-cmp.Compare(a.pages, b.pages), cmp.Compare(a.quoted, b.quoted))
	})
	most := nameable(copied)
	for _, table := range copied[most:] {
		left = append(left, table.relation)
	}
	return copied[:most], left, nil
}

// nameable is how many of the tables, from the first, pg_dump's command line can name.
func nameable(tables []*copiedTable) int {
	length := 0
	for i, table := range tables {
		// A space and two quotes are around it for a shell, and each ' in it becomes four characters.
		option := excluding(table.relation)
		if length += len(option) + 3*strings.Count(option, "'") + 3; length > excludedBytes {
			return i
		}
	}
	return len(tables)
}

// excluding is pg_dump's option to leave out the rows of a table. In quotes nothing in a pattern has a meaning.
func excluding(table relation) string { return "--exclude-table-data=" + table.sql() }

// portion is a table, or a range of its pages.
type portion struct {
	table *copiedTable
	// from is the first page and to the one after the last, zero where there is no such bound.
	from, to int64
}

// divide cuts tables into portions, the largest tables first.
func divide(tables []*copiedTable, server version) []portion {
	var list []portion
	for _, table := range tables {
		if !table.heap || server.major < rangesSince {
			list = append(list, portion{table: table})
			continue
		}
		var from int64
		for ; from+2*portionPages <= table.pages; from += portionPages {
			list = append(list, portion{table, from, from + portionPages})
		}
		// The last one has no end: the table may have grown since it was measured.
		list = append(list, portion{table: table, from: from})
	}
	return list
}

// query is the statement that copies a portion.
func (p portion) query() string {
	if p.from == 0 && p.to == 0 {
		return "copy " + p.table.quoted + " (" + p.table.columns + ") to stdout"
	}
	conditions := []string{fmt.Sprintf("ctid >= '(%d,0)'::pg_catalog.tid", p.from)}
	if p.to > 0 {
		conditions = append(conditions, fmt.Sprintf("ctid < '(%d,0)'::pg_catalog.tid", p.to))
	}
	return "copy (select " + p.table.columns + " from only " + p.table.quoted + " where " + strings.Join(conditions, " and ") + ") to stdout"
}

// heading is what stands above the rows in a dump, as pg_dump writes it.
func (t *copiedTable) heading() string {
	line := strings.NewReplacer("\n", " ", "\r", " ")
	return fmt.Sprintf("--\n-- Data for Name: %s; Type: TABLE DATA; Schema: %s; Owner: %s\n--\n\nCOPY %s (%s) FROM stdin;\n",
		line.Replace(t.name), line.Replace(t.schema), line.Replace(t.owner), t.quoted, t.columns)
}
