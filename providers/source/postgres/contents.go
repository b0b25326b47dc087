package postgres

import "context"

// contentsQuery names up to five things that an empty database does not have. Everything in a schema depends on it, so one
// catalogue tells of all kinds of them. 16384 is the first number that is not the system's own (access/transam.h).
const contentsQuery = `
	with schemas as (
		select oid, nspname from pg_namespace where nspname <> 'information_schema' and nspname !~ '^pg_'
	), outside (catalogue, id) as (
		select 'pg_extension'::regclass, oid from pg_extension where extname <> 'plpgsql'
		union all select 'pg_foreign_data_wrapper'::regclass, oid from pg_foreign_data_wrapper
		union all select 'pg_event_trigger'::regclass, oid from pg_event_trigger
		union all select 'pg_publication'::regclass, oid from pg_publication
		union all select 'pg_language'::regclass, oid from pg_language where oid >= 16384 and lanname <> 'plpgsql'
	), extended as (
		select classid, objid from pg_depend where deptype = 'e'
	)
	select what from (
		select 1 as place, 'schema ' || nspname as what from schemas where nspname <> 'public'
		union all
		select distinct 2, pg_describe_object(classid, objid, 0)
			from pg_depend join schemas on refclassid = 'pg_namespace'::regclass and refobjid = schemas.oid
			where objid >= 16384 and classid <> 'pg_extension'::regclass and (classid, objid) not in (select classid, objid from extended)
		union all
		select 3, pg_describe_object(catalogue, id, 0) from outside where (catalogue, id) not in (select classid, objid from extended)
		union all
		(select 4, 'large objects' from pg_largeobject_metadata limit 1)
	) found order by place, what limit 5`

// contents names the first few things in a database.
func contents(ctx context.Context, session session) ([]string, error) {
	// Without a search path every name is told with its schema, and none can be taken for one of the system's.
	if err := session.exec(ctx, "select set_config('search_path', '', false)"); err != nil {
		return nil, err
	}
	rows, err := session.rows(ctx, contentsQuery)
	if err != nil {
		return nil, err
	}
	found := make([]string, len(rows))
	for i, row := range rows {
		found[i] = row[0]
	}
	return found, nil
}
