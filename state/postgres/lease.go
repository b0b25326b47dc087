package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/remote"
)

// record is the row of a state.
type record struct {
	id     string
	holder remote.Holder
	// age is since when the lock was not renewed, by the server's clock.
	age time.Duration
	// process is the server's process that has the advisory lock, 0 when none has.
	process int32
}

// held reports whether the lock has a holder that is not dead.
func (m *medium) held(found record) bool {
	return found.process != 0 && (found.id == "" || found.age <= m.lease && !found.holder.Dead())
}

// look reads the row of the state, and who has its advisory lock.
func (m *medium) look(ctx context.Context, connection *pgx.Conn) (record, error) {
	var found record
	var id, holder *string
	var seconds float64
	err := connection.QueryRow(ctx, m.sql(`select lock_id, holder::text, coalesce(extract(epoch from clock_timestamp() - renewed_at), 0)::float8,
		coalesce((select pid from pg_locks where locktype = 'advisory' and granted and objsubid = 1
			and database = (select oid from pg_database where datname = current_database())
			and classid::bigint = ($2::bigint >> 32) & 4294967295 and objid::bigint = $2::bigint & 4294967295 limit 1), 0)
		from {locks} where name = $1`), m.lock, m.key).Scan(&id, &holder, &seconds, &found.process)
	if errors.Is(err, pgx.ErrNoRows) {
		return record{}, nil
	}
	if err != nil {
		return record{}, err
	}
	found.age = time.Duration(seconds * float64(time.Second))
	if id != nil {
		found.id = *id
	}
	if holder != nil {
		if err := json.Unmarshal([]byte(*holder), &found.holder); err != nil {
			return record{}, fmt.Errorf("reading who holds the lock: %w", err)
		}
	}
	return found, nil
}

// Holder implements remote.Medium.
func (m *medium) Holder(ctx context.Context) (remote.Holder, bool, error) {
	var found record
	err := m.ask(ctx, func(connection *pgx.Conn) (err error) {
		found, err = m.look(ctx, connection)
		return err
	})
	if errors.Is(err, errNoTables) {
		return remote.Holder{}, false, nil
	}
	return found.holder, m.held(found), err
}

// Break implements remote.Medium: the row names nobody any more, and the session that has the advisory lock is ended.
func (m *medium) Break(ctx context.Context, id string) (remote.Holder, error) {
	var found record
	err := m.ask(ctx, func(connection *pgx.Conn) (err error) {
		if found, err = m.look(ctx, connection); err != nil || found.id != id {
			return err
		}
		if _, err := connection.Exec(ctx, m.sql(`update {locks} set lock_id = null, holder = null where name = $1 and lock_id = $2`), m.lock, id); err != nil {
			return err
		}
		return m.end(ctx, connection, found.process)
	})
	switch {
	case errors.Is(err, errNoTables), err == nil && found.id == "":
		return remote.Holder{}, remote.NotLocked(m.Location())
	case err != nil:
		return remote.Holder{}, fmt.Errorf("ending the lock of the state %s: %w", m.Location(), err)
	case found.id != id:
		return found.holder, remote.Mismatch(m.Location(), found.holder, id)
	}
	return found.holder, nil
}

// end ends a process of the server, and with it its advisory locks.
func (m *medium) end(ctx context.Context, connection *pgx.Conn, process int32) error {
	if process == 0 {
		return nil
	}
	_, err := connection.Exec(ctx, `select pg_terminate_backend($1)`, process)
	return err
}

// Acquire implements remote.Medium.
func (m *medium) Acquire(ctx context.Context, holder remote.Holder) (remote.Lease, error) {
	connection, err := m.connect(ctx)
	if err != nil {
		return nil, err
	}
	err = m.prepare(ctx, connection)
	if err == nil {
		err = m.take(ctx, connection, holder)
	}
	if err != nil {
		_ = connection.Close(context.WithoutCancel(ctx))
		return nil, m.explain(ctx, err)
	}
	return &lease{medium: m, id: holder.ID, connection: connection}, nil
}

// prepare makes the tables and the state's row where they are missing, and sees to it that the server notices soon when the other
// end of this connection is gone.
func (m *medium) prepare(ctx context.Context, connection *pgx.Conn) error {
	err := m.add(ctx, connection)
	if errors.Is(m.explain(ctx, err), errNoTables) {
		if err := m.create(ctx, connection); err != nil {
			return err
		}
		err = m.add(ctx, connection)
	}
	if err != nil {
		return err
	}
	var found int
	if err := connection.QueryRow(ctx, m.sql(`select format from {states} where name = $1`), m.name).Scan(&found); err != nil {
		return err
	}
	if found > format {
		return &state.NewerError{Format: found, Supported: format}
	}
	_, err = connection.Exec(ctx, `select set_config(name, case name when 'tcp_keepalives_idle' then '15' when 'tcp_keepalives_interval' then '10'
		when 'tcp_keepalives_count' then '3' else '0' end, false) from pg_settings
		where name in ('tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count', 'idle_session_timeout', 'statement_timeout')`)
	return err
}

// add adds the rows of the state and of the claim that are missing.
func (m *medium) add(ctx context.Context, connection *pgx.Conn) error {
	_, err := connection.Exec(ctx, m.sql(`insert into {states} (name, format) values ($1, $2) on conflict (name) do nothing`), m.name, format)
	if err != nil || m.locks == statesTable {
		return err
	}
	_, err = connection.Exec(ctx, m.sql(`insert into {locks} (name) values ($1) on conflict (name) do nothing`), m.lock)
	return err
}

// endAttempts and endPause: how often it is looked whether a process of the server that was told to end has ended.
const (
	endAttempts = 50
	endPause    = 100 * time.Millisecond
)

// take takes the advisory lock and writes into the row whose it is.
func (m *medium) take(ctx context.Context, connection *pgx.Conn, holder remote.Holder) error {
	for attempt := 1; ; attempt++ {
		var taken bool
		if err := connection.QueryRow(ctx, `select pg_try_advisory_lock($1)`, m.key).Scan(&taken); err != nil {
			return err
		}
		if taken {
			break
		}
		found, err := m.look(ctx, connection)
		if err != nil {
			return err
		}
		if m.held(found) || attempt == endAttempts {
			return remote.Locked(m.Location(), found.holder, m.lease)
		}
		if err := m.end(ctx, connection, found.process); err != nil {
			return fmt.Errorf("%w: the session of a holder that is gone could not be ended: %w", remote.Locked(m.Location(), found.holder, m.lease), err)
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	text, err := json.Marshal(holder)
	if err != nil {
		return err
	}
	_, err = connection.Exec(ctx, m.sql(`update {locks} set lock_id = $2, holder = $3, renewed_at = clock_timestamp() where name = $1`), m.lock, holder.ID, string(text))
	return err
}

// lease implements remote.Lease with a connection that has the advisory lock.
type lease struct {
	*medium
	id string

	mu         sync.Mutex
	connection *pgx.Conn
	released   bool
}
