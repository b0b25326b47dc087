package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"github.com/castrolanda/imsctl/providers"
)

// The bounds of parallel.
const (
	leastParallel = 2
	mostParallel  = 32
)

// lockNotAvailable is the SQLSTATE of a wait for a lock that was given up.
const lockNotAvailable = "55P03"

// parallel is a dump whose tables are copied by several sessions at once, all in one snapshot. pg_dump writes what is no row of
// theirs, in the three sections that it has. What comes out is one plain dump:
//
//	pre-data, without its end mark      what makes the tables
//	rows, as COPY sections              in any order, a large table in many of them
//	data, without its end mark          values of sequences, large objects, tables that are left to pg_dump
//	post-data                           indexes, keys, triggers, and the end mark
//
// All the three are begun before anything is written, and wait for their turns with the locks that they need: one that came
// later could find somebody waiting for a table that we have locked, and wait behind him for ever.
type parallel struct {
	*dumping
	snapshot string
	stream   *stream
	copied   []*copiedTable
	// left are tables whose rows pg_dump itself copies.
	left []relation
}

// readParallel is read with several sessions. Where another session waits to change a table, pg_dump does all by itself.
func (d *dumping) readParallel(ctx context.Context, written *beginning, reading providers.Reading) (providers.Reading, error) {
	snapshot, tables, needs, err := d.settle(ctx)
	if err != nil {
		return reading, err
	}
	reading.Needs = needs
	p := &parallel{dumping: d, snapshot: snapshot, stream: &stream{w: written}}
	if p.copied, p.left, err = d.apportion(ctx, tables); err != nil {
		return reading, err
	}
	// After the snapshot, as in read.
	if err := d.begin(ctx, written, &reading); err != nil {
		return reading, err
	}
	plainly := written.text
	counts, err := p.write(ctx, written)
	var refused *pgconn.PgError
	lockedOut := isLockedOut(err) || errors.As(err, &refused) && refused.Code == lockNotAvailable
	if !lockedOut || written.bytes > 0 || ctx.Err() != nil {
		if d.config.RowCounts {
			reading.RowCounts = counts
		}
		return reading, err
	}
	// The cause may be another one, which then shows.
	reading.Needs, written.text = nil, plainly
	reading.Warnings = append(reading.Warnings, fmt.Sprintf(
		"the tables were copied one after the other and their rows not counted: another session was waiting to change a table (%v)", err))
	d.session.close(ctx)
	return reading, d.runDump(ctx, d.command(written))
}

// write writes the dump and returns how many rows each table has in it. The first to fail ends all others.
func (p *parallel) write(ctx context.Context, written *beginning) (map[string]int64, error) {
	if p.config.Clean {
		drops, err := p.drops(ctx, p.snapshot)
		if err != nil {
			return nil, err
		}
		written.text = slices.Concat(written.text, drops)
	}
	workers, err := p.hire(ctx)
	defer func() {
		for _, w := range workers {
			w.close(ctx)
		}
	}()
	if err != nil {
		return nil, err
	}
	group, all := errgroup.WithContext(ctx)
	var sections [3]*section
	for i, name := range []string{"pre-data", "data", "post-data"} {
		sections[i] = newSection(all, name, p.stream)
		group.Go(func() error { return p.dumpSection(all, sections[i]) })
	}
	var counts map[string]int64
	if p.config.RowCounts {
		group.Go(func() (err error) {
			if counts, err = count(all, p.session, p.left); err != nil {
				err = fmt.Errorf("counting the rows of %s: %w", p.place, err)
			}
			return err
		})
	}
	group.Go(func() error { return p.conduct(all, sections, workers) })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if counts == nil {
		return nil, nil
	}
	for _, table := range p.copied {
		counts[table.String()] = table.rows.Load()
	}
	return counts, nil
}

// dumpSection runs pg_dump for one section.
func (p *parallel) dumpSection(ctx context.Context, s *section) error {
	command := p.command(s)
	if s.name != "data" {
		// What drops things is at the beginning of the whole, but for what is dropped with the data.
		command.Arguments = slices.DeleteFunc(command.Arguments, func(argument string) bool { return argument == "--clean" || argument == "--if-exists" })
	}
	command.Arguments = append(slices.Clip(command.Arguments), "--section="+s.name, "--snapshot="+p.snapshot,
		fmt.Sprintf("--lock-wait-timeout=%d", lockTimeout.Milliseconds()))
	// In all of the sections alike, so that each thing is in the same one for all.
	for _, table := range p.copied {
		command.Arguments = append(command.Arguments, excluding(table.relation))
	}
	err := p.place.runner().Run(ctx, command)
	switch {
	case ctx.Err() != nil:
		// What ended all is known already, and may be the very error that this run was given.
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("dumping %s: %w", p.place, p.place.programError(err))
	}
	return s.end()
}

// conduct gives the sections and the workers their turns.
func (p *parallel) conduct(ctx context.Context, sections [3]*section, workers []*worker) error {
	for _, s := range sections {
		if err := s.await(s.began); err != nil {
			return err
		}
	}
	before, rows, after := sections[0], sections[1], sections[2]
	if err := before.take(); err != nil {
		return err
	}
	if err := p.copyRows(ctx, workers); err != nil {
		return err
	}
	// The rows are before what pg_dump writes below its end mark: the key that ends psql's restricted mode.
	if _, err := p.stream.Write(before.below); err != nil {
		return err
	}
	if err := rows.take(); err != nil {
		return err
	}
	if _, err := p.stream.Write(rows.below); err != nil {
		return err
	}
	if err := after.take(); err != nil {
		return err
	}
	_, err := p.stream.Write(slices.Concat([]byte(endMark), after.below))
	return err
}

// copyRows has the workers copy all tables.
func (p *parallel) copyRows(ctx context.Context, workers []*worker) error {
	portions := divide(p.copied, p.facts.version)
	queue := make(chan portion)
	group, all := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(queue)
		for _, next := range portions {
			select {
			case queue <- next:
			case <-all.Done():
				return context.Cause(all)
			}
		}
		return nil
	})
	for _, w := range workers {
		group.Go(func() error {
			for next := range queue {
				if err := w.copy(all, next, p.stream); err != nil {
					return fmt.Errorf("copying table %s of %s: %w", next.table, p.place, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}
