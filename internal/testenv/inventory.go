package testenv

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// inventory is a small inventory system's database: what a dump has to carry. %d is a number of rows.
const inventory = `
	create schema stock;
	create type movement_kind as enum ('in', 'out', 'count');
	create domain price as numeric(12, 2) check (value >= 0);
	create sequence document_number start 1000 increment 5;
	create function normalized(text) returns text language sql immutable as $$ select lower(trim($1)) $$;
	create table products (id bigint generated always as identity primary key, sku text not null unique, name text not null,
		price price not null, note text, picture bytea, created_at timestamptz not null default now());
	create table stock.movements (id bigserial primary key, product bigint not null references products, kind movement_kind not null,
		quantity int not null check (quantity <> 0), document bigint default nextval('document_number'), at timestamptz not null);
	create table audit_log (id bigint primary key, entry jsonb not null);
	create table "Odd ""Name" ("a b" text, "ç" int[]);
	insert into products (sku, name, price, note, picture, created_at)
		select 'SKU-' || n, 'Produto nº ' || n || E' — peça\t"çãé"\n漢字 \\ ' || chr(128512), n * 1.25, case when n %% 3 = 0 then null else '' end,
			decode(md5(n::text), 'hex'), timestamptz '2026-01-01' + n * interval '1 minute' from generate_series(1, %[1]d) n;
	insert into stock.movements (product, kind, quantity, at)
		select 1 + n %% %[1]d, (array['in', 'out', 'count'])[1 + n %% 3]::movement_kind, n, timestamptz '2026-02-01' + n * interval '1 second'
		from generate_series(1, 2 * %[1]d) n;
	insert into audit_log select n, jsonb_build_object('id', n, 'text', md5(n::text), 'nested', jsonb_build_array(n, null, 'COPY x FROM stdin;'))
		from generate_series(1, %[1]d) n;
	insert into "Odd ""Name" values ('\.', '{1,2}'), (null, null), (E'line\nbreak', '{}');
	create index movements_at on stock.movements (at desc) where quantity > 0;
	create index products_name on products (normalized(name));
	create view cheap as select sku, name from products where price < 100;
	create materialized view totals as select product, sum(quantity) as total from stock.movements group by product;
	create unique index totals_product on totals (product);
	comment on table products is 'What is sold; it''s "quoted"';
	select lo_from_bytea(0, 'a large object');`

// Seed fills an empty database with an inventory of so many products.
func Seed(ctx context.Context, url string, rows int) error {
	connection, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("seeding: %w", err)
	}
	defer connection.Close(context.WithoutCancel(ctx))
	return SeedConnection(ctx, connection, rows)
}

// SeedConnection is Seed for a database that one is connected to.
func SeedConnection(ctx context.Context, connection *pgx.Conn, rows int) error {
	if _, err := connection.Exec(ctx, fmt.Sprintf(inventory, rows)); err != nil {
		return fmt.Errorf("seeding: %w", err)
	}
	return nil
}

// fingerprintQueries describe everything of a database but its data: one line each.
var fingerprintQueries = map[string]string{
	"columns": `select table_schema || '.' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
		from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema')`,
	"indexes":     `select indexdef from pg_indexes where schemaname not in ('pg_catalog', 'information_schema')`,
	"constraints": `select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace::regnamespace::text not in ('pg_catalog', 'information_schema')`,
	"views":       `select schemaname || '.' || viewname || ' ' || definition from pg_views where schemaname not in ('pg_catalog', 'information_schema')`,
	"sequences":   `select schemaname || '.' || sequencename || ' ' || coalesce(last_value::text, 'unused') || ' ' || increment_by from pg_sequences`,
	"functions":   `select p.oid::regprocedure || ' ' || prosrc from pg_proc p where pronamespace::regnamespace::text not in ('pg_catalog', 'information_schema')`,
	"comments":    `select objoid::regclass || ' ' || description from pg_description where classoid = 'pg_class'::regclass and objoid >= 16384`,
	"large":       `select loid || ' ' || md5(string_agg(data, '' order by pageno)) from pg_largeobject group by loid`,
}

// Fingerprint describes a database so that two equal ones have equal descriptions: the rows of every table with an
// order-free checksum, and its sequences, indexes, constraints, views and functions.
func Fingerprint(ctx context.Context, url string) (map[string][]string, error) {
	connection, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer connection.Close(context.WithoutCancel(ctx))
	return FingerprintConnection(ctx, connection)
}

// FingerprintConnection is Fingerprint for a database that one is connected to.
func FingerprintConnection(ctx context.Context, connection *pgx.Conn) (map[string][]string, error) {
	result := make(map[string][]string)
	for name, sql := range fingerprintQueries {
		var err error
		if result[name], err = lines(ctx, connection, sql+" order by 1"); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	tables, err := lines(ctx, connection, `select quote_ident(n.nspname) || '.' || quote_ident(c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast' order by 1`)
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		sums, err := lines(ctx, connection, fmt.Sprintf("select count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0) from %s t", table))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		result["rows"] = append(result["rows"], table+" "+sums[0])
	}
	return result, nil
}

func lines(ctx context.Context, connection *pgx.Conn, sql string) ([]string, error) {
	rows, err := connection.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
