package postgres_test

import (
	"bytes"
	"errors"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// zoo has a table of every kind there is, under names that patterns could take for something else.
const zoo = `
	create table ml_models as select n from generate_series(1, 3) n;
	create table ml_runs as select n from generate_series(1, 4) n;
	create table mlx (n int);
	create table "Upper" as select 1 as n;
	create table "with.dot" as select n from generate_series(1, 2) n;
	create table "with""quote" as select 1 as n;
	create table "with space" as select 1 as n;
	create table "dollar$sign" as select 1 as n;
	create table "star*" as select 1 as n;
	create table "[]" as select 1 as n;
	create table "plus+" as select 1 as n;
	create table "çedilha" as select 1 as n;
	create table empty ();
	create table "FROM stdin;" as select 1 as n;
	create schema "Other.Schema";
	create table "Other.Schema"."with.dot" as select n from generate_series(1, 5) n;
	create table "Other.Schema".ml_hidden as select 1 as n;
	create schema data;
	create table data.ml_models as select n from generate_series(1, 7) n;
	create table data.pg_like as select 1 as n;
	create table events (n int, at date) partition by range (at);
	create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01');
	create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
	insert into events select n, '2025-06-01'::date + n from generate_series(1, 400) n;
	create table parent (n int);
	create table child () inherits (parent);
	insert into parent values (1); insert into child values (2), (3);
	create unlogged table unlogged as select n from generate_series(1, 6) n;
	create view a_view as select * from ml_models;
	create materialized view a_matview as select * from ml_models;
	create sequence a_sequence;
	create table generated (n int generated always as identity, twice int generated always as (1) stored);
	insert into generated default values;`

// extensions are tables that belong to an extension, one of them with rows that a dump has, and a foreign table.
const extensions = `
	create extension file_fdw;
	create server files foreign data wrapper file_fdw;
	create foreign table foreign_things (n int) server files options (filename '/dev/null');
	create extension citext;
	create table of_extension as select 1 as n;
	alter extension citext add table of_extension;`

// pgDumps is the tables that pg_dump dumps by itself when it is given the same patterns.
func pgDumps(t *testing.T, url string, config postgres.Config) []string {
	t.Helper()
	arguments := []string{"--dbname=" + url, "--no-password"}
	for _, pattern := range config.Tables {
		arguments = append(arguments, "--table="+pattern)
	}
	for _, pattern := range config.ExcludeTables {
		arguments = append(arguments, "--exclude-table="+pattern)
	}
	var complaints bytes.Buffer
	command := exec.Command(testenv.Need(t, "pg_dump"), arguments...)
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("pg_dump %q: %v: %s", arguments[2:], err, complaints.String())
	}
	names := slices.Sorted(maps.Keys(copied(string(output))))
	return slices.DeleteFunc(names, func(name string) bool {
		return strings.HasPrefix(name, "pg_catalog.") || strings.HasPrefix(name, "information_schema.")
	})
}

// quotedKeys turns the keys of counts into the names that SQL has for them.
func quotedKeys(t *testing.T, url string, counts map[string]int64) map[string]int64 {
	t.Helper()
	quoted := make(map[string]int64, len(counts))
	for key, rows := range counts {
		parts := []string{"", ""}
		part, inQuotes := 0, false
		for i := 0; i < len(key); i++ {
			switch {
			case key[i] == '"' && inQuotes && i+1 < len(key) && key[i+1] == '"':
				parts[part] += `"`
				i++
			case key[i] == '"':
				inQuotes = !inQuotes
			case key[i] == '.' && !inQuotes:
				part++
			default:
				parts[part] += key[i : i+1]
			}
		}
		quoted[ask(t, url, "select quote_ident($1) || '.' || quote_ident($2)", parts[0], parts[1])] = rows
	}
	return quoted
}

// TestTablesArePgDumps holds that the tables that are counted are those that pg_dump dumps, and that what is dumped is what
// pg_dump itself would choose, but for the system's tables.
func TestTablesArePgDumps(t *testing.T) {
	_, text := database(t, "zoo", zoo+extensions)
	one := func(patterns ...string) postgres.Config { return postgres.Config{Tables: patterns} }
	for _, config := range []postgres.Config{
		{},
		{ExcludeTables: []string{"ml_*"}}, {ExcludeTables: []string{"*.ml_*", "events"}}, {ExcludeTables: []string{"events_*"}},
		{ExcludeTables: []string{"a_view", "a_sequence", "a_matview", "foreign_things", "of_extension"}},
		one("ml_*"), one("ml_?*"), one("mlx?"), one("ML_Models"), one("Upper", "mlx"), one(`"Upper"`), one(`"U"pper`), one(`"ml_*"`, "mlx"),
		one(`"with.dot"`), one(`"Other.Schema".*`), one(`"Other.Schema"."with.dot"`), one("other*.*"), one(`"Other"*.*`), one(`*."with.dot"`),
		one(`"with""quote"`), one(`"with space"`), one("with space"), one("dollar$sign"), one(`"dollar$sign"`), one("dollar*"), one(`"star*"`), one("star*"),
		one("[]"), one(`"[]"`), one("[m]lx"), one("ml_(models|runs)"), one("mlx|empty"), one("m.x"), one("data.ml_models"), one("data.*"), one("DATA.ML_?odels"),
		one("*"), one("*.*"), one("p*"), one("data.pg_*"), one("plus\\+"), one(`"plus+"`), one("çedilha"), one("?edilha"), one("Ç*", "mlx"), one("\\w+"),
		one("events"), one("events*"), one("events_2025"), one("parent"), one("child"), one("unlogged"), one("empty"), one(`"FROM stdin;"`),
		one("a_view", "mlx"), one("a_matview", "mlx"), one("a_sequence", "mlx"), one("a_*", "mlx"), one("foreign_things", "mlx"), one("of_extension", "mlx"), one("generated"),
		one("ml_models", "ml_*", "data.ml_models"), one("a_view"),
		{Tables: []string{"*"}, ExcludeTables: []string{"ml_*", "events"}}, {Tables: []string{"*.ml_*"}, ExcludeTables: []string{"data.*"}},
	} {
		t.Run(strings.Join(config.Tables, ",")+" but "+strings.Join(config.ExcludeTables, ","), func(t *testing.T) {
			source := newSource(t, text, func(c *postgres.Config) { c.Tables, c.ExcludeTables = config.Tables, config.ExcludeTables })
			var output bytes.Buffer
			reading, err := source.Read(t.Context(), runName(t), &output)
			_, inspected := source.Inspect(t.Context())
			if (err == nil) != (inspected == nil) {
				t.Errorf("Inspect gives %v, Read gives %v", inspected, err)
			}
			if err != nil {
				if len(reading.RowCounts) > 0 || !strings.Contains(err.Error(), "matches the pattern") {
					t.Fatal(err)
				}
				if each := matchesEach(t, text, config); each {
					t.Fatalf("pg_dump finds tables, and we: %v", err)
				}
				return
			}
			counted, dumped := quotedKeys(t, text, reading.RowCounts), copied(output.String())
			if difference := cmp.Diff(counted, dumped); difference != "" {
				t.Errorf("the counts are not those of the dump (-counted +dumped):\n%s", difference)
			}
			if difference := cmp.Diff(pgDumps(t, text, config), slices.Sorted(maps.Keys(dumped))); difference != "" {
				t.Errorf("pg_dump chooses others (-pg_dump +dump):\n%s", difference)
			}
		})
	}
}

// matchesEach reports whether pg_dump finds something of this database for each pattern.
func matchesEach(t *testing.T, url string, config postgres.Config) bool {
	t.Helper()
	for _, pattern := range config.Tables {
		err := exec.Command("pg_dump", "--dbname="+url, "--strict-names", "--schema-only", "--table="+pattern, "--exclude-table=pg_*.*").Run()
		if err != nil {
			return false
		}
	}
	return len(config.Tables) > 0
}

func TestPatternsThatChooseNothing(t *testing.T) {
	_, text := database(t, "nothing", "create table things (n int); create schema other; create table other.hidden (n int)")
	for _, test := range []struct {
		name            string
		tables, exclude []string
		want            string
	}{
		{"no such table", []string{"thing"}, nil, `the pattern "thing"`},
		{"one of two", []string{"things", "no_*"}, nil, `the pattern "no_*"`},
		{"not on the search path", []string{"hidden"}, nil, `the pattern "hidden"`},
		{"folded to lower case", []string{`"Things"`}, nil, "matches the pattern"},
		{"the system's", []string{"pg_class"}, nil, `the pattern "pg_class"`},
		{"the system's, by schema", []string{"pg_catalog.*"}, nil, "matches the pattern"},
		{"excluded nothing", nil, []string{"typo_*"}, `the pattern "typo_*"`},
		{"excluded everything", []string{"things"}, []string{"th*"}, "exclude_tables leaves out everything"},
		{"not an expression", []string{"a("}, nil, `pattern "a("`},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, counts := range []bool{true, false} {
				source := newSource(t, text, func(c *postgres.Config) { c.Tables, c.ExcludeTables, c.RowCounts = test.tables, test.exclude, counts })
				var output bytes.Buffer
				_, inspected := source.Inspect(t.Context())
				_, read := source.Read(t.Context(), runName(t), &output)
				for _, err := range []error{inspected, read} {
					if err == nil || !strings.Contains(err.Error(), test.want) {
						t.Errorf("got %v, want %q", err, test.want)
					}
				}
				if output.Len() > 0 {
					t.Error("something was written")
				}
			}
		})
	}
}

// TestCountsAreThoseOfTheDump has other sessions insert, delete and truncate while a dump is made.
func TestCountsAreThoseOfTheDump(t *testing.T) {
	server, text := database(t, "busy", `create table one as select n, md5(n::text) from generate_series(1, 20000) n;
		create table two as select n from generate_series(1, 20000) n; create table three as select n from generate_series(1, 100) n`)
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		connection, err := pgx.Connect(t.Context(), server.URL("busy"))
		if err != nil {
			stopped <- err
			return
		}
		defer connection.Close(t.Context())
		for n := 0; ; n++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			statement := []string{"insert into one select n, 'new' from generate_series(1, 50) n", "delete from two where n % 97 = 1",
				"insert into two select n from generate_series(1, 70) n", "truncate three", "insert into three select n from generate_series(1, 10) n"}[n%5]
			if _, err := connection.Exec(t.Context(), statement); err != nil {
				stopped <- err
				return
			}
		}
	}()
	for range 8 {
		var output bytes.Buffer
		reading, err := newSource(t, text, nil).Read(t.Context(), runName(t), &output)
		if err != nil {
			t.Error(err)
			break
		}
		if len(reading.Warnings) > 0 {
			// The truncating session came between our lock and that of pg_dump.
			continue
		}
		if difference := cmp.Diff(reading.RowCounts, copied(output.String())); difference != "" {
			t.Errorf("the counts are not those of the dump (-counted +dumped):\n%s", difference)
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestTableDroppedMeanwhile drops a table whose rows are being dumped: that waits for the dump, which has them all.
func TestTableDroppedMeanwhile(t *testing.T) {
	server, text := database(t, "dropped", "create table gone as select n from generate_series(1, 1000) n; create table other as select 1 as n")
	dropped := make(chan error, 1)
	var output bytes.Buffer
	begun := false
	reading, err := newSource(t, text, nil).Read(t.Context(), runName(t), writerFunc(func(p []byte) (int, error) {
		if !begun {
			begun = true
			go func() {
				connection, err := pgx.Connect(t.Context(), server.URL("dropped"))
				if err == nil {
					_, err = connection.Exec(t.Context(), "drop table gone")
					err = errors.Join(err, connection.Close(t.Context()))
				}
				dropped <- err
			}()
		}
		return output.Write(p)
	}))
	if err != nil || reading.RowCounts["public.gone"] != 1000 || copied(output.String())["public.gone"] != 1000 {
		t.Errorf("got %v, %v", reading.RowCounts, err)
	}
	if err := <-dropped; err != nil {
		t.Error(err)
	}
	if _, again := dump(t, newSource(t, text, nil)); len(again.RowCounts) != 1 {
		t.Errorf("afterwards: %v", again.RowCounts)
	}
}
