package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// session is a connection to a database, whatever carries it. Statements are run one at a time. One that the server refuses
// gives an error that wraps a *pgconn.PgError; after a ctx that has ended, or an error of the connection, the session is over.
type session interface {
	// rows runs a query and returns its rows as text. A null is an empty text.
	rows(ctx context.Context, sql string) ([][]string, error)
	// exec runs a statement that is no query.
	exec(ctx context.Context, sql string) error
	// close ends a session that has nothing to lose: how it ends changes nothing. It returns when the session's process or
	// connection on this side is gone.
	close(ctx context.Context)
}

// value runs a query for one value.
func value(ctx context.Context, s session, sql string) (string, error) {
	found, err := s.rows(ctx, sql)
	if err != nil {
		return "", err
	}
	if len(found) != 1 || len(found[0]) != 1 {
		return "", fmt.Errorf("the server answered with %d rows where it is asked for one value", len(found))
	}
	return found[0][0], nil
}

// number runs a query for one whole number.
func number(ctx context.Context, s session, sql string) (int64, error) {
	text, err := value(ctx, s, sql)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// serverFacts are what a dump must know of a server and a database.
type serverFacts struct {
	version  version
	encoding string
	// superuser is whether the session's role is one.
	superuser bool
}

// askFacts asks for them.
func askFacts(ctx context.Context, s session) (facts serverFacts, err error) {
	rows, err := s.rows(ctx, `select current_setting('server_version'), current_setting('server_encoding'), current_setting('is_superuser')`)
	if err != nil {
		return facts, err
	}
	if len(rows) != 1 || len(rows[0]) != 3 {
		return facts, fmt.Errorf("the server answered with %d rows where it is asked for one", len(rows))
	}
	facts.encoding, facts.superuser = rows[0][1], rows[0][2] == "on"
	facts.version, err = parseVersion(rows[0][0])
	return facts, err
}

// sqlText is a text as SQL has it, whatever standard_conforming_strings is.
func sqlText(text string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(text) + "'"
}

// refusal is the server's own word on why it refused a statement, or nil.
func refusal(code, message string) error {
	return &pgconn.PgError{Severity: "ERROR", Code: code, Message: message}
}
