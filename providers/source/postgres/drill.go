package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/castrolanda/imsctl/providers"
)

// insufficientPrivilege is the SQLSTATE of a refusal (PostgreSQL documentation, appendix A).
const insufficientPrivilege = "42501"

// drillApplication is the name of a drill's own sessions.
const drillApplication = "imsctl-drill"

// checkDrill checks the server that drills are to be made on.
func checkDrill(target providers.DrillTarget) []providers.Problem {
	switch {
	case target.URL == "":
		return []providers.Problem{{Attribute: "url", Summary: "Missing attribute",
			Detail: `into "postgres" needs the attribute "url": the server on which a scratch database is made.`}}
	case target.Path != "":
		return []providers.Problem{{Attribute: "path", Summary: "Attribute without effect",
			Detail: `path belongs to into "files"; a scratch database is made on the server of url.`}}
	}
	if _, _, err := drillServer(target.URL); err != nil {
		return []providers.Problem{{Attribute: "url", Summary: "Invalid URL", Detail: sentence(err)}}
	}
	return nil
}

// drillServer reads the URL of a server, whose database may be left out.
func drillServer(text string) (*url.URL, *address, error) {
	parsed, err := url.Parse(text)
	if err != nil {
		// The error would repeat the URL.
		_, err := parseURL(text)
		return nil, nil, err
	}
	if strings.Trim(parsed.Path, "/") == "" && !parsed.Query().Has("dbname") {
		parsed.Path = "/postgres"
		text = parsed.String()
	}
	server, err := parseURL(text)
	return parsed, server, err
}

// newDriller makes what drills on a server.
func newDriller(environment providers.Environment, target providers.DrillTarget) (providers.Driller, error) {
	parsed, server, err := drillServer(target.URL)
	if err != nil {
		return nil, fmt.Errorf("the drill's server: %w", err)
	}
	if server.host, err = environment.Hosts(target.Host); err != nil {
		return nil, err
	}
	if !target.Host.IsZero() {
		server.dialer, _ = server.host.(providers.Dialer)
	}
	return &driller{environment: environment, host: target.Host, server: server, url: parsed, assertions: target.Assertions}, nil
}

// driller implements providers.Driller with databases on one server.
type driller struct {
	environment providers.Environment
	host        providers.Reference
	server      *address
	url         *url.URL
	assertions  []string
}

// Location implements providers.Driller.
func (d *driller) Location() string { return d.server.server() }

// urlOf is the URL of a database on the server.
func (d *driller) urlOf(database string) string {
	other := *d.url
	other.Path, other.RawPath = "/"+database, ""
	// The others stay as they were written.
	other.RawQuery = strings.Join(slices.DeleteFunc(strings.Split(other.RawQuery, "&"), func(parameter string) bool {
		return strings.HasPrefix(parameter, "dbname=")
	}), "&")
	return other.String()
}

// Begin makes a scratch database.
func (d *driller) Begin(ctx context.Context, name string) (_ providers.Scratch, err error) {
	if !providers.IsScratchName(name) {
		return nil, fmt.Errorf("%q is not the name of a scratch database", name)
	}
	restorer, err := newRestorer(d.environment, providers.Target{Kind: providers.TargetPostgres, Host: d.host, Location: d.urlOf(name)})
	if err != nil {
		return nil, err
	}
	s := &scratch{driller: d, name: name, restorer: restorer}
	if err := d.administer(ctx, func(connection *pgx.Conn) error { return s.create(ctx, connection) }); err != nil {
		return nil, fmt.Errorf("making the scratch database %s on %s: %w", name, d.Location(), explainCreation(err))
	}
	if err := restorer.Prepare(ctx); err != nil {
		if left := s.Close(ctx); left != nil {
			return nil, fmt.Errorf("%w; %w: %w", err, providers.ErrScratchLeft, left)
		}
		return nil, err
	}
	return s, nil
}

// createGrace is how much longer the making of a database may take when a drill is given up: one that is cut off may come to
// be after it was looked for.
const createGrace = 3 * time.Second

// create makes the database. A server that did not answer may have made it.
func (d *driller) create(ctx context.Context, connection *pgx.Conn, name string) error {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(createGrace, cancel) })()
	_, err := connection.Exec(lasting, createStatement(name))
	var refused *pgconn.PgError
	if err != nil && !errors.As(err, &refused) {
		return fmt.Errorf("%w: %w", providers.ErrScratchLeft, err)
	}
	return err
}

// explainCreation says what to do about a server that lets no database be made.
func explainCreation(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == insufficientPrivilege {
		return fmt.Errorf("%s; give the role that right: alter role … createdb", refused.Message)
	}
	return err
}

// administer runs work in a session on the server.
func (d *driller) administer(ctx context.Context, work func(*pgx.Conn) error) error {
	connection, err := d.server.connect(ctx, drillApplication)
	if err != nil {
		return err
	}
	defer disconnect(ctx, connection)
	// The role or the database may have settings that forbid what a drill does.
	for _, statement := range []string{"set default_transaction_read_only = off", noTimeouts} {
		if _, err := connection.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return work(connection)
}

// Remove implements providers.Driller.
func (d *driller) Remove(ctx context.Context, name string) error {
	if !providers.IsScratchName(name) {
		return fmt.Errorf("%q is not the name of a scratch database: it is not dropped", name)
	}
	ctx, cancel := context.WithTimeout(ctx, dropTimeout)
	defer cancel()
	err := d.administer(ctx, func(connection *pgx.Conn) error { return drop(ctx, connection, name) })
	if err != nil {
		return fmt.Errorf("dropping the scratch database %s on %s: %w", name, d.Location(), err)
	}
	return nil
}

// drop drops a database although sessions may use it. FORCE is known since version 13.
func drop(ctx context.Context, connection *pgx.Conn, name string) error {
	if err := endCreation(ctx, connection, name); err != nil {
		return err
	}
	var major int
	if err := connection.QueryRow(ctx, "select current_setting('server_version_num')::int / 10000").Scan(&major); err != nil {
		return err
	}
	statement := "drop database if exists " + pgx.Identifier{name}.Sanitize()
	if major >= 13 {
		statement += " with (force)"
	} else if _, err := connection.Exec(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name); err != nil {
		return err
	}
	_, err := connection.Exec(ctx, statement)
	return err
}

// endCreation ends a session that still makes the database, for a process that was killed: it would come to be after it was
// dropped. The session runs nothing else.
func endCreation(ctx context.Context, connection *pgx.Conn, name string) error {
	const end = `select count(pg_terminate_backend(pid)) from pg_stat_activity
		where application_name = $1 and pid <> pg_backend_pid() and state = 'active' and query = $2`
	for {
		var left int
		if err := connection.QueryRow(ctx, end, drillApplication, createStatement(name)).Scan(&left); err != nil || left == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(terminateInterval):
		}
	}
}

// createStatement makes a scratch database.
func createStatement(name string) string {
	return "create database " + pgx.Identifier{name}.Sanitize() + " template template0"
}
