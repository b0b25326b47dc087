package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// scratchName is a name of this test's own.
func scratchName(t *testing.T, random string) string {
	return providers.ScratchName("lineage", t.Name(), (random + "0123456789abcdef")[:16])
}

func newDriller(t *testing.T, url string, assertions ...string) providers.Driller {
	t.Helper()
	target := providers.DrillTarget{URL: url, Assertions: assertions}
	if problems := postgres.Provider().CheckDrill(target); len(problems) > 0 {
		t.Fatal(problems)
	}
	driller, err := postgres.Provider().Drill(environment(), target)
	if err != nil {
		t.Fatal(err)
	}
	return driller
}

// begin makes a scratch database that is gone when the test ends.
func begin(t *testing.T, driller providers.Driller) (providers.Scratch, string) {
	t.Helper()
	name := scratchName(t, "")
	scratch, err := driller.Begin(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := scratch.Close(ctx); err != nil {
			t.Error(err)
		}
		connection, err := pgx.Connect(ctx, shared.server.URL("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close(ctx)
		var left int
		if err := connection.QueryRow(ctx, "select count(*) from pg_database where datname = $1", name).Scan(&left); err != nil || left != 0 {
			t.Errorf("%s is left: %v", name, err)
		}
	})
	return scratch, name
}

// TestDrill drills what a source dumps, in both formats and with the roles of the server, and compares every table.
func TestDrill(t *testing.T) {
	server, original := database(t, "drilled", "")
	if err := testenv.Seed(t.Context(), original, 50); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*postgres.Config){
		"plain": nil, "custom": custom, "globals": func(c *postgres.Config) { c.Globals = true },
		"clean": func(c *postgres.Config) { c.Clean, c.IfExists = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			text, reading := dump(t, newSource(t, original, change))
			scratch, _ := begin(t, newDriller(t, server.URL(""), "select count(*) = 50 from products"))
			if err := scratch.Restore(t.Context(), strings.NewReader(text)); err != nil {
				t.Fatal(err)
			}
			found, err := scratch.Compare(t.Context(), providers.DrillExpectation{RowCounts: reading.RowCounts})
			if err != nil {
				t.Fatal(err)
			}
			want := providers.Comparison{Tables: 4, Rows: 203, Assertions: 1}
			if diff := cmp.Diff(want, found); diff != "" {
				t.Error(diff)
			}
			if warnings := scratch.Warnings(); len(warnings) > 0 {
				t.Error(warnings)
			}
		})
	}
}

// TestDrillFindsDifferences holds a restored database against counts that are not its own.
func TestDrillFindsDifferences(t *testing.T) {
	server, _ := database(t, "differences", "")
	scratch, _ := begin(t, newDriller(t, server.URL("postgres")))
	if err := scratch.Restore(t.Context(), strings.NewReader("create table a (n int); insert into a values (1), (2);\ncreate table \"b.c\" ();\ncreate table d ();\n")); err != nil {
		t.Fatal(err)
	}
	found, err := scratch.Compare(t.Context(), providers.DrillExpectation{RowCounts: map[string]int64{
		"public.a": 3, `public."b.c"`: 0, "public.gone": 12,
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"public.a has 2 rows, the manifest says 3",
		"public.gone is missing, the manifest says 12 rows",
		"public.d has 0 rows and is not in the manifest",
	}
	if diff := cmp.Diff(want, found.Differences); diff != "" {
		t.Error(diff)
	}
	if found, err = scratch.Compare(t.Context(), providers.DrillExpectation{}); err != nil || len(found.Differences) > 0 || found.Tables > 0 {
		t.Errorf("without counts: %+v, %v", found, err)
	}
	if !strings.Contains(strings.Join(scratch.Warnings(), " "), "no rows were counted") {
		t.Errorf("got %q", scratch.Warnings())
	}
}

// TestAssertions asks queries of every kind that is not an answer.
func TestAssertions(t *testing.T) {
	server, _ := database(t, "asserted", "")
	queries := map[string]string{
		"select true":                         "",
		"select count(*) = 2 from a;":         "",
		"select false":                        "the answer is false",
		"select null::boolean":                "the answer is null",
		"select true where false":             "the answer is no row",
		"select true from a":                  "the answer is more than one row",
		"select 1":                            "the answer is not one boolean",
		"select true, true":                   "the answer is not one boolean",
		"select n from nowhere":               `relation "nowhere" does not exist`,
		"select 1/0 = 1":                      "division by zero",
		"insert into a values (3)":            "cannot execute INSERT in a read-only transaction",
		"select true; drop table a":           "cannot insert multiple commands into a prepared statement",
		"selct":                               `syntax error at or near "selct"`,
		"commit":                              "the answer is not one boolean",
		"select pg_terminate_backend(1) or 1": "argument of OR must be type boolean",
	}
	var asked []string
	for query := range queries {
		asked = append(asked, query)
	}
	scratch, _ := begin(t, newDriller(t, server.URL("postgres"), asked...))
	if err := scratch.Restore(t.Context(), strings.NewReader("create table a (n int); insert into a values (1), (2);\n")); err != nil {
		t.Fatal(err)
	}
	found, err := scratch.Compare(t.Context(), providers.DrillExpectation{})
	if err != nil {
		t.Fatal(err)
	}
	if found.Assertions != len(queries) {
		t.Errorf("%d were asked", found.Assertions)
	}
	all := strings.Join(found.Differences, "\n")
	wrong := 0
	for query, want := range queries {
		if want == "" {
			if strings.Contains(all, "\""+query+"\"") {
				t.Errorf("%s is true:\n%s", query, all)
			}
			continue
		}
		wrong++
		if !strings.Contains(all, "assertion \""+query+"\": "+want) {
			t.Errorf("%s: want %q in\n%s", query, want, all)
		}
	}
	if len(found.Differences) != wrong {
		t.Errorf("%d are wrong, want %d", len(found.Differences), wrong)
	}
}

// TestDrillTellsWhatIsMissing drills dumps that need what the server does not have.
func TestDrillTellsWhatIsMissing(t *testing.T) {
	server, _ := database(t, "missing", "")
	for name, c := range map[string]struct {
		dump, err, warning string
	}{
		"extensions, before anything else fails": {dump: "select 1/0;\n--\n-- Name: of us; Type: EXTENSION; Schema: -; Owner: -\n--\n\nCREATE EXTENSION IF NOT EXISTS \"of us\" WITH SCHEMA public;\n" +
			"--\n-- Name: timetravel; Type: EXTENSION; Schema: -; Owner: -\n--\n\nCREATE EXTENSION IF NOT EXISTS timetravel;\n",
			err: "the dump needs the extensions of us, timetravel, which the server does not have: install them there"},
		"an extension that is missed too late": {dump: "CREATE TABLE a ();\nCREATE EXTENSION late_one;\n", err: "late_one"},
		"an older server":                      {dump: "-- Dumped from database version 99.1 (Debian)\n-- Dumped by pg_dump version 99.1\nselect 1/0;\n", err: "restore to a server of version 99 or later"},
		"roles": {dump: "CREATE TABLE a ();\nALTER TABLE public.a OWNER TO nobody_here;\nGRANT ALL ON TABLE public.a TO \"Odd \"\"One\";\nREVOKE ALL ON TABLE public.a FROM PUBLIC;\n" +
			"ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT SELECT ON TABLES  TO reader;\nSET SESSION AUTHORIZATION 'stranger';\nALTER TABLE public.a OWNER TO postgres;\n",
			warning: `lacks roles that the dump names, so that nothing was given to them: Odd "One, nobody_here, reader, stranger`},
		"a role that a policy is for": {dump: "CREATE TABLE a ();\nCREATE POLICY p ON a TO nobody_here;\n", err: `role "nobody_here" does not exist`},
	} {
		t.Run(name, func(t *testing.T) {
			scratch, _ := begin(t, newDriller(t, server.URL("postgres")))
			err := scratch.Restore(t.Context(), strings.NewReader(c.dump))
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("got %v, want %q", err, c.err)
			}
			if warnings := strings.Join(scratch.Warnings(), "\n"); c.warning == "" && warnings != "" || !strings.Contains(warnings, c.warning) {
				t.Errorf("warned %q, want %q", warnings, c.warning)
			}
		})
	}
}

// TestDrillMakesNoRoles drills a dump that brings a role, which must not outlive the drill.
func TestDrillMakesNoRoles(t *testing.T) {
	server, original := database(t, "with_role", "create role of_the_drill; create table a (); alter table a owner to of_the_drill")
	text, reading := dump(t, newSource(t, original, func(c *postgres.Config) { c.Globals = true }))
	server.Exec(t, "with_role", "drop owned by of_the_drill; drop role of_the_drill")
	scratch, _ := begin(t, newDriller(t, server.URL("postgres")))
	if err := scratch.Restore(t.Context(), strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if found, err := scratch.Compare(t.Context(), providers.DrillExpectation{RowCounts: reading.RowCounts}); err != nil || len(found.Differences) > 0 {
		t.Errorf("got %+v, %v", found, err)
	}
	if !strings.Contains(strings.Join(scratch.Warnings(), " "), "of_the_drill") {
		t.Errorf("warned %q", scratch.Warnings())
	}
	if made := ask(t, server.URL("postgres"), "select count(*) from pg_roles where rolname = 'of_the_drill'"); made != "0" {
		t.Error("the role is there")
	}
}

// TestDrillServerRefuses begins drills that cannot be.
func TestDrillServerRefuses(t *testing.T) {
	server, _ := database(t, "refusing", "create role powerless login password 'none'")
	powerless := with(t, server.URL("postgres"), func(u *url.URL) { u.User = url.UserPassword("powerless", "none") })
	for name, c := range map[string]struct{ url, scratch, want string }{
		"no right to make databases": {powerless, scratchName(t, "a"), "permission denied to create database; give the role that right"},
		"a wrong password":           {strings.Replace(powerless, "none", "other", 1), scratchName(t, "b"), "refuses user"},
		"a database of its own":      {server.URL("nowhere"), scratchName(t, "c"), `has no database "nowhere"`},
		"no server":                  {"postgres://localhost:1", scratchName(t, "d"), "cannot connect"},
		"another name":               {server.URL("postgres"), "refusing", "is not the name of a scratch database"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newDriller(t, c.url).Begin(t.Context(), c.scratch)
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, providers.ErrScratchLeft) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), "none") {
				t.Errorf("the password is shown: %v", err)
			}
			if c.scratch != "refusing" && exists(t, c.scratch) {
				t.Errorf("%s is left", c.scratch)
			}
		})
	}
}

// TestDrillInterrupted gives up a restore and an assertion: nothing is left of the database, which others use.
func TestDrillInterrupted(t *testing.T) {
	server, _ := database(t, "interrupted", "")
	driller := newDriller(t, server.URL("postgres"), "select pg_sleep(3600) is not null")
	name := scratchName(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	scratch, err := driller.Begin(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := scratch.Restore(ctx, strings.NewReader("create table a ();\n")); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := scratch.Compare(ctx, providers.DrillExpectation{})
		ended <- err
	}()
	eventually(t, "the assertion is asked", func() bool {
		return ask(t, server.URL("postgres"), "select count(*) from pg_stat_activity where datname = '"+name+"' and query like '%pg_sleep%'") == "1"
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := scratch.Close(ctx); err != nil {
		t.Error(err)
	}
	if exists(t, name) {
		t.Error("the database is left")
	}
	if _, err := driller.Begin(ctx, name); err == nil || exists(t, name) {
		t.Errorf("a drill that is given up begins: %v", err)
	}
}

// TestDrillLeftovers tells of scratch databases of other runs, leaves them alone, and removes one that it is told to.
func TestDrillLeftovers(t *testing.T) {
	server, _ := database(t, "leftovers", "")
	driller := newDriller(t, server.URL("postgres"))
	other := providers.ScratchName("lineage", "another run", "0123456789abcdef")
	server.CreateDatabase(t, other)
	scratch, name := begin(t, driller)
	if warnings := strings.Join(scratch.Warnings(), " "); !strings.Contains(warnings, other) || strings.Contains(warnings, name) {
		t.Errorf("warned %q", warnings)
	}
	if err := driller.Remove(t.Context(), "leftovers"); err == nil || !exists(t, "leftovers") {
		t.Errorf("got %v", err)
	}
	// It goes although a session uses it, and once more when it is gone.
	if err := scratch.Restore(t.Context(), strings.NewReader("create table a ();\n")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := driller.Remove(t.Context(), other); err != nil {
			t.Error(err)
		}
	}
	if exists(t, other) {
		t.Error("it is left")
	}
}

// TestDrillURLs reaches a server by URLs of several forms.
func TestDrillURLs(t *testing.T) {
	server, _ := database(t, "forms", "")
	for _, form := range []string{server.URL(""), server.URL("forms"), server.SocketURL(""), server.SocketURL("forms"), server.SocketURL("") + "&dbname=forms"} {
		driller := newDriller(t, form)
		name := scratchName(t, "")
		scratch, err := driller.Begin(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := scratch.Restore(t.Context(), strings.NewReader("create table only_in_scratch ();\n")); err != nil {
			t.Error(err)
		}
		if err := scratch.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if exists(t, name) || strings.Contains(driller.Location(), "secret") {
			t.Errorf("%s at %s", name, driller.Location())
		}
	}
	if tables := ask(t, server.URL("forms"), "select count(*) from pg_tables where tablename = 'only_in_scratch'"); tables != "0" {
		t.Error("the drill went into the database of the URL")
	}
}
