package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/castrolanda/imsctl/providers"
)

// A reading that is given up has five seconds. The host takes two of them for pg_dump where that does not end when asked;
// these are for the sessions.
const (
	closeTimeout     = 500 * time.Millisecond
	terminateTimeout = 2 * time.Second
	// terminateInterval is how often the server is asked whether the sessions have gone.
	terminateInterval = 20 * time.Millisecond
)

// SQLSTATE codes that get a sentence of their own (PostgreSQL documentation, appendix A).
const (
	invalidPassword      = "28P01"
	invalidAuthorization = "28000"
	unknownDatabase      = "3D000"
	cannotConnectNow     = "57P03"
)

// errNoDatabase is found in the error of a connection to a database that does not exist.
var errNoDatabase = errors.New("no such database")

// connect opens a session under an application name.
func (a *address) connect(ctx context.Context, application string) (*pgx.Conn, error) {
	config := a.config.Copy()
	if config.RuntimeParams == nil {
		config.RuntimeParams = make(map[string]string)
	}
	config.RuntimeParams["application_name"] = application
	if a.dialer != nil {
		config.DialFunc = a.dialer.Dial
		// The host knows the names that programs on it use.
		config.LookupFunc = func(_ context.Context, name string) ([]string, error) { return []string{name}, nil }
	}
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	return connection, nil
}

// disconnect ends a session that has nothing to lose: how it ends changes nothing.
func disconnect(ctx context.Context, connection *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = connection.Close(ctx)
}

// explain turns a failed connection into one sentence without the password.
func (a *address) explain(ctx context.Context, err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code {
		case invalidPassword, invalidAuthorization:
			return fmt.Errorf("the server %s refuses user %q for database %q: %s; check the user and the password in url", a.server(), a.config.User, a.config.Database, refused.Message)
		case unknownDatabase:
			return fmt.Errorf("the server %s has no database %q; check url: %w", a.server(), a.config.Database, errNoDatabase)
		}
		return fmt.Errorf("connecting to %s: %w", a, refused)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("connecting to %s: %w", a, context.Cause(ctx))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("cannot connect to %s: no answer within %s; is the server running there, and does a firewall let you through?", a, a.config.ConnectTimeout)
	}
	return fmt.Errorf("cannot connect to %s: %s; check the host and the port in url, and that the server runs there", a, a.redact(lastCause(err)))
}

// lastCause is the innermost message: the outer ones repeat the address. Of several attempts it is that of the last.
func lastCause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) > 0 {
			inner = joined.Unwrap()[len(joined.Unwrap())-1]
		}
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// programError is the failure of pg_dump or psql without the password in what it said.
func (a *address) programError(err error) error {
	var exit *providers.ExitError
	if errors.As(err, &exit) {
		exit.Stderr = a.redact(exit.Stderr)
	}
	return err
}
