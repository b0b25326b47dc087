package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/providers"
)

// restoring is the application name of a restore's sessions.
const restoring = "imsctl-restore"

// dropTimeout is how long the removal of a half-restored database may take.
const dropTimeout = 30 * time.Second

// newRestorer makes the restorer for a target.
func newRestorer(environment providers.Environment, target providers.Target) (providers.Restorer, error) {
	if target.Kind != providers.TargetPostgres {
		return nil, fmt.Errorf("a dump of a PostgreSQL database cannot be restored to a %s: restore it to a database, a file or standard output", target.Kind)
	}
	address, err := parseURL(target.Location)
	if err != nil {
		return nil, err
	}
	host, err := environment.Hosts(providers.Reference{})
	if err != nil {
		return nil, err
	}
	return &restorer{address: address, host: host}, nil
}

// restorer implements providers.Restorer with psql.
type restorer struct {
	address *address
	host    providers.Host
	// created is set when Prepare made the database.
	created bool
	psql    program
}

// Prepare checks that the database is empty, or makes it.
func (r *restorer) Prepare(ctx context.Context) (err error) {
	if r.psql, err = findProgram(ctx, r.host, "psql"); err != nil {
		return err
	}
	connection, err := r.address.connect(ctx, restoring)
	if errors.Is(err, errNoDatabase) {
		return r.create(ctx)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connection.Close(context.WithoutCancel(ctx))) }()
	found, err := contents(ctx, connection)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", r.address, err)
	}
	if len(found) > 0 {
		return fmt.Errorf("%s is not empty (it has %s): nothing was changed; name a database that does not exist, or an empty one",
			r.address, strings.Join(found, ", "))
	}
	return nil
}

// create makes the database.
func (r *restorer) create(ctx context.Context) error {
	err := r.administer(ctx, "create database "+pgx.Identifier{r.address.config.Database}.Sanitize()+" template template0")
	if err != nil {
		return fmt.Errorf("making database %q: %w", r.address.config.Database, err)
	}
	r.created = true
	return nil
}

// administer runs a statement in one of the databases that every server has.
func (r *restorer) administer(ctx context.Context, sql string) (err error) {
	var problems []error
	for _, name := range []string{"postgres", "template1"} {
		other := *r.address
		other.config = r.address.config.Copy()
		other.config.Database = name
		connection, err := other.connect(ctx, restoring)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		_, err = connection.Exec(ctx, sql)
		return errors.Join(err, connection.Close(context.WithoutCancel(ctx)))
	}
	return errors.Join(problems...)
}

// contentsQuery names up to five things that an empty database does not have.
const contentsQuery = `
	with mine as (
		select n.oid, n.nspname from pg_namespace n where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
	), owned as (
		select classid, objid from pg_depend where deptype = 'e'
	)
	select what from (
		select 1 as place, 'schema ' || nspname as what from mine where nspname <> 'public'
		union all select 2, case c.relkind when 'v' then 'view ' when 'm' then 'materialized view ' when 'S' then 'sequence '
				when 'f' then 'foreign table ' else 'table ' end || mine.nspname || '.' || c.relname
			from pg_class c join mine on mine.oid = c.relnamespace
			where c.relkind in ('r', 'v', 'm', 'S', 'f', 'p') and ('pg_class'::regclass, c.oid) not in (select classid, objid from owned)
		union all select 3, 'function ' || mine.nspname || '.' || p.proname from pg_proc p join mine on mine.oid = p.pronamespace
			where ('pg_proc'::regclass, p.oid) not in (select classid, objid from owned)
		union all select 4, 'type ' || mine.nspname || '.' || t.typname from pg_type t join mine on mine.oid = t.typnamespace
			where t.typtype in ('d', 'e', 'r') and ('pg_type'::regclass, t.oid) not in (select classid, objid from owned)
		union all select 5, 'extension ' || extname from pg_extension where extname <> 'plpgsql'
		union all (select 6, 'large objects' from pg_largeobject_metadata limit 1)
	) found order by place, what limit 5`

// contents names the first few things in a database.
func contents(ctx context.Context, connection *pgx.Conn) ([]string, error) {
	rows, err := connection.Query(ctx, contentsQuery)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Restore runs the dump in one transaction. The transaction is opened and committed by what psql reads, not by an option
// of psql: should imsctl die, psql sees the end of its input without a commit, and the server rolls everything back.
func (r *restorer) Restore(ctx context.Context, dump io.Reader) error {
	err := r.host.Run(ctx, providers.Command{
		Arguments:   []string{r.psql.path, "--no-psqlrc", "--no-password", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-", "--dbname=" + r.address.public},
		Environment: r.address.environment(restoring),
		Stdin:       io.MultiReader(strings.NewReader("BEGIN;\n"), dump, strings.NewReader("\nCOMMIT;\n")),
		Stdout:      io.Discard,
	})
	if err == nil {
		return nil
	}
	var exit *providers.ExitError
	if errors.As(err, &exit) {
		exit.Stderr = r.address.redact(exit.Stderr)
	}
	return errors.Join(fmt.Errorf("restoring into %s, which is as it was before: %w", r.address, err), r.undo(ctx))
}

// undo ends what is left of the restore's sessions and drops a database that Prepare made.
func (r *restorer) undo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTimeout)
	defer cancel()
	err := r.address.terminate(ctx, restoring)
	if !r.created {
		return err
	}
	drop := r.administer(ctx, "drop database if exists "+pgx.Identifier{r.address.config.Database}.Sanitize()+" with (force)")
	if drop != nil {
		drop = fmt.Errorf("dropping database %q, which was made for the restore: %w", r.address.config.Database, drop)
	}
	return errors.Join(err, drop)
}
