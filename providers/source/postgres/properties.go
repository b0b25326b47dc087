package postgres

import (
	"context"
	"fmt"
)

// properties are what CREATE DATABASE must be told for a database like the target. Some columns exist in some versions only.
func (r *restorer) properties(ctx context.Context) (string, error) {
	session, err := r.place.open(ctx, r.application)
	if err != nil {
		return "", err
	}
	defer session.close(ctx)
	const sql = `select format('template template0 owner %I encoding %L tablespace %I connection limit %s', pg_get_userbyid(datdba), pg_encoding_to_char(encoding),
			(select spcname from pg_tablespace t where t.oid = dattablespace), datconnlimit)
		|| case when facts ->> 'datlocprovider' = 'i' then format(' locale_provider icu icu_locale %L', locale)
			when facts ->> 'datlocprovider' = 'b' then format(' locale_provider builtin builtin_locale %L', locale) else '' end
		|| format(' lc_collate %L lc_ctype %L', datcollate, datctype)
		from (select *, coalesce(facts ->> 'datlocale', facts ->> 'daticulocale') as locale
			from (select d.*, to_jsonb(d) as facts from pg_database d where datname = current_database()) one) two`
	like, err := value(ctx, session, sql)
	if err != nil {
		return "", fmt.Errorf("asking how %s was made: %w", r.place, err)
	}
	return like, nil
}

// copySettings gives the fresh database what a dump does not have of the target: its privileges, its comment and its settings.
// Settings that cannot be copied are told.
func (r *restorer) copySettings(ctx context.Context, session session, fresh string) (warnings []string, err error) {
	target, name := sqlText(r.database), identifier(fresh)
	rows, err := session.rows(ctx, `select 'comment on database ' || quote_ident(`+sqlText(fresh)+`) || ' is ' || quote_literal(shobj_description(oid, 'pg_database'))
			from pg_database where datname = `+target+` and shobj_description(oid, 'pg_database') is not null
		union all select * from (select 'revoke all on database ' || quote_ident(`+sqlText(fresh)+`) || ' from public' from pg_database where datname = `+target+` and datacl is not null) as everybody
		union all select format('grant %s on database %I to %s%s', privilege_type, `+sqlText(fresh)+`,
				case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end, case when is_grantable then ' with grant option' else '' end)
			from pg_database, aclexplode(datacl) where datname = `+target)
	if err != nil {
		return nil, fmt.Errorf("asking for the privileges of %s: %w", r.place, err)
	}
	for _, row := range rows {
		if err := session.exec(ctx, row[0]); err != nil {
			return nil, fmt.Errorf("copying the privileges of %s: %w", r.place, err)
		}
	}
	settings, err := session.rows(ctx, `select case setrole when 0 then 'alter database `+"' || quote_ident("+sqlText(fresh)+`)
				else 'alter role ' || quote_ident(pg_get_userbyid(setrole)) || ' in database ' || quote_ident(`+sqlText(fresh)+`) end,
			split_part(pair, '=', 1), substr(pair, strpos(pair, '=') + 1)
		from pg_db_role_setting join pg_database d on d.oid = setdatabase, unnest(setconfig) pair where datname = `+target)
	if err != nil {
		return nil, fmt.Errorf("asking for the settings of %s: %w", r.place, err)
	}
	for _, row := range settings {
		if err := copySetting(ctx, session, row[0], row[1], row[2]); err != nil {
			warnings = append(warnings, fmt.Sprintf("the setting %s of database %s could not be copied (%v): set it again", row[1], name, err))
		}
	}
	return warnings, nil
}

// copySetting sets a setting for the transaction and takes it from there: values that are lists are quoted in ways of their own.
func copySetting(ctx context.Context, session session, alter, setting, value string) error {
	if setting == "role" || setting == "session_authorization" {
		return fmt.Errorf("it would change who imsctl is")
	}
	if err := session.exec(ctx, "savepoint setting"); err != nil {
		return err
	}
	for _, sql := range []string{
		"select set_config(" + sqlText(setting) + ", " + sqlText(value) + ", true)",
		alter + " set " + setting + " from current",
		"release savepoint setting",
	} {
		if err := session.exec(ctx, sql); err != nil {
			if undoErr := session.exec(ctx, "rollback to savepoint setting"); undoErr != nil {
				return undoErr
			}
			return err
		}
	}
	// What follows must not work under it.
	return session.exec(ctx, "set local "+setting+" to default")
}
