package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// tables make a database whose dump is about 600 MB of text: the kinds of rows that an application keeps. %d is a number
// of rows. Words repeat and figures do not, as in real data; the same seed gives the same rows every time.
var tables = []struct {
	rows int
	sql  string
}{
	{200_000, `create table products as
		select n as id, 'SKU-' || lpad((n * 7919 %% 1000003)::text, 7, '0') as sku,
			(array['bolt','nut','washer','bearing','gasket','filter','belt','hose','valve','seal'])[1 + floor(random() * 10)]
			|| ' ' || (array['steel','brass','rubber','nylon','copper'])[1 + floor(random() * 5)] || ' M' || floor(random() * 64) as name,
			'Stored in aisle ' || floor(random() * 40) || ', shelf ' || floor(random() * 12) || '; reorder at ' || floor(random() * 500)
			|| ' from supplier ' || floor(random() * 300) as description,
			round((random() * 1000)::numeric, 2) as price,
			timestamptz '2019-01-01' + random() * interval '2500 days' as created_at
		from generate_series(1, %d) n`},
	{1_500_000, `create table movements as
		select n as id, 1 + floor(random() * 200000)::int as product_id, floor(random() * 200 - 100)::int as quantity,
			timestamptz '2021-01-01' + n * interval '40 seconds' as moved_at,
			(array['sale','purchase','return','count','transfer'])[1 + floor(random() * 5)] as kind, floor(random() * 40)::int as warehouse_id,
			'user' || floor(random() * 120) as moved_by
		from generate_series(1, %d) n`},
	{970_000, `create table audit_log as
		select n as id, timestamptz '2021-01-01' + n * interval '3 minutes' as at,
			jsonb_build_object('actor', 'user' || floor(random() * 120), 'action', (array['create','update','delete','login'])[1 + floor(random() * 4)],
				'entity', (array['product','movement','order','supplier'])[1 + floor(random() * 4)], 'id', floor(random() * 1e6),
				'request', md5(random()::text), 'address', '10.0.' || floor(random() * 255) || '.' || floor(random() * 255),
				'before', jsonb_build_object('quantity', floor(random() * 1000), 'status', 'active', 'warehouse', floor(random() * 40),
					'location', 'aisle ' || floor(random() * 40) || ', shelf ' || floor(random() * 12), 'currency', 'BRL'),
				'after', jsonb_build_object('quantity', floor(random() * 1000), 'status', (array['active','reserved','blocked'])[1 + floor(random() * 3)],
					'warehouse', floor(random() * 40), 'location', 'aisle ' || floor(random() * 40) || ', shelf ' || floor(random() * 12), 'currency', 'BRL')) as entry
		from generate_series(1, %d) n`},
	{600_000, `create table ml_features as
		select n as id, 1 + floor(random() * 200000)::int as product_id, random() as demand, random() * 100 as mean,
			random() * 10 as deviation, random() - 0.5 as trend, random() * 365 as season, exp(random() * 5) as price_ratio, random() as score
		from generate_series(1, %d) n`},
}

// fill makes the tables in the database at url.
func fill(ctx context.Context, url string, scale float64) error {
	connection, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connecting to the benchmark's own server: %w", err)
	}
	defer connection.Close(context.WithoutCancel(ctx))
	if _, err := connection.Exec(ctx, "set synchronous_commit = off; set max_parallel_workers_per_gather = 0; select setseed(0.42)"); err != nil {
		return fmt.Errorf("preparing the database: %w", err)
	}
	for _, table := range tables {
		rows := max(1, int(float64(table.rows)*scale))
		if _, err := connection.Exec(ctx, fmt.Sprintf(table.sql, rows)); err != nil {
			return fmt.Errorf("filling the database: %w", err)
		}
	}
	for _, sql := range []string{
		"alter table products add primary key (id)", "alter table movements add primary key (id)",
		"alter table audit_log add primary key (id)", "alter table ml_features add primary key (id)",
		"create index on movements (product_id, moved_at)", "vacuum analyze", "checkpoint",
	} {
		if _, err := connection.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}
