package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// partsFree reports things with the names of what is wanted, unless they are to be replaced.
func (r *restorer) partsFree(ctx context.Context, session session) error {
	if r.target.Overwrite {
		return nil
	}
	conditions := []string{"false"}
	for _, wanted := range r.tables {
		condition := "c.relname = " + sqlText(wanted.name)
		if wanted.schema != "" {
			condition += " and n.nspname = " + sqlText(wanted.schema)
		}
		conditions = append(conditions, "("+condition+")")
	}
	sql := "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and (" +
		strings.Join(conditions, " or ") + ")"
	for _, schema := range r.target.Schemas {
		sql += " union all (select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = " + sqlText(schema) + " limit 3)"
	}
	rows, err := session.rows(ctx, sql)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", r.place, err)
	}
	if len(rows) == 0 {
		return nil
	}
	var found []string
	for _, row := range rows {
		found = append(found, relation{schema: row[0], name: row[1]}.String())
	}
	slices.Sort(found)
	return r.occupied(slices.Compact(found))
}

// check holds the head of a dump against what is asked for and what the server has, before anything is done.
func (r *restorer) check(ctx context.Context, found *survey) (*selection, error) {
	selected, err := selectFrom(found, r.tables, r.target.Schemas)
	if err != nil {
		return nil, err
	}
	selected.noOwner, selected.noPrivileges = r.target.NoOwner, r.target.NoPrivileges
	if selected.counts, err = countsOf(r.target.RowCounts, selected); err != nil {
		return nil, err
	}
	session, err := r.onServer(ctx)
	if err != nil {
		return nil, err
	}
	defer session.close(ctx)
	if selected.roles, err = rolesThere(ctx, session); err != nil {
		return nil, err
	}
	maps.Copy(selected.roles, found.made)
	if !selected.all {
		selected.opening, err = r.making(ctx, session, selected, found)
		return selected, err
	}
	return selected, lacking(extensionsThere(ctx, session, found.extensions), selected.ownersThere(found))
}

// countsOf are the recorded row counts of what is selected.
func countsOf(recorded map[string]int64, selected *selection) (map[relation]int64, error) {
	counts := make(map[relation]int64, len(recorded))
	for key, rows := range recorded {
		parts := splitName(key)
		if len(parts) != 2 {
			return nil, fmt.Errorf("the manifest counts the rows of %q, which is not the name of a table", key)
		}
		table := relation{schema: parts[0], name: parts[1]}
		if selected.all || selected.relations[table] || selected.schemas[table.schema] {
			counts[table] = rows
		}
	}
	return counts, nil
}

// comparison is a statement that fails when a table has more or fewer rows than were recorded, all of them named.
func (s *selection) comparison() string {
	if s == nil || len(s.counts) == 0 {
		return ""
	}
	var body strings.Builder
	tables := slices.SortedFunc(maps.Keys(s.counts), func(a, b relation) int { return strings.Compare(a.String(), b.String()) })
	for _, table := range tables {
		fmt.Fprintf(&body, "SELECT count(*) INTO found FROM ONLY %s; IF found <> %d THEN wrong := wrong || (%s || ' has ' || found || ' rows, and %d were backed up'); END IF;\n",
			table.sql(), s.counts[table], sqlText(table.String()), s.counts[table])
	}
	tag := "$imsctl$"
	for n := 1; strings.Contains(body.String(), tag); n++ {
		tag = fmt.Sprintf("$imsctl%d$", n)
	}
	return "DO " + tag + " DECLARE found bigint; wrong text[] := '{}'; BEGIN\n" + body.String() +
		"IF wrong <> '{}' THEN RAISE EXCEPTION 'not what was backed up: %', array_to_string(wrong, '; '); END IF; END " + tag + ";\n"
}

// making are the statements that make room for parts of a dump: schemas that they need, and what is to be replaced is dropped. What
// something else depends on is not: the statement then fails, and names it.
func (r *restorer) making(ctx context.Context, session session, selected *selection, found *survey) (string, error) {
	var statements []string
	if r.target.Overwrite && r.exists {
		for _, schema := range slices.Sorted(maps.Keys(selected.schemas)) {
			if err := r.standsAlone(ctx, session, schema); err != nil {
				return "", err
			}
			statements = append(statements, "DROP SCHEMA IF EXISTS "+identifier(schema)+" CASCADE;")
		}
		for _, table := range slices.SortedFunc(maps.Keys(selected.relations), func(a, b relation) int { return strings.Compare(a.String(), b.String()) }) {
			if _, owned := found.sequences[table]; !owned {
				statements = append(statements, "DROP "+found.relations[table]+" IF EXISTS "+table.sql()+";")
			}
		}
	}
	needed := make(map[string]bool)
	var public []string
	if r.target.Overwrite && r.exists && selected.schemas["public"] {
		var err error
		if public, err = publicSchema(ctx, session); err != nil {
			return "", err
		}
	}
	for table := range selected.relations {
		needed[table.schema] = !selected.schemas[table.schema]
	}
	if selected.schemas["public"] {
		// A dump takes it for granted.
		needed["public"] = true
	}
	for _, schema := range slices.Sorted(maps.Keys(needed)) {
		if needed[schema] {
			statements = append(statements, "CREATE SCHEMA IF NOT EXISTS "+identifier(schema)+";")
		}
	}
	if statements = append(statements, public...); len(statements) == 0 {
		return "", nil
	}
	return "SET client_min_messages = warning; " + strings.ReplaceAll(strings.Join(statements, " "), "\n", " ") + " ", nil
}

// publicSchema are the statements that give the schema that every database has its owner and privileges again.
func publicSchema(ctx context.Context, session session) ([]string, error) {
	rows, err := session.rows(ctx, `select format('ALTER SCHEMA public OWNER TO %I;', pg_get_userbyid(nspowner)) from pg_namespace where nspname = 'public'
		union all select format('GRANT %s ON SCHEMA public TO %s;', privilege_type, case grantee when 0 then 'PUBLIC' else quote_ident(pg_get_userbyid(grantee)) end)
			from pg_namespace, aclexplode(nspacl) where nspname = 'public' and grantee <> nspowner`)
	if err != nil {
		return nil, fmt.Errorf("asking for the privileges of schema public: %w", err)
	}
	var statements []string
	for _, row := range rows {
		statements = append(statements, row[0])
	}
	return statements, nil
}

// dependentsQuery names what lies outside of a schema and depends on something in it, and extensions in it; %[1]s is the schema as text.
const dependentsQuery = `
	with inside as (select oid, relname from pg_class where relnamespace = (select oid from pg_namespace where nspname = %[1]s)),
	schemaless as (select classid, objid from pg_depend where refclassid = 'pg_namespace'::regclass and refobjid = (select oid from pg_namespace where nspname = %[1]s))
	select distinct what from (
		select 'extension ' || extname as what from pg_extension where extnamespace = (select oid from pg_namespace where nspname = %[1]s)
		union all
		select pg_describe_object('pg_constraint'::regclass, oid, 0) from pg_constraint
			where contype = 'f' and confrelid in (select oid from inside) and conrelid not in (select oid from inside)
		union all
		select pg_describe_object('pg_class'::regclass, w.ev_class, 0) from pg_depend d join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
			where (d.refclassid, d.refobjid) in (select classid, objid from schemaless) and w.ev_class not in (select oid from inside)
		union all
		select pg_describe_object('pg_class'::regclass, d.objid, d.objsubid) from pg_depend d
			where d.classid = 'pg_class'::regclass and (d.refclassid, d.refobjid) in (select classid, objid from schemaless) and d.objid not in (select oid from inside)
		union all
		select pg_describe_object('pg_class'::regclass, a.adrelid, a.adnum) from pg_depend d join pg_attrdef a on d.classid = 'pg_attrdef'::regclass and a.oid = d.objid
			where (d.refclassid, d.refobjid) in (select classid, objid from schemaless) and a.adrelid not in (select oid from inside)
		union all
		select pg_describe_object(d.classid, d.objid, 0) from pg_depend d
			where d.classid in ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_trigger'::regclass) and d.deptype = 'n'
			and (d.refclassid, d.refobjid) in (select classid, objid from schemaless) and (d.classid, d.objid) not in (select classid, objid from schemaless)
			and not exists (select from pg_trigger t where d.classid = 'pg_trigger'::regclass and t.oid = d.objid and t.tgrelid in (select oid from inside))
			and not exists (select from pg_type t where d.classid = 'pg_type'::regclass and t.oid = d.objid and t.typnamespace = (select oid from pg_namespace where nspname = %[1]s))
	) found order by 1 limit 5`

// standsAlone reports what would be lost with a schema although it is in another one.
func (r *restorer) standsAlone(ctx context.Context, session session, schema string) error {
	// Without a search path every name is told with its schema.
	if err := session.exec(ctx, "select set_config('search_path', '', false)"); err != nil {
		return err
	}
	rows, err := session.rows(ctx, fmt.Sprintf(dependentsQuery, sqlText(schema)))
	if err != nil {
		return fmt.Errorf("looking for what depends on schema %q: %w", schema, err)
	}
	if len(rows) == 0 {
		return nil
	}
	var names []string
	for _, row := range rows {
		names = append(names, row[0])
	}
	return &providers.OccupiedError{Target: fmt.Sprintf("schema %q of %s", schema, r.place), Holds: names,
		Advice: "these lie outside of it, or are extensions, and would be lost with it: restore into another database, or drop them first"}
}
