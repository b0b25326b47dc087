package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/providers"
)

// dropTimeout is how long the removal of a half-restored database may take.
const dropTimeout = 30 * time.Second

// newRestorer makes the restorer for a target.
func newRestorer(environment providers.Environment, target providers.Target) (providers.Restorer, error) {
	if target.Kind != providers.TargetPostgres {
		return nil, fmt.Errorf("a dump of a PostgreSQL database cannot be restored to a %s: restore it to a database, a file or standard output", target.Kind)
	}
	address, err := parseURL(target.Location)
	if err != nil {
		return nil, fmt.Errorf("the target: %w", err)
	}
	host, err := environment.Hosts(providers.Reference{})
	if err != nil {
		return nil, err
	}
	// Two restores must not end each other's sessions.
	return &restorer{address: address, host: host, application: "imsctl-restore-" + rand.Text()}, nil
}

// restorer implements providers.Restorer with psql.
type restorer struct {
	address *address
	host    providers.Host
	// application is the name of its sessions.
	application string
	// absent is set when Prepare found no database, created when Restore made it.
	absent, created bool
	psql            program
}

// Prepare checks that the database is empty, or is not there.
func (r *restorer) Prepare(ctx context.Context) (err error) {
	if r.psql, err = findProgram(ctx, r.host, "psql"); err != nil {
		return err
	}
	err = r.empty(ctx)
	if errors.Is(err, errNoDatabase) {
		r.absent = true
		return r.mayCreate(ctx)
	}
	return err
}

// mayCreate reports a role that may not make databases.
func (r *restorer) mayCreate(ctx context.Context) error {
	// In the words of the server's own refusal.
	const sql = `do $$ begin if not (select rolsuper or rolcreatedb from pg_roles where rolname = current_user) then
		raise insufficient_privilege using message = 'permission denied to create database'; end if; end $$`
	if err := r.administer(ctx, sql); err != nil {
		return fmt.Errorf("making database %q: %w", r.address.config.Database, err)
	}
	return nil
}

// empty reports a database that has something in it.
func (r *restorer) empty(ctx context.Context) error {
	connection, err := r.address.connect(ctx, r.application)
	if err != nil {
		return err
	}
	defer disconnect(ctx, connection)
	found, err := contents(ctx, connection)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", r.address, err)
	}
	if len(found) > 0 {
		return &providers.OccupiedError{Target: r.address.String(), Holds: found, Advice: "name a database that does not exist, or an empty one"}
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
func (r *restorer) administer(ctx context.Context, sql string) error {
	var problems []error
	for _, name := range []string{"postgres", "template1"} {
		other := *r.address
		other.config = r.address.config.Copy()
		other.config.Database = name
		connection, err := other.connect(ctx, r.application)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		defer disconnect(ctx, connection)
		// The role or that database may have settings that forbid it.
		for _, statement := range []string{"set default_transaction_read_only = off", noTimeouts, sql} {
			if _, err := connection.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	}
	return errors.Join(problems...)
}

// Restore runs the dump as one transaction.
func (r *restorer) Restore(ctx context.Context, dump io.Reader) (providers.Restored, error) {
	if r.absent {
		if err := r.create(ctx); err != nil {
			return providers.Restored{}, err
		}
	}
	mark := "restored-" + rand.Text()
	var said ending
	text, finish := asText(ctx, r.host, dump)
	defer finish()
	err := r.host.Run(ctx, providers.Command{
		Arguments: []string{r.psql.path, "--no-psqlrc", "--no-password", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1",
			"--file=-", "--dbname=" + r.address.conninfo()},
		Environment: r.address.environment(r.application),
		Stdin:       transaction(text, mark),
		Stdout:      &said,
	})
	if err == nil && !strings.Contains(string(said), mark) {
		err = errors.New("psql ended without an error and without a commit")
	}
	if err == nil {
		return providers.Restored{}, nil
	}
	err = fmt.Errorf("restoring into %s: %w", r.address, r.address.programError(err))
	if undone := r.undo(ctx); undone != nil {
		return providers.Restored{}, errors.Join(err, undone)
	}
	return providers.Restored{}, fmt.Errorf("%w (the server is as it was before)", err)
}

// undo ends what is left of the restore's sessions and drops a database that was made for it. Another one must be empty.
func (r *restorer) undo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTimeout)
	defer cancel()
	if !r.created {
		if err := r.address.terminate(ctx, r.application); err != nil {
			return err
		}
		return r.empty(ctx)
	}
	if err := r.administer(ctx, "drop database if exists "+pgx.Identifier{r.address.config.Database}.Sanitize()+" with (force)"); err != nil {
		return fmt.Errorf("dropping database %q, which was made for the restore: %w", r.address.config.Database, err)
	}
	r.created = false
	return nil
}

// ending keeps the last that was written to it.
type ending []byte

func (e *ending) Write(p []byte) (int, error) {
	const kept = 256
	*e = append((*e)[max(0, len(*e)-kept):], p[max(0, len(p)-kept):]...)
	return len(p), nil
}
