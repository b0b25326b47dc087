package postgres_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// restoreTo restores a dump to a target.
func restoreTo(t *testing.T, target providers.Target, dump string) (providers.Restored, error) {
	t.Helper()
	target.Kind = providers.TargetPostgres
	restorer, err := postgres.Provider().Restore(environment(), target)
	if err != nil {
		t.Fatal(err)
	}
	if err := restorer.Prepare(t.Context()); err != nil {
		return providers.Restored{}, err
	}
	return restorer.Restore(t.Context(), strings.NewReader(dump))
}

// wantError checks that there is an error with all the words.
func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("there was no error")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not have %q", err, word)
		}
	}
}

// onTheWay lists the databases that restores use on the way.
func onTheWay(t *testing.T) string {
	t.Helper()
	return ask(t, shared.server.URL("postgres"), `select coalesce(string_agg(datname, ' '), '') from pg_database where datname like 'imsctl\_re%'`)
}

// TestReplace restores over a database with settings of its own, first in vain and then for good.
func TestReplace(t *testing.T) {
	server, from := database(t, "replace_from", "")
	if err := testenv.Seed(t.Context(), from, 50); err != nil {
		t.Fatal(err)
	}
	text, reading := dump(t, newSource(t, from, nil))
	server.Exec(t, "postgres", "create role replace_owner; create role replace_reader")
	_, over := database(t, "replace_over", `create table old as select 1 as n; comment on database replace_over is 'it''s ours'; alter database replace_over set search_path = "$user", stock;
		alter role replace_reader in database replace_over set work_mem = '7MB'; revoke all on database replace_over from public;
		grant connect on database replace_over to replace_reader; alter database replace_over connection limit 17; alter database replace_over owner to replace_owner`)
	target := providers.Target{Location: over}
	before := fingerprint(t, over)
	unchanged := func(what string) {
		t.Helper()
		if difference := cmp.Diff(before, fingerprint(t, over)); difference != "" || onTheWay(t) != "" {
			t.Errorf("%s changed something: %s\n%s", what, onTheWay(t), difference)
		}
	}
	var occupied *providers.OccupiedError
	if _, err := restoreTo(t, target, text); !errors.As(err, &occupied) || len(occupied.Holds) == 0 {
		t.Fatalf("got %v", err)
	}
	unchanged("a refused restore")
	target.Overwrite = true
	_, err := restoreTo(t, target, text+"\nselect * from missing;\n")
	wantError(t, err, `"missing" does not exist`, "as it was before")
	unchanged("a failed restore")
	target.RowCounts = map[string]int64{"public.products": 51, "stock.movements": 100, `public."Odd ""Name"`: 2}
	_, err = restoreTo(t, target, text)
	wantError(t, err, "public.products has 50 rows, and 51 were backed up", `public."Odd ""Name" has 3 rows, and 2 were`)
	unchanged("a restore with other counts")

	user, err := pgx.Connect(t.Context(), over+"&application_name=shop")
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close(t.Context())
	target.RowCounts = reading.RowCounts
	_, err = restoreTo(t, target, text)
	wantError(t, err, "has 1 session of others (shop as postgres)", "-force")
	target.Force = true
	restored, err := restoreTo(t, target, text)
	if err != nil {
		t.Fatal(err)
	}
	if len(restored.Warnings) > 0 || !strings.Contains(strings.Join(restored.Notes, "\n"), "the rows of 4 tables are as many") {
		t.Errorf("it says %+v", restored)
	}
	if left := onTheWay(t); left != "" {
		t.Errorf("left: %s", left)
	}
	const about = `select pg_get_userbyid(datdba) || ' ' || datconnlimit || ' ' || datacl::text || ' ' || shobj_description(d.oid, 'pg_database') || ' ' ||
		(select string_agg(setrole::regrole::text || setconfig::text, ' ' order by setrole) from pg_db_role_setting where setdatabase = d.oid)
		from pg_database d where datname = 'replace_over'`
	want := `replace_owner 17 {replace_owner=CTc/replace_owner,replace_reader=c/replace_owner} it's ours -{"search_path=\"$user\", stock"} replace_reader{work_mem=7MB}`
	if got := ask(t, over, about); got != want {
		t.Errorf("the database is\n%s\nwant\n%s", got, want)
	}
	server.Exec(t, "postgres", "alter database replace_over reset all")
	same(t, from, over)
}

// TestReplaceKeepsTheOldOne when the bytes turn out to be damaged at the very end.
func TestReplaceKeepsTheOldOne(t *testing.T) {
	_, from := database(t, "damaged_from", "create table new as select n from generate_series(1, 10) n")
	text, _ := dump(t, newSource(t, from, nil))
	_, over := database(t, "damaged_over", "create table old as select 1 as n")
	before := fingerprint(t, over)
	restorer, err := postgres.Provider().Restore(environment(), providers.Target{Kind: providers.TargetPostgres, Location: over, Overwrite: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := restorer.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	damage := errors.New("damage")
	_, err = restorer.Restore(t.Context(), io.MultiReader(strings.NewReader(text), iotest.ErrReader(damage)))
	wantError(t, err, "damage")
	if difference := cmp.Diff(before, fingerprint(t, over)); difference != "" || onTheWay(t) != "" {
		t.Errorf("it changed (%s):\n%s", onTheWay(t), difference)
	}
}

// customDump is a dump as an archive.
func customDump(t *testing.T, url string) string {
	t.Helper()
	archive, _ := dump(t, newSource(t, url, custom))
	return archive
}

// TestParts restores tables and schemas out of a dump, as text and as an archive.
func TestParts(t *testing.T) {
	server, from := database(t, "parts_from", `create schema other; create function other.double(int) returns int language sql immutable as 'select 2 * $1';
		create table other.bare (n int); insert into other.bare values (1), (2)`)
	if err := testenv.Seed(t.Context(), from, 20); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, "parts_from", `create role parts_reader; grant select on products to parts_reader; create table products_too (n serial primary key, check (n > 0));
		insert into products_too default values; create table events (id int generated by default as identity, at int) partition by range (at);
		create table events_1 partition of events for values from (0) to (10); insert into events (at) values (1), (2);
		create trigger t before update on audit_log for each row execute function suppress_redundant_updates_trigger();
		comment on column audit_log.entry is 'what'; comment on trigger t on audit_log is 'why'`)
	text, reading := dump(t, newSource(t, from, nil))
	const describe = `select coalesce(string_agg(what, ', ' order by what), '') from (
		select n.nspname || '.' || relname as what from pg_class c join pg_namespace n on n.oid = relnamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
		union all select 'trigger ' || tgname from pg_trigger where not tgisinternal
		union all select 'comment ' || description from pg_description where objoid >= 16384 and description in ('what', 'why')
		union all select 'constraint ' || conname from pg_constraint where connamespace >= 16384 or connamespace = 'public'::regnamespace
		union all select 'function ' || proname from pg_proc where pronamespace >= 16384) found`
	for _, test := range []struct {
		name    string
		tables  []string
		schemas []string
		want    string
	}{
		{"a table with its index, trigger and comments", []string{"audit_log"}, nil,
			"comment what, comment why, constraint audit_log_pkey, public.audit_log, public.audit_log_pkey, trigger t"},
		{"a table with a name that others begin with, and its sequence", []string{"public.products_too"}, nil,
			"constraint products_too_n_check, constraint products_too_pkey, public.products_too, public.products_too_n_seq, public.products_too_pkey"},
		{"an odd name", []string{`"Odd ""Name"`}, nil, `public.Odd "Name`},
		{"a schema", nil, []string{"other"}, "function double, other.bare"},
		{"a table of a schema that is not there", []string{"other.bare"}, nil, "other.bare"},
		{"a partitioned table with a partition", []string{"events", "events_1"}, nil, "public.events, public.events_1, public.events_id_seq"},
	} {
		for form, dump := range map[string]string{"text": text, "archive": customDump(t, from)} {
			t.Run(test.name+" "+form, func(t *testing.T) {
				defer server.Exec(t, "postgres", "drop database if exists parts_to")
				target := providers.Target{Location: server.URL("postgres"), Database: "parts_to", Tables: test.tables, Schemas: test.schemas, RowCounts: reading.RowCounts}
				if _, err := restoreTo(t, target, dump); err != nil {
					t.Fatal(err)
				}
				if got := ask(t, server.URL("parts_to"), describe); got != test.want {
					t.Errorf("there is\n%s\nwant\n%s", got, test.want)
				}
			})
		}
	}
	for _, test := range []struct {
		tables, schemas []string
		want            string
	}{
		{[]string{"product"}, nil, `no table "product"; did you mean products, products_too`},
		{[]string{"stock.movement"}, nil, `did you mean stock.movements`},
		{nil, []string{"stok"}, `no schema "stok"; did you mean stock?`},
	} {
		_, err := restoreTo(t, providers.Target{Location: server.URL("parts_none"), Tables: test.tables, Schemas: test.schemas}, text)
		wantError(t, err, test.want, "as it was before")
	}
	if exists(t, "parts_none") {
		t.Error("a database was made for nothing")
	}
}

// TestPartsOverOthers restores a table and a schema over what has changed since.
func TestPartsOverOthers(t *testing.T) {
	server, from := database(t, "over_parts", "")
	if err := testenv.Seed(t.Context(), from, 20); err != nil {
		t.Fatal(err)
	}
	text, reading := dump(t, newSource(t, from, nil))
	before := fingerprint(t, from)
	server.Exec(t, "over_parts", `delete from stock.movements where id < 10; alter table stock.movements add column extra int; drop index stock.movements_at; delete from audit_log`)
	restoreParts := func(change func(*providers.Target)) error {
		target := providers.Target{Location: from, RowCounts: reading.RowCounts}
		change(&target)
		_, err := restoreTo(t, target, text)
		return err
	}
	wantError(t, restoreParts(func(t *providers.Target) { t.Tables = []string{"audit_log"} }), "public.audit_log", "not empty")
	if err := restoreParts(func(t *providers.Target) { t.Tables, t.Overwrite = []string{"audit_log"}, true }); err != nil {
		t.Fatal(err)
	}
	wantError(t, restoreParts(func(t *providers.Target) { t.Tables, t.Overwrite = []string{"products"}, true }), "depend", "as it was before")
	wantError(t, restoreParts(func(t *providers.Target) { t.Schemas, t.Overwrite = []string{"public"}, true }), "movements", "as it was before")
	stock := func(t *providers.Target) { t.Schemas, t.Overwrite = []string{"stock"}, true }
	wantError(t, restoreParts(stock), "materialized view public.totals", "outside", "as it was before")
	server.Exec(t, "over_parts", "drop materialized view totals")
	if err := restoreParts(stock); err != nil {
		t.Fatal(err)
	}
	if err := restoreParts(func(t *providers.Target) { t.Tables = []string{"totals"} }); err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(before, fingerprint(t, from)); difference != "" {
		t.Errorf("the database differs (-before +after):\n%s", difference)
	}
}

// TestMissing restores dumps that need what the server does not have.
func TestMissing(t *testing.T) {
	server, from := database(t, "missing_from", "create role missing_owner; create role \"missing Reader\"; create table things as select 1 as n; create table more as select 2 as n")
	server.Exec(t, "missing_from", `alter table things owner to missing_owner; grant select on more to "missing Reader", missing_owner`)
	text, _ := dump(t, newSource(t, from, nil))
	server.Exec(t, "missing_from", `drop owned by "missing Reader"; drop owned by missing_owner; drop role "missing Reader"; drop role missing_owner`)
	restoreInto := func(change func(*providers.Target), dump string) error {
		target := providers.Target{Location: server.URL("missing_to")}
		change(&target)
		_, err := restoreTo(t, target, dump)
		return err
	}
	wantError(t, restoreInto(func(*providers.Target) {}, text), `CREATE ROLE "missing_owner";`, "-no-owner", "as it was before")
	wantError(t, restoreInto(func(t *providers.Target) { t.NoOwner = true }, text), `CREATE ROLE "missing Reader"; CREATE ROLE "missing_owner";`, "as it was before")
	if exists(t, "missing_to") {
		t.Error("the database is there")
	}
	extension := strings.Replace(text, "SET default_tablespace", "--\n-- Name: vector; Type: EXTENSION; Schema: -; Owner: -\n--\n\nCREATE EXTENSION vector;\n\nSET default_tablespace", 1)
	wantError(t, restoreInto(func(t *providers.Target) { t.NoOwner = true }, extension), "needs the extensions vector", "as it was before")
	newer := strings.Replace(text, "-- Dumped by pg_dump version 1", "-- Dumped by pg_dump version 91", 1)
	newer = strings.Replace(newer, "SET default_tablespace", "new syntax;\nSET default_tablespace", 1)
	wantError(t, restoreInto(func(t *providers.Target) { t.NoOwner, t.NoPrivileges = true, true }, newer), "made by pg_dump 91", "of version 91", "or later")
	if err := restoreInto(func(t *providers.Target) { t.NoOwner, t.NoPrivileges = true, true }, text); err != nil {
		t.Fatal(err)
	}
}

// TestRestoreInAContainer restores through programs in a container: into a new database, over one, and a part.
func TestRestoreInAContainer(t *testing.T) {
	server, from := database(t, "contained_restore", "")
	if err := testenv.Seed(t.Context(), from, 30); err != nil {
		t.Fatal(err)
	}
	text, reading := dump(t, newSource(t, from, nil))
	world := environment()
	world.Containers = func(providers.Host) (providers.Containers, error) { return newEngine(t, server), nil }
	restoreInside := func(change func(*providers.Target)) error {
		target := providers.Target{Kind: providers.TargetPostgres, Container: "ims_postgres", User: "postgres", Database: "contained_to", RowCounts: reading.RowCounts}
		change(&target)
		restorer, err := postgres.Provider().Restore(world, target)
		if err == nil {
			err = restorer.Prepare(t.Context())
		}
		if err == nil {
			_, err = restorer.Restore(t.Context(), bytes.NewReader([]byte(text)))
		}
		return err
	}
	if err := restoreInside(func(*providers.Target) {}); err != nil {
		t.Fatal(err)
	}
	same(t, from, server.URL("contained_to"))
	server.Exec(t, "contained_to", "delete from audit_log; drop table stock.movements cascade")
	wantError(t, restoreInside(func(*providers.Target) {}), "not empty")
	if err := restoreInside(func(t *providers.Target) { t.Tables, t.Overwrite = []string{"audit_log"}, true }); err != nil {
		t.Fatal(err)
	}
	if err := restoreInside(func(t *providers.Target) { t.Overwrite = true }); err != nil {
		t.Fatal(err)
	}
	same(t, from, server.URL("contained_to"))
	wantError(t, restoreInside(func(t *providers.Target) { t.User = "nobody_here" }), "nobody_here")
	wantError(t, restoreInside(func(t *providers.Target) { t.Container = "postgres" }), "no such container")
}
