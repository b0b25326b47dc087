package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// connectTimeout is how long a server may take to answer.
	connectTimeout = 10 * time.Second
	// endTimeout is how long the sessions of a reading that was given up may take to end.
	endTimeout = 3 * time.Second
)

// SQLSTATE codes that get a sentence of their own (PostgreSQL documentation, appendix A).
const (
	invalidPassword      = "28P01"
	invalidAuthorization = "28000"
	unknownDatabase      = "3D000"
)

// connect opens a session under an application name.
func (a *address) connect(ctx context.Context, application string) (*pgx.Conn, error) {
	config := a.config.Copy()
	if config.RuntimeParams == nil {
		config.RuntimeParams = make(map[string]string)
	}
	config.RuntimeParams["application_name"] = application
	config.ConnectTimeout = connectTimeout
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, a.explain(err)
	}
	return connection, nil
}

// explain turns a failed connection into one sentence without the password.
func (a *address) explain(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code {
		case invalidPassword, invalidAuthorization:
			return fmt.Errorf("the server %s refuses user %q: %s; check the user and the password in url", a.server(), a.config.User, refused.Message)
		case unknownDatabase:
			return fmt.Errorf("the server %s has no database %q; check url: %w", a.server(), a.config.Database, errNoDatabase)
		}
		return fmt.Errorf("connecting to %s: %s (SQLSTATE %s)", a, refused.Message, refused.Code)
	}
	if ctxErr := contextError(err); ctxErr != nil {
		return fmt.Errorf("connecting to %s: no answer: %w", a, ctxErr)
	}
	return fmt.Errorf("cannot connect to %s: %s; is the server running there?", a, a.redact(lastCause(err)))
}

// errNoDatabase is found in the error of a connection to a database that does not exist.
var errNoDatabase = errors.New("no such database")

func contextError(err error) error {
	for _, known := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}

// lastCause is the innermost message: the outer ones repeat the address.
func lastCause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// redact takes the password out of a text of somebody else's.
func (a *address) redact(text string) string {
	if a.password == "" {
		return text
	}
	return strings.ReplaceAll(text, a.password, "…")
}

// environment is what pg_dump and psql are given beside the URL.
func (a *address) environment(application string) []string {
	return []string{"PGAPPNAME=" + application, "PGPASSWORD=" + a.password, "PGCONNECT_TIMEOUT=10"}
}

// terminate ends what is left of a run's sessions on the server, except the one that asks.
func (a *address) terminate(ctx context.Context, application string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	connection, err := a.connect(ctx, application+"-end")
	if err != nil {
		// A server that cannot be reached has no sessions to end.
		return nil
	}
	_, err = connection.Exec(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", application)
	if err != nil {
		err = fmt.Errorf("ending the sessions of %s on the server: %w", application, err)
	}
	return errors.Join(err, connection.Close(ctx))
}
