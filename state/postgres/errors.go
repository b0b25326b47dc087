package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/remote"
)

// errNoTables: nothing was ever written.
var errNoTables = errors.New("the tables do not exist")

// SQLSTATEs (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const (
	uniqueViolation    = "23505"
	undefinedTable     = "42P01"
	undefinedSchema    = "3F000"
	noPrivilege        = "42501"
	noDatabase         = "3D000"
	readOnly           = "25006"
	tooManyConnections = "53300"
	classOfIdentity    = "28"
	classOfResources   = "53"
	classOfOperators   = "57"
	classOfRollbacks   = "40"
	classOfBreaks      = "08"
)

// explain turns an error of the server, or of the way there, into one of the contract's.
func (m *medium) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); errors.Is(ended, context.Canceled) {
		return ended
	}
	locked, newer := new(state.LockedError), new(state.NewerError)
	for _, known := range []error{remote.ErrLost, remote.ErrExists, remote.ErrNotExist, remote.ErrUnreachable, errNoTables} {
		if errors.Is(err, known) {
			return err
		}
	}
	if errors.As(err, &locked) || errors.As(err, &newer) {
		return err
	}
	if answer := new(pgconn.PgError); errors.As(err, &answer) {
		return m.explainAnswer(answer)
	}
	return fmt.Errorf("%w: %s", remote.ErrUnreachable, m.redact(err.Error()))
}

// explainAnswer says what an error of the server means.
func (m *medium) explainAnswer(answer *pgconn.PgError) error {
	said := m.redact(fmt.Sprintf("%s (SQLSTATE %s)", answer.Message, answer.Code))
	switch class := answer.Code[:min(2, len(answer.Code))]; {
	case answer.Code == uniqueViolation:
		return remote.ErrExists
	case answer.Code == undefinedTable, answer.Code == undefinedSchema:
		return errNoTables
	case answer.Code == noPrivilege:
		return fmt.Errorf("the role %s may not do that: let it own the schema %s (create schema %s authorization %s): the server said: %s",
			m.config.User, m.schema, m.schema, m.config.User, said)
	case answer.Code == noDatabase:
		return fmt.Errorf("there is no database %s: correct the url, or create it: %s", m.config.Database, said)
	case answer.Code == readOnly:
		return fmt.Errorf("the server only reads, as a standby does: name the one that writes: %s", said)
	case class == classOfIdentity:
		return fmt.Errorf("the server does not let the role %s in: check the url and its password: %s", m.config.User, said)
	case answer.Code == tooManyConnections:
		return fmt.Errorf("%w: %w: the server said: %s", remote.ErrUnreachable, remote.ErrBusy, said)
	case slices.Contains([]string{classOfResources, classOfOperators, classOfRollbacks, classOfBreaks}, class):
		return fmt.Errorf("%w: the server said: %s", remote.ErrUnreachable, said)
	}
	return fmt.Errorf("the server said: %s", said)
}

// redact takes the password out of a text of somebody else's.
func (m *medium) redact(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if m.config.Password == "" {
		return text
	}
	for _, form := range []string{m.config.Password, url.QueryEscape(m.config.Password), url.PathEscape(m.config.Password)} {
		text = strings.ReplaceAll(text, form, "…")
	}
	return text
}
