package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/castrolanda/imsctl/providers"
)

// place is a database and the way to it.
type place interface {
	// String names the database for people, without a password.
	fmt.Stringer
	// runner is where PostgreSQL's programs run.
	runner() providers.Runner
	// open opens a session under an application name.
	open(ctx context.Context, application string) (session, error)
	databaseName() string
	// conninfo is the connection string for the programs, without a password; environment is what they need beside it.
	conninfo() string
	environment(application string) []string
	// programError is the failure of a program without any password in what it said.
	programError(err error) error
	// gone reports whether the server cannot have sessions any more.
	gone(ctx context.Context, err error) bool
}

// terminate ends what is left of the sessions with an application name and waits until they have gone.
func terminate(ctx context.Context, at place, application string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), terminateTimeout)
	defer cancel()
	session, err := at.open(ctx, "imsctl-end")
	if err != nil {
		if at.gone(ctx, err) {
			return nil
		}
		return fmt.Errorf("ending the sessions of %s on the server: %w", application, err)
	}
	defer session.close(ctx)
	// The server cuts application names at 63 bytes.
	end := `select count(pg_terminate_backend(pid)) from pg_stat_activity
		where application_name = left(` + sqlText(application) + `, 63) and datname = current_database() and pid <> pg_backend_pid()`
	for {
		left, err := number(ctx, session, end)
		if err != nil {
			return fmt.Errorf("ending the sessions of %s on the server: %w", application, err)
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("ending the sessions of %s on the server: %d of them are still there", application, left)
		case <-time.After(terminateInterval):
		}
	}
}

// gone takes a server that is not there, or a database, for one without sessions; not one that refuses us.
func (a *address) gone(_ context.Context, err error) bool {
	var refused *pgconn.PgError
	return !errors.As(err, &refused) || refused.Code == cannotConnectNow
}

// runner is the host that the programs run on.
func (a *address) runner() providers.Runner { return a.host }

func (a *address) databaseName() string { return a.config.Database }
