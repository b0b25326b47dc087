package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/providers"
)

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

// Inspect connects, compares the versions and asks for the size of the database.
func (s *source) Inspect(ctx context.Context) (inspection providers.Inspection, err error) {
	connection, err := s.address.connect(ctx, "imsctl-inspect")
	if err != nil {
		return providers.Inspection{}, err
	}
	defer func() { err = errors.Join(err, connection.Close(context.WithoutCancel(ctx))) }()
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
func (s *source) Read(ctx context.Context, run string, w io.Writer) (reading providers.Reading, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, s.address.terminate(ctx, run))
		}
	}()
	connection, err := s.address.connect(ctx, run)
	if err != nil {
		return providers.Reading{}, err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		// The transaction only read: how its session ends changes nothing.
		_ = connection.Close(closing)
	}()
	dump, versions, err := s.programs(ctx, connection)
	if err != nil {
		return providers.Reading{}, err
	}
	snapshot, err := exportSnapshot(ctx, connection)
	if err != nil {
		return providers.Reading{}, err
	}
	reading.Versions = versions
	reading.RowCounts, err = s.dumpAndCount(ctx, connection, dump, snapshot, run, w)
	return reading, err
}

// exportSnapshot opens the transaction whose view of the database pg_dump shares. It must stay open until pg_dump has
// begun its own, and stays open for the counting.
func exportSnapshot(ctx context.Context, connection *pgx.Conn) (string, error) {
	const settings = `set idle_in_transaction_session_timeout = 0; set statement_timeout = 0; set max_parallel_workers_per_gather = 0;
		begin isolation level repeatable read read only`
	if _, err := connection.Exec(ctx, settings, pgx.QueryExecModeSimpleProtocol); err != nil {
		return "", fmt.Errorf("opening the snapshot: %w", err)
	}
	var snapshot string
	if err := connection.QueryRow(ctx, "select pg_export_snapshot()").Scan(&snapshot); err != nil {
		return "", fmt.Errorf("exporting the snapshot: %w", err)
	}
	return snapshot, nil
}

// dumpAndCount runs pg_dump and counts the rows at the same time.
func (s *source) dumpAndCount(ctx context.Context, connection *pgx.Conn, dump program, snapshot, run string, w io.Writer) (map[string]int64, error) {
	counting, stop := context.WithCancel(ctx)
	defer stop()
	var counts map[string]int64
	var countErr error
	var group sync.WaitGroup
	if s.config.RowCounts {
		group.Go(func() { counts, countErr = s.count(counting, connection) })
	}
	err := s.host.Run(ctx, providers.Command{
		Arguments:   s.arguments(dump, snapshot),
		Environment: s.address.environment(run),
		Stdout:      w,
	})
	if err != nil {
		stop()
	}
	group.Wait()
	if err != nil {
		return nil, s.dumpError(err)
	}
	if countErr != nil {
		return nil, fmt.Errorf("counting the rows of %s: %w", s.address, countErr)
	}
	return counts, nil
}

// arguments are those of pg_dump.
func (s *source) arguments(dump program, snapshot string) []string {
	arguments := []string{dump.path, "--no-password", "--format=plain", "--encoding=UTF8", "--snapshot=" + snapshot, "--dbname=" + s.address.public}
	for flag, set := range map[string]bool{
		"--clean": s.config.Clean, "--if-exists": s.config.IfExists,
		"--no-owner": s.config.NoOwner, "--no-privileges": s.config.NoPrivileges,
		"--strict-names": len(s.config.Tables) > 0,
	} {
		if set {
			arguments = append(arguments, flag)
		}
	}
	for _, table := range s.config.Tables {
		arguments = append(arguments, "--table="+table)
	}
	for _, table := range s.config.ExcludeTables {
		arguments = append(arguments, "--exclude-table="+table)
	}
	return arguments
}

// dumpError keeps what pg_dump said and takes the password out of it.
func (s *source) dumpError(err error) error {
	var exit *providers.ExitError
	if errors.As(err, &exit) {
		exit.Stderr = s.address.redact(exit.Stderr)
	}
	return fmt.Errorf("dumping %s: %w", s.address, err)
}
