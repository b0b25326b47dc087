// Package postgres keeps the state in a PostgreSQL database: two tables in a schema, which are made when a state is first
// written. The lock is an advisory lock of a session, so that the server ends it with the connection of its holder; a row
// says whose it is and when it was last renewed. An entry of the log is a row whose key is its number, so that of two writers
// one is refused; and it is made only while the row of the lock names its writer.
package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/postgresurl"
	"github.com/castrolanda/imsctl/state/remote"
)

// Config says where the state is.
type Config struct {
	// URL is the database, with the password.
	URL string
	// Schema holds the tables, Name is the state's among others in them.
	Schema, Name string
}

// medium implements remote.Medium.
type medium struct {
	config *pgx.ConnConfig
	name   string
	schema string
	// locks is the table of the lock, lock the name of its row, key that of the advisory lock.
	locks, lock string
	key         int64
	// lease is how long a lock lives without being renewed.
	lease time.Duration
}

var _ remote.Medium = (*medium)(nil)

// New returns the medium of a state, without connecting.
func New(config Config) (remote.Medium, error) {
	made, err := newMedium(config)
	if err != nil {
		return nil, err
	}
	return made, nil
}

func newMedium(config Config) (*medium, error) {
	parsed, err := postgresurl.Parse(config.URL)
	if err != nil {
		return nil, err
	}
	parsed.RuntimeParams["application_name"] = "imsctl state"
	return &medium{
		config: parsed, name: config.Name, schema: config.Schema, lease: remote.LeaseTime,
		locks: statesTable, lock: config.Name, key: advisoryKey(config.Schema, config.Name),
	}, nil
}

// advisoryKey is the key of an advisory lock that nobody else takes.
func advisoryKey(names ...string) int64 {
	sum := sha256.Sum256([]byte("imsctl state\x00" + strings.Join(names, "\x00")))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// Claim implements remote.Medium.
func (m *medium) Claim(number int) remote.Medium { return m.claim(number) }

func (m *medium) claim(number int) *medium {
	claim := *m
	claim.locks, claim.lock = claimsTable, m.claimPrefix()+remote.ClaimName(number)
	claim.key = advisoryKey(m.schema, m.name, "claim", remote.ClaimName(number))
	return &claim
}

// claimPrefix is what the names of the state's claims begin with. What follows has no further slash.
func (m *medium) claimPrefix() string { return m.name + "/" }

// Claims implements remote.Medium.
func (m *medium) Claims(ctx context.Context) ([]remote.Claimed, error) {
	var claims []remote.Claimed
	err := m.ask(ctx, func(connection *pgx.Conn) error {
		rows, _ := connection.Query(ctx, m.sql(`select name from {claims} where starts_with(name, $1) and lock_id is not null`), m.claimPrefix())
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, number := range remote.ClaimNumbers(names, m.claimPrefix()) {
			claim := m.claim(number)
			found, err := claim.look(ctx, connection)
			if err != nil {
				return err
			}
			if found.id != "" {
				claims = append(claims, remote.Claimed{Number: number, Holder: found.holder, Held: claim.held(found)})
			}
		}
		return nil
	})
	if errors.Is(err, errNoTables) {
		return nil, nil
	}
	return claims, err
}

// Location implements remote.Medium: the URL without user, password and parameters, and the state's name.
func (m *medium) Location() string {
	address := url.URL{Scheme: "postgres", Host: net.JoinHostPort(m.config.Host, strconv.Itoa(int(m.config.Port))), Path: "/" + m.config.Database}
	if strings.HasPrefix(m.config.Host, "/") {
		address.Host = "localhost:" + strconv.Itoa(int(m.config.Port))
	}
	return address.String() + "/" + m.schema + "/" + m.name
}

// Fences implements remote.Medium: the row of the lock names its holder, and is held while something is written.
func (m *medium) Fences() bool { return true }

// table is the quoted name of a table.
func (m *medium) table(name string) string { return pgx.Identifier{m.schema, name}.Sanitize() }

// sql puts the names of the tables into a statement.
func (m *medium) sql(statement string) string {
	return strings.NewReplacer("{states}", m.table(statesTable), "{claims}", m.table(claimsTable), "{locks}", m.table(m.locks), "{parts}", m.table("parts")).Replace(statement)
}

// connect opens a connection.
func (m *medium) connect(ctx context.Context) (*pgx.Conn, error) {
	connection, err := pgx.ConnectConfig(ctx, m.config)
	if err != nil {
		return nil, m.explain(ctx, err)
	}
	return connection, nil
}

// ask opens a connection for one purpose.
func (m *medium) ask(ctx context.Context, do func(*pgx.Conn) error) error {
	connection, err := m.connect(ctx)
	if err != nil {
		return err
	}
	err = m.explain(ctx, do(connection))
	// That the server has heard of the end changes nothing.
	_ = connection.Close(context.WithoutCancel(ctx))
	return err
}

// List implements remote.Medium.
func (m *medium) List(ctx context.Context, prefix string) (names []string, err error) {
	err = m.ask(ctx, func(connection *pgx.Conn) error {
		names, err = m.list(ctx, connection, prefix)
		return err
	})
	if errors.Is(err, errNoTables) {
		return nil, nil
	}
	return names, err
}

func (m *medium) list(ctx context.Context, connection *pgx.Conn, prefix string) ([]string, error) {
	rows, _ := connection.Query(ctx, m.sql(`select name from {parts} where state = $1 and starts_with(name, $2) order by name collate "C"`), m.name, prefix)
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Read implements remote.Medium.
func (m *medium) Read(ctx context.Context, names ...string) (contents [][]byte, err error) {
	err = m.ask(ctx, func(connection *pgx.Conn) error {
		contents, err = m.read(ctx, connection, names)
		return err
	})
	return contents, err
}

func (m *medium) read(ctx context.Context, connection *pgx.Conn, names []string) ([][]byte, error) {
	found := make(map[string][]byte, len(names))
	rows, _ := connection.Query(ctx, m.sql(`select name, content from {parts} where state = $1 and name = any($2)`), m.name, names)
	var name string
	var content []byte
	if _, err := pgx.ForEachRow(rows, []any{&name, &content}, func() error {
		found[name], content = content, nil
		return nil
	}); err != nil {
		return nil, err
	}
	contents := make([][]byte, len(names))
	for i, name := range names {
		content, there := found[name]
		if !there {
			return nil, fmt.Errorf("%s: %w", name, remote.ErrNotExist)
		}
		contents[i] = content
	}
	return contents, nil
}
