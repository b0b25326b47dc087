package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// menagerie is what copies of rows can go wrong with, beside what the zoo has. The table large is cut into ranges, and its dump into blocks.
const menagerie = `
	create table large (id bigint generated always as identity primary key, text text, rest int);
	insert into large (text, rest) select md5(n::text) || repeat('x', 60), n % 7 from generate_series(1, 250000) n;
	delete from large where rest = 3;
	create index on large (rest);
	create table bloated as select n, repeat('y', 800) as text from generate_series(1, 20000) n;
	delete from bloated;
	create table odd ("A ""b""" int, "select" text, dropped int, b bytea, j jsonb, a text[], i interval, d date, f float8, g float4, x xml, r regclass, m money, n numeric);
	alter table odd drop column dropped;
	insert into odd ("A ""b""") values (null);
	insert into odd values (1, E'\\.', '\x00ff0a5c', '{"a": "\\\\ \n"}', array['a,b', null, E'tab\t', '\N'], '-1 mon 3 days -04:05:06', '0044-03-15 BC',
		1e-300, 'NaN', '<a>b</a>', 'large', 12.5, 'NaN'), (2, E'line\nbreak\r\n\b\f\v\ttab \\N "', '', 'null', '{}', 'P1Y', 'infinity', 0.1, 0.3, null, null, null, 1e40);
	insert into odd ("select") select repeat(chr(10), 6000000);
	create table numbers (n serial, twice int generated always as (n * 2) stored, other text);
	insert into numbers (other) select 'o' from generate_series(1, 50);
	alter table numbers add primary key (n);
	create table refers (n int references numbers);
	insert into refers select 1 + n % 50 from generate_series(1, 500) n;
	create table only_generated (n int generated always as (1) stored);
	insert into only_generated default values;
	alter table large enable row level security;
	comment on table large is 'it is';
	insert into empty select from generate_series(1, 3);
	select lo_from_bytea(4711, decode(repeat('00ff5c27', 300000), 'hex')), lo_from_bytea(4712, '');
	select setval('a_sequence', 77);
	refresh materialized view a_matview;`

var restrictKey = regexp.MustCompile(`(?m)^\\(un)?restrict .*$`)

// plainDump is what pg_dump says of a database, without what differs from one run to the next.
func plainDump(t *testing.T, url string) []string {
	t.Helper()
	output, err := exec.Command(testenv.Need(t, "pg_dump"), "--no-password", "--dbname="+url).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(restrictKey.ReplaceAllString(string(output), ""), "\n")
}

// parallelOf asks for parallel copies.
func parallelOf(n int) func(*postgres.Config) {
	return func(c *postgres.Config) { c.Parallel = n }
}

// sessionsEnd waits for the end of a run's sessions: that of a pg_dump that ended well is there for a moment.
func sessionsEnd(t *testing.T, url string) {
	t.Helper()
	eventually(t, "the end of all sessions", func() bool {
		return ask(t, url, "select count(*)::text from pg_stat_activity where application_name = left($1, 63)", runName(t)) == "0"
	})
	nothingLeft(t, url, runName(t))
}

func TestParallelRoundTrip(t *testing.T) {
	server, from := database(t, "parallel", "")
	server.Exec(t, "parallel", zoo)
	server.Exec(t, "parallel", menagerie)
	source := newSource(t, from, parallelOf(3))
	if _, err := source.Inspect(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, reading := dump(t, source)
	sessionsEnd(t, server.URL("postgres"))
	_, ordinary := dump(t, newSource(t, from, nil))
	if difference := cmp.Diff(ordinary.RowCounts, reading.RowCounts); difference != "" || len(reading.Warnings) > 0 {
		t.Errorf("the counts differ from those of an ordinary dump (-ordinary +parallel), warnings %q:\n%s", reading.Warnings, difference)
	}
	format := source.Format()
	if !strings.Contains(text[:providers.HeaderWindow], string(format.Headers[0])) {
		t.Error("the dump does not begin with its header")
	}
	if tail := text[len(text)-providers.TrailerWindow:]; !strings.Contains(tail, string(format.Trailer)) || strings.Count(text, string(format.Trailer)) != 1 {
		t.Error("the end mark is not at the end alone")
	}
	if sections := strings.Count(text, "\nCOPY public.large "); sections < 3 {
		t.Errorf("the large table is in %d sections", sections)
	}
	want := plainDump(t, from)
	t.Run("imsctl", func(t *testing.T) {
		restore(t, server.URL("parallel_restored"), text)
		same(t, from, server.URL("parallel_restored"))
		sameDump(t, want, plainDump(t, server.URL("parallel_restored")))
	})
	t.Run("psql", func(t *testing.T) {
		server.CreateDatabase(t, "parallel_psql")
		command := exec.Command(testenv.Need(t, "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname="+server.URL("parallel_psql"))
		command.Stdin = strings.NewReader(text)
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		same(t, from, server.URL("parallel_psql"))
	})
	t.Run("one table", func(t *testing.T) {
		restorer, err := postgres.Provider().Restore(environment(), providers.Target{Kind: providers.TargetPostgres,
			Location: server.URL("parallel_one"), Tables: []string{"public.large"}, RowCounts: reading.RowCounts})
		if err == nil {
			err = restorer.Prepare(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		restored, err := restorer.Restore(t.Context(), strings.NewReader(text))
		if err != nil || len(restored.Notes) != 1 {
			t.Fatalf("%v, %v", restored, err)
		}
		const sum = "select count(*) || ' ' || sum(hashtextextended(t::text, 0)) from large t"
		if a, b := ask(t, from, sum), ask(t, server.URL("parallel_one"), sum); a != b {
			t.Errorf("%s became %s", a, b)
		}
	})
}

// TestParallelClean has a dump drop what is there: nothing, what it was made of, and what has changed since.
func TestParallelClean(t *testing.T) {
	server, from := database(t, "parallel_clean", "")
	server.Exec(t, "parallel_clean", zoo)
	server.Exec(t, "parallel_clean", menagerie)
	text, reading := dump(t, newSource(t, from, func(c *postgres.Config) { c.Parallel, c.Clean, c.IfExists = 3, true, true }))
	if len(reading.Warnings) > 0 || !strings.Contains(text[:providers.HeaderWindow], "-- PostgreSQL database dump\n") {
		t.Errorf("warnings %q, and it begins with %.200q", reading.Warnings, text)
	}
	want := plainDump(t, from)
	server.CreateDatabase(t, "parallel_cleaned")
	to := server.URL("parallel_cleaned")
	for _, change := range []string{"select 1", "select 1", "drop table refers; alter table large add column more int; delete from numbers; create index on bloated (n)"} {
		server.Exec(t, "parallel_cleaned", change)
		command := exec.Command(testenv.Need(t, "psql"), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--dbname="+to)
		command.Stdin = strings.NewReader(text)
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("after %s: %v: %s", change, err, output)
		}
		same(t, from, to)
		sameDump(t, want, plainDump(t, to))
	}
	restore(t, server.URL("parallel_clean_new"), text)
	same(t, from, server.URL("parallel_clean_new"))
	_, err := restoreTo(t, providers.Target{Location: server.URL("parallel_clean_one"), Tables: []string{"numbers"}, RowCounts: reading.RowCounts}, text)
	if err != nil {
		t.Error(err)
	}
}

// sameDump compares dumps whose rows may be in another order: a portion of a table is not where it was.
func sameDump(t *testing.T, want, got []string) {
	t.Helper()
	slices.Sort(want)
	slices.Sort(got)
	if difference := cmp.Diff(strings.Join(want, "\n"), strings.Join(got, "\n")); difference != "" {
		t.Errorf("the dumps differ (-original +restored): %.2000s", difference)
	}
}

// TestParallelHashOfEnumeration has partitions that another database divides otherwise: pg_dump knows how to copy them.
func TestParallelHashOfEnumeration(t *testing.T) {
	server, from := database(t, "parallel_moods", `
		create type mood as enum ('sad', 'glad');
		create table moods (m mood, n int) partition by hash (m);
		create table moods_0 partition of moods for values with (modulus 2, remainder 0);
		create table moods_1 partition of moods for values with (modulus 2, remainder 1);
		insert into moods select (array['sad', 'glad']::mood[])[1 + n % 2], n from generate_series(1, 100) n;`)
	text, _ := dump(t, newSource(t, from, parallelOf(2)))
	restore(t, server.URL("parallel_moods_restored"), text)
	const sum = "select count(*) || ' ' || sum(hashtextextended(t::text, 0)) from moods t"
	if a, b := ask(t, from, sum), ask(t, server.URL("parallel_moods_restored"), sum); a != b {
		t.Errorf("%s became %s", a, b)
	}
}

func TestParallelChoosesTables(t *testing.T) {
	_, from := database(t, "parallel_choice", zoo+extensions)
	for i, config := range []postgres.Config{
		{Tables: []string{"*"}, ExcludeTables: []string{"ml_*", "events"}},
		{Tables: []string{`"Other.Schema".*`, "generated", "a_view", "ml_*"}, NoOwner: true},
		{ExcludeTables: []string{`"with.dot"`, "child"}, Globals: true},
		{Tables: []string{"a_view", "ml_models", "a_sequence"}, RowCounts: true},
	} {
		change := func(c *postgres.Config) {
			c.Tables, c.ExcludeTables, c.NoOwner, c.Globals, c.Parallel = config.Tables, config.ExcludeTables, config.NoOwner, config.Globals, 2
			c.RowCounts = true
		}
		text, reading := dump(t, newSource(t, from, change))
		if difference := cmp.Diff(quotedKeys(t, from, reading.RowCounts), copied(text)); difference != "" {
			t.Errorf("%d: the counts are not those of the dump (-counted +dumped):\n%s", i, difference)
		}
		ordinary, _ := dump(t, newSource(t, from, func(c *postgres.Config) { change(c); c.Parallel = 0 }))
		if difference := cmp.Diff(copied(ordinary), copied(text)); difference != "" {
			t.Errorf("%d: other tables are dumped (-ordinary +parallel):\n%s", i, difference)
		}
		if a, b := strings.Contains(ordinary, "OWNER TO"), strings.Contains(text, "OWNER TO"); a != b {
			t.Errorf("%d: owners: %v and %v", i, a, b)
		}
	}
}

func TestParallelWithRoles(t *testing.T) {
	server, from := database(t, "parallel_roles", zoo)
	text, reading := dump(t, newSource(t, from, func(c *postgres.Config) { c.RowCounts, c.Parallel, c.Globals = false, 2, true }))
	if reading.RowCounts != nil || !strings.HasPrefix(text, "--\n-- PostgreSQL database cluster dump") {
		t.Errorf("got %v and %.60q", reading.RowCounts, text)
	}
	server.CreateDatabase(t, "parallel_globals")
	restore(t, server.URL("parallel_globals"), text)
	same(t, from, server.URL("parallel_globals"))
}

// atFirst calls something at the first bytes, which are written when the snapshot is there.
func atFirst(to *bytes.Buffer, what func() error) writerFunc {
	begun := false
	return func(p []byte) (int, error) {
		if !begun {
			begun = true
			if err := what(); err != nil {
				return 0, err
			}
		}
		return to.Write(p)
	}
}

const parallelTables = `create table one as select n, md5(n::text) as text from generate_series(1, 300000) n;
	create table two as select n from generate_series(1, 1000) n; create table three (n serial)`

func TestParallelChangesDoNotShow(t *testing.T) {
	server, from := database(t, "parallel_changed", parallelTables)
	before := fingerprint(t, from)
	var output bytes.Buffer
	reading, err := newSource(t, from, parallelOf(2)).Read(t.Context(), runName(t), atFirst(&output, func() error {
		server.Exec(t, "parallel_changed", `update one set text = 'new' where n % 3 = 0; delete from two where n > 10; insert into two values (-1);
			insert into one select n, 'more' from generate_series(1, 100000) n`)
		return nil
	}))
	if err != nil || reading.RowCounts["public.one"] != 300000 || reading.RowCounts["public.two"] != 1000 {
		t.Fatalf("%v, %v", reading, err)
	}
	restore(t, server.URL("parallel_changed_restored"), output.String())
	if difference := cmp.Diff(before, fingerprint(t, server.URL("parallel_changed_restored"))); difference != "" {
		t.Errorf("changes show (-before +restored):\n%s", difference)
	}
}

// TestParallelWorkersKilled ends the sessions that copy, before they do.
func TestParallelWorkersKilled(t *testing.T) {
	server, from := database(t, "parallel_killed", parallelTables)
	var output bytes.Buffer
	_, err := newSource(t, from, parallelOf(2)).Read(t.Context(), runName(t), atFirst(&output, func() error {
		connection, err := pgx.Connect(t.Context(), server.URL("postgres"))
		if err != nil {
			return err
		}
		defer connection.Close(t.Context())
		// The last that a worker asked for is that.
		var killed int
		err = connection.QueryRow(t.Context(), `select count(pg_terminate_backend(pid)) from pg_stat_activity
			where application_name = $1 and state = 'idle in transaction' and query like 'set local lock_timeout%'`, runName(t)).Scan(&killed)
		if err == nil && killed != 2 {
			err = fmt.Errorf("%d sessions were killed", killed)
		}
		return err
	}))
	if err == nil || !strings.Contains(err.Error(), "copying table public.") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(output.String(), "database dump complete") {
		t.Error("the dump looks whole")
	}
	nothingLeft(t, server.URL("postgres"), runName(t))
}

func TestParallelCancelled(t *testing.T) {
	server, from := database(t, "parallel_cancelled", parallelTables)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var output bytes.Buffer
	_, err := newSource(t, from, parallelOf(3)).Read(ctx, runName(t), writerFunc(func(p []byte) (int, error) {
		if bytes.HasPrefix(p, []byte("--\n-- Data for Name: one")) {
			cancel()
		}
		return output.Write(p)
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	nothingLeft(t, server.URL("postgres"), runName(t))
}

// TestParallelProgramFails has a pg_dump that fails in one of the sections.
func TestParallelProgramFails(t *testing.T) {
	server, from := database(t, "parallel_fails", parallelTables)
	real := testenv.Need(t, "pg_dump")
	for _, section := range []string{"pre-data", "data", "post-data"} {
		t.Run(section, func(t *testing.T) {
			script(t, "pg_dump", `case "$*" in *--section=`+section+`*) "`+real+`" "$@"; echo broken on purpose >&2; exit 3;; esac; exec "`+real+`" "$@"`)
			var output bytes.Buffer
			_, err := newSource(t, from, parallelOf(2)).Read(t.Context(), runName(t), &output)
			if err == nil || !strings.Contains(err.Error(), "broken on purpose") {
				t.Errorf("got %v", err)
			}
			if strings.Contains(output.String(), "database dump complete") {
				t.Error("the dump looks whole")
			}
			nothingLeft(t, server.URL("postgres"), runName(t))
		})
	}
}

// TestParallelManyTables has more tables than pg_dump's command line can name: it copies the smallest itself.
func TestParallelManyTables(t *testing.T) {
	server, from := database(t, "parallel_many", `do $$ begin for i in 1..750 loop
		execute format('create table %I as select n from generate_series(1, %s) n', lpad(i::text, 60, 'long''name'), i % 300); end loop; end $$`)
	text, reading := dump(t, newSource(t, from, parallelOf(2)))
	if difference := cmp.Diff(quotedKeys(t, from, reading.RowCounts), copied(text)); difference != "" || len(reading.RowCounts) != 750 {
		t.Errorf("the counts are not those of the dump (-counted +dumped):\n%s", difference)
	}
	restore(t, server.URL("parallel_many_restored"), text)
	same(t, from, server.URL("parallel_many_restored"))
}

// TestParallelLockedOut has a session that waits to change a table when pg_dump comes to lock it: the dump is then an ordinary one.
func TestParallelLockedOut(t *testing.T) {
	server, from := database(t, "parallel_locked", "create table things as select n from generate_series(1, 100) n")
	psql := `env PGAPPNAME=other "` + testenv.Need(t, "psql") + `" --no-psqlrc -At --dbname="` + from + `"`
	script(t, "pg_dump", `case "$*" in *--section=data*)
`+psql+` -c "begin; lock table things; commit" </dev/null >/dev/null 2>&1 &
until [ "$(`+psql+` -c "select count(*) from pg_locks where not granted and relation = 'things'::regclass")" != 0 ]; do sleep 0.05; done
esac
exec "`+testenv.Need(t, "pg_dump")+`" "$@"`)
	text, reading := dump(t, newSource(t, from, parallelOf(2)))
	if len(reading.Warnings) != 1 || reading.RowCounts != nil || copied(text)["public.things"] != 100 {
		t.Errorf("got %v and %v", reading, copied(text))
	}
	sessionsEnd(t, server.URL("postgres"))
}

func TestParallelEncoding(t *testing.T) {
	server, _ := database(t, "postgres_unused", "")
	server.Exec(t, "postgres", "create database latin template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'")
	if _, err := newSource(t, server.URL("latin"), parallelOf(2)).Inspect(t.Context()); err == nil || !strings.Contains(err.Error(), "LATIN1") {
		t.Errorf("got %v", err)
	}
}
