package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// lockTimeout is how long pg_dump waits for a table that nobody but us should have locked.
const lockTimeout = 3 * time.Second

// dumping is one reading of a source.
type dumping struct {
	config Config
	place  place
	// container is place where that is in one, and nil otherwise.
	container *contained
	run       string
	session   session

	// These are found by programs.
	facts         serverFacts
	dump, dumpAll program
	versions      map[string]string
}

// programs finds pg_dump and holds it against the server.
func (d *dumping) programs(ctx context.Context) (err error) {
	if d.facts, err = askFacts(ctx, d.session); err != nil {
		return fmt.Errorf("asking %s for its version: %w", d.place, err)
	}
	if d.dump, err = findProgram(ctx, d.place.runner(), "pg_dump"); err != nil {
		return err
	}
	d.versions = map[string]string{"server": d.facts.version.text, "pg_dump": d.dump.version.text}
	if d.config.Parallel > 0 && d.facts.encoding != "UTF8" {
		return fmt.Errorf("%s is in the encoding %s, and parallel is for UTF8: leave it out", d.place, d.facts.encoding)
	}
	if err := checkDump("pg_dump", d.dump, d.facts.version); err != nil || !d.config.Globals {
		return err
	}
	if d.dumpAll, err = findProgram(ctx, d.place.runner(), "pg_dumpall"); err != nil {
		return err
	}
	return checkDump("pg_dumpall", d.dumpAll, d.facts.version)
}

func (d *dumping) read(ctx context.Context, w io.Writer) (providers.Reading, error) {
	if err := d.programs(ctx); err != nil {
		return providers.Reading{}, err
	}
	if err := d.claim(ctx); err != nil {
		return providers.Reading{}, err
	}
	reading := providers.Reading{Versions: d.versions}
	written := &beginning{w: w}
	if d.config.Parallel > 0 {
		return d.readParallel(ctx, written, reading)
	}
	if !d.config.RowCounts {
		_, dumped, err := d.tables(ctx)
		if err != nil {
			return reading, err
		}
		if reading.Needs, err = d.needs(ctx, dumped); err != nil {
			return reading, err
		}
		if err := d.begin(ctx, written, &reading); err != nil {
			return reading, err
		}
		return reading, d.runDump(ctx, d.command(written))
	}
	snapshot, tables, needs, err := d.settle(ctx)
	if err != nil {
		return reading, err
	}
	reading.Needs = needs
	// The roles are read after the snapshot was taken, so that none is missing that something in it belongs to.
	if err := d.begin(ctx, written, &reading); err != nil {
		return reading, err
	}
	reading.RowCounts, err = d.dumpAndCount(ctx, d.command(written), snapshot, tables)
	if !isLockedOut(err) || written.bytes > 0 || ctx.Err() != nil {
		return reading, err
	}
	reading.Needs = nil
	reading.Warnings = append(reading.Warnings, "the rows were not counted: another session was waiting to change a table")
	d.session.close(ctx)
	return reading, d.runDump(ctx, d.command(written))
}

// begin gives the dump its beginning.
func (d *dumping) begin(ctx context.Context, written *beginning, reading *providers.Reading) (err error) {
	if d.config.Globals {
		written.text, reading.Warnings, err = d.globals(ctx)
	}
	return err
}

// command is pg_dump's. Text has an end mark, an archive has none.
func (d *dumping) command(w io.Writer) providers.Command {
	return providers.Command{Arguments: d.arguments(), Environment: d.place.environment(d.run), Stdout: w, Framed: d.config.Format == formatPlain}
}

// failure is the error of a reading that failed, once nothing of it is left on the server.
func (d *dumping) failure(ctx context.Context, err error) error {
	left := terminate(ctx, d.place, d.run)
	if d.container != nil && ctx.Err() == nil {
		if what := d.container.since(ctx); what != "" {
			err = fmt.Errorf("container %q %s: %w", d.container.name, what, err)
		}
	}
	return errors.Join(err, left)
}

// complete adds what is known of the container that was read.
func (d *dumping) complete(ctx context.Context, reading providers.Reading) providers.Reading {
	if d.container == nil {
		return reading
	}
	reading.Container = &d.container.found
	if what := d.container.since(ctx); what != "" {
		reading.Warnings = append(reading.Warnings, fmt.Sprintf("container %q %s since it was read", d.container.name, what))
	}
	return reading
}

// noTimeouts lifts the limits that a role or a database may have been given, as pg_dump does for itself. Which of them there
// are depends on the server's version.
const noTimeouts = `select set_config(name, '0', false) from pg_settings where name in
	('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout', 'idle_in_transaction_session_timeout')`

// onePerCount keeps the counting to one of the server's processors, because pg_dump and the compression need the others.
const onePerCount = "set max_parallel_workers_per_gather = 0"

// exportSnapshot opens the transaction whose view of the database pg_dump shares. It must stay open until pg_dump has
// begun its own, and stays open for the counting.
func exportSnapshot(ctx context.Context, in session) (string, error) {
	// With row_security off a policy that would hide rows is an error. Each statement goes alone, because several at once are
	// a transaction already.
	for _, statement := range []string{noTimeouts, "set row_security = off", onePerCount, "begin isolation level repeatable read read only"} {
		if err := in.exec(ctx, statement); err != nil {
			return "", fmt.Errorf("opening the snapshot: %w", err)
		}
	}
	snapshot, err := value(ctx, in, "select pg_export_snapshot()")
	if err != nil {
		return "", fmt.Errorf("exporting the snapshot: %w", err)
	}
	return snapshot, nil
}

// settle opens the snapshot, locks the tables whose rows are counted in it, and finds out what the dump will need.
func (d *dumping) settle(ctx context.Context) (snapshot string, tables []relation, needs *providers.Needs, err error) {
	if snapshot, err = exportSnapshot(ctx, d.session); err != nil {
		return "", nil, nil, err
	}
	tables, dumped, err := d.tables(ctx)
	if err != nil {
		return "", nil, nil, err
	}
	if err := lock(ctx, d.session, tables); err != nil {
		return "", nil, nil, err
	}
	needs, err = d.needs(ctx, dumped)
	return snapshot, tables, needs, err
}

// dumpAndCount runs pg_dump and counts the rows at the same time, in one snapshot. The first of the two to fail ends the other.
//
// The tables were locked before pg_dump locks them. Should a third session ask in between for a lock that excludes readers,
// it waits for ours, pg_dump waits for it and we for pg_dump, for ever. Therefore pg_dump gives up its wait, which can have
// no other reason then, and the error is one that isLockedOut finds.
func (d *dumping) dumpAndCount(ctx context.Context, command providers.Command, snapshot string, tables []relation) (map[string]int64, error) {
	command.Arguments = append(slices.Clip(command.Arguments), "--snapshot="+snapshot, fmt.Sprintf("--lock-wait-timeout=%d", lockTimeout.Milliseconds()))
	both, stop := context.WithCancel(ctx)
	defer stop()
	var counts map[string]int64
	var countErr error
	var group sync.WaitGroup
	group.Go(func() {
		if counts, countErr = count(both, d.session, tables); countErr != nil {
			stop()
		}
	})
	dumpErr := d.runDump(both, command)
	if dumpErr != nil {
		stop()
	}
	group.Wait()
	switch {
	case dumpErr != nil && (ctx.Err() != nil || !errors.Is(dumpErr, context.Canceled)):
		return nil, dumpErr
	case countErr != nil:
		return nil, fmt.Errorf("counting the rows of %s, while pg_dump was at work: %w", d.place, countErr)
	}
	return counts, dumpErr
}

// isLockedOut reports whether pg_dump may have given up its wait for a lock. Its words depend on the server's language, so
// any failure of its own may be that; the caller knows whether it had begun to write.
func isLockedOut(err error) bool {
	var exit *providers.ExitError
	return errors.As(err, &exit) && exit.Signal == ""
}

// runDump runs pg_dump.
func (d *dumping) runDump(ctx context.Context, command providers.Command) error {
	if err := d.place.runner().Run(ctx, command); err != nil {
		return fmt.Errorf("dumping %s: %w", d.place, d.place.programError(err))
	}
	return nil
}

// arguments are those of pg_dump. The encoding is the database's own, whatever the environment says: it is the only one
// that every text in the database can be written in.
func (d *dumping) arguments() []string {
	arguments := []string{d.dump.path, "--no-password", "--format=" + d.config.Format, "--encoding=" + d.facts.encoding, "--dbname=" + d.place.conninfo()}
	if d.config.Format == formatCustom {
		// imsctl compresses, checks and measures what it is given; it must be able to see it.
		arguments = append(arguments, "--compress=0")
	}
	for _, option := range []struct {
		flag string
		set  bool
	}{
		{"--clean", d.config.Clean},
		{"--if-exists", d.config.IfExists},
		{"--no-owner", d.config.NoOwner},
		{"--no-privileges", d.config.NoPrivileges},
		{"--strict-names", len(d.config.Tables) > 0},
	} {
		if option.set {
			arguments = append(arguments, option.flag)
		}
	}
	for _, table := range d.config.Tables {
		arguments = append(arguments, "--table="+table)
	}
	if len(d.config.Tables) > 0 {
		// A pattern such as p* matches tables of the system too, which cannot be restored.
		arguments = append(arguments, "--exclude-table=pg_*.*", "--exclude-table=information_schema.*")
	}
	for _, table := range d.config.ExcludeTables {
		arguments = append(arguments, "--exclude-table="+table)
	}
	return arguments
}
