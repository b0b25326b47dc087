package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/providers"
)

// lockTimeout is how long pg_dump waits for a table that nobody but us should have locked.
const lockTimeout = 3 * time.Second

// source implements providers.Source.
type source struct {
	config  Config
	host    providers.Host
	address *address
}

// Format is that of a plain dump. Its end marker is not its last line.
func (s *source) Format() providers.Format {
	return providers.Format{
		Extension: ".sql",
		Headers:   [][]byte{[]byte("-- PostgreSQL database dump")},
		Trailer:   []byte("-- PostgreSQL database dump complete"),
	}
}

// Inspect connects, compares the versions, matches the patterns and asks for the size of the database.
func (s *source) Inspect(ctx context.Context) (inspection providers.Inspection, err error) {
	connection, err := s.address.connect(ctx, "imsctl-inspect")
	if err != nil {
		return providers.Inspection{}, err
	}
	defer disconnect(ctx, connection)
	_, versions, err := s.programs(ctx, connection)
	if err != nil {
		return providers.Inspection{}, err
	}
	inspection.Versions = versions
	if err := connection.QueryRow(ctx, "select pg_database_size(current_database())").Scan(&inspection.Bytes); err != nil {
		return providers.Inspection{}, fmt.Errorf("asking for the size of %s: %w", s.address, err)
	}
	if _, err := s.tables(ctx, connection); err != nil {
		return providers.Inspection{}, err
	}
	return inspection, nil
}

// programs finds pg_dump and holds it against the server.
func (s *source) programs(ctx context.Context, connection *pgx.Conn) (program, map[string]string, error) {
	server, err := parseVersion(connection.PgConn().ParameterStatus("server_version"))
	if err != nil {
		return program{}, nil, fmt.Errorf("asking %s for its version: %w", s.address, err)
	}
	dump, err := findProgram(ctx, s.host, "pg_dump")
	if err != nil {
		return program{}, nil, err
	}
	return dump, map[string]string{"server": server.text, "pg_dump": dump.version.text}, checkDump(dump, server)
}

// Read dumps the database.
func (s *source) Read(ctx context.Context, run string, w io.Writer) (providers.Reading, error) {
	connection, err := s.address.connect(ctx, run)
	if err != nil {
		return providers.Reading{}, err
	}
	reading, err := s.read(ctx, connection, run, w)
	disconnect(ctx, connection)
	if err != nil {
		return providers.Reading{}, errors.Join(err, s.address.terminate(ctx, run))
	}
	return reading, nil
}

func (s *source) read(ctx context.Context, connection *pgx.Conn, run string, w io.Writer) (providers.Reading, error) {
	dump, versions, err := s.programs(ctx, connection)
	if err != nil {
		return providers.Reading{}, err
	}
	reading := providers.Reading{Versions: versions}
	written := &writeCounter{w: w}
	command := providers.Command{
		Arguments:   s.arguments(dump, connection.PgConn().ParameterStatus("server_encoding")),
		Environment: s.address.environment(run),
		Stdout:      written,
	}
	if s.config.RowCounts {
		reading.RowCounts, err = s.dumpAndCount(ctx, connection, command)
		if !isLockedOut(err) || written.bytes > 0 || ctx.Err() != nil {
			return reading, err
		}
		reading.Warnings = []string{"the rows were not counted: another session was waiting to change a table"}
		disconnect(ctx, connection)
	} else if _, err := s.tables(ctx, connection); err != nil {
		return reading, err
	}
	return reading, s.dump(ctx, command)
}

// noTimeouts lifts the limits that a role or a database may have been given, as pg_dump does for itself. Which of them there
// are depends on the server's version.
const noTimeouts = `select set_config(name, '0', false) from pg_settings where name in
	('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout', 'idle_in_transaction_session_timeout')`

// onePerCount keeps the counting to one of the server's processors, because pg_dump and the compression need the others.
const onePerCount = "set max_parallel_workers_per_gather = 0"

// exportSnapshot opens the transaction whose view of the database pg_dump shares. It must stay open until pg_dump has
// begun its own, and stays open for the counting.
func exportSnapshot(ctx context.Context, connection *pgx.Conn) (string, error) {
	// With row_security off a policy that would hide rows is an error. Each statement goes alone, because several at once are
	// a transaction already.
	for _, statement := range []string{noTimeouts, "set row_security = off", onePerCount, "begin isolation level repeatable read read only"} {
		if _, err := connection.Exec(ctx, statement); err != nil {
			return "", fmt.Errorf("opening the snapshot: %w", err)
		}
	}
	var snapshot string
	if err := connection.QueryRow(ctx, "select pg_export_snapshot()").Scan(&snapshot); err != nil {
		return "", fmt.Errorf("exporting the snapshot: %w", err)
	}
	return snapshot, nil
}

// dumpAndCount runs pg_dump and counts the rows at the same time, in one snapshot. The first of the two to fail ends the other.
//
// The tables are locked before pg_dump locks them. Should a third session ask in between for a lock that excludes readers,
// it waits for ours, pg_dump waits for it and we for pg_dump, for ever. Therefore pg_dump gives up its wait, which can have
// no other reason then, and the error is one that isLockedOut finds.
func (s *source) dumpAndCount(ctx context.Context, connection *pgx.Conn, command providers.Command) (map[string]int64, error) {
	snapshot, err := exportSnapshot(ctx, connection)
	if err != nil {
		return nil, err
	}
	tables, err := s.tables(ctx, connection)
	if err != nil {
		return nil, err
	}
	if err := lock(ctx, connection, tables); err != nil {
		return nil, err
	}
	command.Arguments = append(slices.Clip(command.Arguments), "--snapshot="+snapshot, fmt.Sprintf("--lock-wait-timeout=%d", lockTimeout.Milliseconds()))
	both, stop := context.WithCancel(ctx)
	defer stop()
	var counts map[string]int64
	var countErr error
	var group sync.WaitGroup
	group.Go(func() {
		if counts, countErr = count(both, connection, tables); countErr != nil {
			stop()
		}
	})
	dumpErr := s.dump(both, command)
	if dumpErr != nil {
		stop()
	}
	group.Wait()
	switch {
	case dumpErr != nil && (ctx.Err() != nil || !errors.Is(dumpErr, context.Canceled)):
		return nil, dumpErr
	case countErr != nil:
		return nil, fmt.Errorf("counting the rows of %s, while pg_dump was at work: %w", s.address, countErr)
	}
	return counts, dumpErr
}

// isLockedOut reports whether pg_dump may have given up its wait for a lock. Its words depend on the server's language, so
// any failure of its own may be that; the caller knows whether it had begun to write.
func isLockedOut(err error) bool {
	var exit *providers.ExitError
	return errors.As(err, &exit) && exit.Signal == ""
}

// writeCounter counts the bytes that it passes on.
type writeCounter struct {
	w     io.Writer
	bytes int64
}

func (c *writeCounter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.bytes += int64(n)
	return n, err
}

// dump runs pg_dump.
func (s *source) dump(ctx context.Context, command providers.Command) error {
	if err := s.host.Run(ctx, command); err != nil {
		return fmt.Errorf("dumping %s: %w", s.address, s.address.programError(err))
	}
	return nil
}

// arguments are those of pg_dump. The encoding is the database's own, whatever the environment says: it is the only one
// that every text in the database can be written in.
func (s *source) arguments(dump program, encoding string) []string {
	arguments := []string{dump.path, "--no-password", "--format=plain", "--encoding=" + encoding, "--dbname=" + s.address.conninfo()}
	for _, option := range []struct {
		flag string
		set  bool
	}{
		{"--clean", s.config.Clean},
		{"--if-exists", s.config.IfExists},
		{"--no-owner", s.config.NoOwner},
		{"--no-privileges", s.config.NoPrivileges},
		{"--strict-names", len(s.config.Tables) > 0},
	} {
		if option.set {
			arguments = append(arguments, option.flag)
		}
	}
	for _, table := range s.config.Tables {
		arguments = append(arguments, "--table="+table)
	}
	if len(s.config.Tables) > 0 {
		// A pattern such as p* matches tables of the system too, which cannot be restored.
		arguments = append(arguments, "--exclude-table=pg_*.*", "--exclude-table=information_schema.*")
	}
	for _, table := range s.config.ExcludeTables {
		arguments = append(arguments, "--exclude-table="+table)
	}
	return arguments
}
