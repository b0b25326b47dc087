-- What the inventory's database has beside what testenv.Seed makes.
create role ims_reader nologin;
create role ims_report login password 'report' in role ims_reader;
create table inventory_item (id bigint generated always as identity primary key, code text not null unique, quantity numeric(12, 3) not null,
	updated_at timestamptz not null);
insert into inventory_item (code, quantity, updated_at)
	select 'ITEM-' || n, n / 8.0, timestamptz '2026-03-01 12:00+00' + n * interval '1 hour' from generate_series(1, 2000) n;
grant select on inventory_item to ims_reader;
create table ml_model (id int primary key, name text not null, version text not null, parameters jsonb not null, weights bytea);
insert into ml_model select n, (array['classification', 'forecasting'])[1 + n % 2], '1.' || n, jsonb_build_object('depth', n, 'rate', 1.0 / n),
	decode(repeat(md5(n::text), 50), 'hex') from generate_series(1, 20) n;
create table ml_prediction (id bigint primary key, model int not null references ml_model, item text not null, value double precision, made_at timestamptz not null);
insert into ml_prediction select n, 1 + n % 20, 'ITEM-' || 1 + n % 2000, sin(n), timestamptz '2026-03-02' + n * interval '1 minute'
	from generate_series(1, 5000) n;
