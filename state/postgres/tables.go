package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// format is the version of the tables.
const format = 1

// The tables that hold locks, one in each row.
const (
	statesTable = "states"
	claimsTable = "claims"
)

// create makes what is missing. Two that make it at once would fail in each other's way, so that they take turns.
func (m *medium) create(ctx context.Context, connection *pgx.Conn) error {
	return pgx.BeginFunc(ctx, connection, func(transaction pgx.Tx) error {
		if _, err := transaction.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('imsctl state tables', 0))`); err != nil {
			return err
		}
		// "if not exists" needs the right to make a schema also where there is one.
		var exists bool
		if err := transaction.QueryRow(ctx, `select exists (select from pg_namespace where nspname = $1)`, m.schema).Scan(&exists); err != nil {
			return err
		}
		if !exists {
			if _, err := transaction.Exec(ctx, `create schema `+pgx.Identifier{m.schema}.Sanitize()); err != nil {
				return err
			}
		}
		for _, statement := range []string{
			`create table if not exists {states} (
				name text primary key,
				format integer not null,
				lock_id text,
				holder jsonb,
				renewed_at timestamptz)`,
			`create table if not exists {parts} (
				state text not null references {states} (name) on delete cascade,
				name text not null,
				content bytea not null,
				made_at timestamptz not null default now(),
				primary key (state, name))`,
			`create table if not exists {claims} (
				name text primary key,
				lock_id text,
				holder jsonb,
				renewed_at timestamptz)`,
			`comment on table {claims} is 'imsctl: who has claimed a part of a state; the rows are used again'`,
			`comment on table {states} is 'imsctl: the states that are kept here, and who holds the lock of each'`,
			`comment on table {parts} is 'imsctl: the numbered entries of the logs of states, which are never changed, and their snapshots'`,
		} {
			if _, err := transaction.Exec(ctx, m.sql(statement)); err != nil {
				return err
			}
		}
		return nil
	})
}
