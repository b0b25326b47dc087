package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state/remote"
)

// pause waits until a process of the server may have ended.
func pause(ctx context.Context) error { return clock.Sleep(ctx, endPause) }

// use does something on the connection that has the lock. One that broke is replaced, if nobody else has the lock by then.
func (l *lease) use(ctx context.Context, do func(*pgx.Conn) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.connection == nil || l.connection.IsClosed() {
		if err := l.reconnect(ctx); err != nil {
			return err
		}
	}
	return l.explain(ctx, do(l.connection))
}

// reconnect takes the advisory lock again with a new connection. The row says whether somebody had it in between. The caller
// holds mu.
func (l *lease) reconnect(ctx context.Context) error {
	connection, err := l.connect(ctx)
	if err != nil {
		return err
	}
	if err := l.retake(ctx, connection); err != nil {
		_ = connection.Close(context.WithoutCancel(ctx))
		return l.explain(ctx, err)
	}
	l.connection = connection
	return nil
}

// retake takes the advisory lock, which the server may still give to the connection that broke.
func (l *lease) retake(ctx context.Context, connection *pgx.Conn) error {
	if err := l.prepare(ctx, connection); err != nil {
		return err
	}
	for range endAttempts {
		var taken bool
		if err := connection.QueryRow(ctx, `select pg_try_advisory_lock($1)`, l.key).Scan(&taken); err != nil {
			return err
		}
		found, err := l.look(ctx, connection)
		switch {
		case err != nil:
			return err
		case found.id != l.id:
			return l.lostTo(found)
		case taken:
			return nil
		}
		if err := l.end(ctx, connection, found.process); err != nil {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: the server still has the connection that broke", remote.ErrUnreachable)
}

// lostTo is the error of a holder whose lock is somebody else's.
func (l *lease) lostTo(found record) error {
	if found.id == "" {
		return fmt.Errorf("%w: it was ended by force", remote.ErrLost)
	}
	return fmt.Errorf("%w: it is that of %s", remote.ErrLost, found.holder.LockInfo)
}

// List implements remote.Lease, on the connection that is there.
func (l *lease) List(ctx context.Context, prefix string) (names []string, err error) {
	err = l.use(ctx, func(connection *pgx.Conn) error {
		names, err = l.list(ctx, connection, prefix)
		return err
	})
	return names, err
}

// Read implements remote.Lease, likewise.
func (l *lease) Read(ctx context.Context, names ...string) (contents [][]byte, err error) {
	err = l.use(ctx, func(connection *pgx.Conn) error {
		contents, err = l.read(ctx, connection, names)
		return err
	})
	return contents, err
}

// Create implements remote.Lease. The row of the lock is held meanwhile, so that it cannot change hands.
func (l *lease) Create(ctx context.Context, name string, content []byte) error {
	return l.use(ctx, func(connection *pgx.Conn) error {
		done, err := connection.Exec(ctx, l.sql(`insert into {parts} (state, name, content)
			select name, $3, $4 from (select name from {states} where name = $1 and lock_id = $2 for update) held`), l.name, l.id, name, content)
		if err != nil || done.RowsAffected() == 1 {
			return err
		}
		found, err := l.look(ctx, connection)
		if err != nil {
			return err
		}
		return l.lostTo(found)
	})
}

// Delete implements remote.Lease.
func (l *lease) Delete(ctx context.Context, names ...string) error {
	return l.use(ctx, func(connection *pgx.Conn) error {
		_, err := connection.Exec(ctx, l.sql(`delete from {parts} where state = $1 and name = any($3)
			and exists (select from {states} where name = $1 and lock_id = $2)`), l.name, l.id, names)
		return err
	})
}

// Renew implements remote.Lease.
func (l *lease) Renew(ctx context.Context) error {
	return l.use(ctx, func(connection *pgx.Conn) error {
		done, err := connection.Exec(ctx, l.sql(`update {locks} set renewed_at = clock_timestamp() where name = $1 and lock_id = $2`), l.lock, l.id)
		if err != nil || done.RowsAffected() == 1 {
			return err
		}
		found, err := l.look(ctx, connection)
		if err != nil {
			return err
		}
		return l.lostTo(found)
	})
}

// Release implements remote.Lease. The end of the connection ends the advisory lock, whatever else succeeds.
func (l *lease) Release(ctx context.Context) error {
	l.mu.Lock()
	released := l.released
	l.released = true
	l.mu.Unlock()
	if released {
		return nil
	}
	err := l.use(ctx, func(connection *pgx.Conn) error {
		_, err := connection.Exec(ctx, l.sql(`update {locks} set lock_id = null, holder = null where name = $1 and lock_id = $2`), l.lock, l.id)
		return err
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.connection == nil {
		return err
	}
	if closing := l.connection.Close(ctx); err == nil && closing != nil && !errors.Is(closing, net.ErrClosed) {
		return closing
	}
	return err
}
