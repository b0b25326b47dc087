package postgres

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// blockSize is how many bytes of rows a worker collects before it writes them. A row is never cut: one that is longer makes its block so.
const blockSize = 4 << 20

// endOfRows is the line that ends the rows of a COPY, and the empty lines that pg_dump writes below it.
const endOfRows = "\\.\n\n\n"

// workerSettings are those that pg_dump gives its session, so that values are written as it writes them (setup_connection in
// pg_dump.c), and the transaction that sees what the snapshot saw.
var workerSettings = []string{
	noTimeouts,
	"set row_security = off",
	"set client_encoding = 'UTF8'",
	"set datestyle = iso",
	"set intervalstyle = postgres",
	"set extra_float_digits = 3",
	"set synchronize_seqscans = off",
	"select pg_catalog.set_config('search_path', '', false)",
	"begin isolation level repeatable read read only",
}

// worker is a session that copies portions of tables.
type worker struct {
	connection *pgx.Conn
	block      []byte
}

// hire opens the sessions and locks the tables in each of them, as pg_dump does: a lock that came later could wait for ever. On an
// error too, those that are returned must be closed.
func (p *parallel) hire(ctx context.Context) (workers []*worker, err error) {
	address, direct := p.place.(*address)
	if !direct {
		return nil, fmt.Errorf("%s is not reached by a url, which parallel needs", p.place)
	}
	tables := make([]relation, len(p.copied))
	for i, table := range p.copied {
		tables[i] = table.relation
	}
	for range p.config.Parallel {
		connection, err := address.connect(ctx, p.run)
		if err != nil {
			return workers, err
		}
		workers = append(workers, &worker{connection: connection})
		if err := p.prepare(ctx, directSession{connection}, tables); err != nil {
			return workers, err
		}
	}
	return workers, nil
}

// prepare gives a session the snapshot and the locks.
func (p *parallel) prepare(ctx context.Context, session session, tables []relation) error {
	for _, statement := range workerSettings {
		if err := session.exec(ctx, statement); err != nil {
			return fmt.Errorf("opening a session to copy tables of %s: %w", p.place, err)
		}
	}
	if err := session.exec(ctx, "set transaction snapshot "+sqlText(p.snapshot)); err != nil {
		return fmt.Errorf("taking over the snapshot: %w", err)
	}
	if err := session.exec(ctx, fmt.Sprintf("set local lock_timeout = %d", lockTimeout.Milliseconds())); err != nil {
		return err
	}
	if err := lock(ctx, session, tables); err != nil {
		return err
	}
	return session.exec(ctx, "set local lock_timeout = 0")
}

func (w *worker) close(ctx context.Context) { disconnect(ctx, w.connection) }

// copy writes the rows of a portion to the stream, as one COPY section for each block of them.
func (w *worker) copy(ctx context.Context, next portion, to *stream) error {
	w.block = append(w.block[:0], next.table.heading()...)
	rows := &rowBlocks{worker: w, table: next.table, to: to}
	tag, err := w.connection.PgConn().CopyTo(ctx, rows, next.query())
	if err != nil {
		return err
	}
	if rows.lines != tag.RowsAffected() || rows.open {
		return fmt.Errorf("the server copied %d rows and %d lines of them came", tag.RowsAffected(), rows.lines)
	}
	next.table.rows.Add(rows.lines)
	// A table without rows has a section too, as pg_dump writes one.
	if rows.some || rows.lines == 0 && next.from == 0 {
		return rows.flush()
	}
	return nil
}

// rowBlocks collects rows into blocks. Each row is one line: in a value a line break is written as \n.
type rowBlocks struct {
	worker *worker
	table  *copiedTable
	to     *stream
	lines  int64
	// some is set when there is something in the block, open when its last line has not ended.
	some, open bool
}

func (r *rowBlocks) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	w := r.worker
	w.block = append(w.block, p...)
	r.some, r.open = true, p[len(p)-1] != '\n'
	r.lines += int64(bytes.Count(p, []byte{'\n'}))
	if len(w.block) < blockSize || r.open {
		return len(p), nil
	}
	return len(p), r.flush()
}

// flush writes the block and begins the next.
func (r *rowBlocks) flush() error {
	w := r.worker
	w.block = append(w.block, endOfRows...)
	_, err := r.to.Write(w.block)
	w.block, r.some = append(w.block[:0], r.table.heading()...), false
	return err
}
