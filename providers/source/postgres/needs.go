package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// needsQuery lists what a dump of the database needs of a server: kinds and names. The catalogue of dependencies on roles has
// all that pg_dump writes of them, and more: what is temporary, what belongs to an extension, and the schema public, whose owner is not
// dumped by all versions. Roles that every server has are not in it.
const needsQuery = `
	select distinct case when s.deptype = 'r' or s.classid = 'pg_user_mapping'::regclass then 'role'
			when s.deptype = 'a' or s.classid = 'pg_default_acl'::regclass then 'grantee' else 'owner' end, rolname::text
		from pg_shdepend s join pg_roles r on s.refclassid = 'pg_authid'::regclass and r.oid = s.refobjid
		where s.dbid = (select oid from pg_database where datname = current_database()) and s.deptype in ('o', 'a', 'r')
			and s.classid <> 'pg_extension'::regclass
			and not (s.classid = 'pg_namespace'::regclass and s.deptype = 'o' and s.objid = (select oid from pg_namespace where nspname = 'public'))
			and not exists (select from pg_depend d where d.classid = s.classid and d.objid = s.objid and (d.deptype = 'e'
				or d.refclassid = 'pg_namespace'::regclass and d.refobjid in (select oid from pg_namespace where nspname ~ '^pg_temp_')))
			and (%s)
	union all select 'extension', extname::text from pg_extension where oid >= 16384 and %t
	order by 1, 2`

// needs finds out what a server must have for the dump. It may be less than all: what else is missing there the restore finds
// while it reads, and undoes.
func (d *dumping) needs(ctx context.Context, dumped []relation) (*providers.Needs, error) {
	rows, err := d.session.rows(ctx, strings.NewReplacer("%s", d.concerned(dumped), "%t", fmt.Sprint(len(d.config.Tables) == 0)).Replace(needsQuery))
	if err != nil {
		return nil, fmt.Errorf("asking %s for the roles that it gives something to: %w", d.place, err)
	}
	needs := new(providers.Needs)
	for _, row := range rows {
		switch kind, name := row[0], row[1]; {
		case kind == "extension":
			needs.Extensions = append(needs.Extensions, name)
		case d.config.Globals:
			// The dump makes them.
		case kind == "role":
			needs.Roles = append(needs.Roles, name)
		case kind == "owner" && !d.config.NoOwner:
			needs.Owners = append(needs.Owners, name)
		case kind == "grantee" && !d.config.NoPrivileges:
			needs.Grantees = append(needs.Grantees, name)
		}
	}
	return needs, nil
}

// concerned is a condition for what is dumped, where that is not all: of the relations those, and the system's and other things only
// where no tables are named.
func (d *dumping) concerned(dumped []relation) string {
	if len(d.config.Tables)+len(d.config.ExcludeTables) == 0 {
		return "true"
	}
	names := []string{"(null, null)"}
	for _, relation := range dumped {
		names = append(names, "("+sqlText(relation.schema)+", "+sqlText(relation.name)+")")
	}
	among := ` in (select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where (n.nspname, c.relname) in (values ` + strings.Join(names, ", ") + `))`
	condition := `s.classid = 'pg_class'::regclass and s.objid` + among +
		` or s.classid = 'pg_policy'::regclass and (select polrelid from pg_policy p where p.oid = s.objid)` + among
	if len(d.config.Tables) == 0 {
		condition += ` or s.classid not in ('pg_class'::regclass, 'pg_policy'::regclass) or s.classid = 'pg_class'::regclass and s.objid < 16384`
	}
	return condition
}
