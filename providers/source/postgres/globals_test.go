package postgres_test

import (
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// people are roles of every kind, under names that quoting and splitting could get wrong.
const people = `
	create role people_staff; comment on role people_staff is 'it''s
 two; lines -- not a comment $globals$';
	create role people_clerk login password 'x' in role people_staff valid until '2030-01-01' connection limit 3;
	create role "People "" GRANTED BY x;"; grant people_clerk to "People "" GRANTED BY x;" with admin option;
	create role "people TABLESPACE x"; grant people_staff to "people TABLESPACE x";
	alter role people_clerk set search_path = 'a', 'b;c'; grant set on parameter work_mem to people_clerk;`

// describePeople is everything that the server knows of them.
const describePeople = `select string_agg(line, E'\n' order by line) from (
	select rolname || ' ' || rolcanlogin || rolsuper || rolconnlimit || coalesce(rolpassword, '') || coalesce(rolvaliduntil::text, '') || coalesce(shobj_description(oid, 'pg_authid'), '') as line
		from pg_authid where rolname ilike 'people%'
	union all select roleid::regrole || ' has ' || member::regrole || admin_option from pg_auth_members where roleid::regrole::text ilike '%people%'
	union all select setrole::regrole || ' sets ' || setconfig::text from pg_db_role_setting where setrole::regrole::text like '%people%'
	union all select parname || ' ' || paracl::text from pg_parameter_acl) lines`

func TestGlobals(t *testing.T) {
	server, from := database(t, "globals_from", "")
	server.Exec(t, "postgres", people)
	server.Exec(t, "globals_from", "create table things as select n from generate_series(1, 10) n; alter table things owner to people_clerk; grant select on things to people_staff")
	server.Exec(t, "postgres", "alter role postgres set allow_in_place_tablespaces = on")
	server.Exec(t, "postgres", "create tablespace people_space location ''")
	defer server.Exec(t, "postgres", "drop tablespace people_space")
	server.Exec(t, "postgres", "alter role postgres reset all")
	source := newSource(t, from, func(c *postgres.Config) { c.Globals = true })
	text, reading := dump(t, source)
	if head, header := text[:1024], string(source.Format().Headers[0]); !strings.Contains(head, header) {
		t.Errorf("the dump does not begin with %q", header)
	}
	if tail := text[len(text)-1024:]; !strings.Contains(tail, string(source.Format().Trailer)) {
		t.Error("the dump does not end with its end marker")
	}
	if len(reading.Warnings) > 0 || reading.RowCounts["public.things"] != 10 {
		t.Errorf("got %v, %q", reading.RowCounts, reading.Warnings)
	}
	if !strings.Contains(text, "\n-- CREATE TABLESPACE people_space ") {
		t.Error("the tablespace is not in the dump as a comment")
	}
	before := ask(t, from, describePeople)

	// The roles are there: they stay as they are, also where they differ.
	server.Exec(t, "postgres", "alter role people_clerk connection limit 7")
	changed := ask(t, from, describePeople)
	restore(t, server.URL("globals_same"), text)
	same(t, from, server.URL("globals_same"))
	if after := ask(t, from, describePeople); after != changed {
		t.Errorf("a restore beside changed the roles:\n%s\nwere\n%s", after, changed)
	}

	for name, put := range map[string]func(*testing.T, *testenv.PostgresServer){
		"imsctl": func(t *testing.T, other *testenv.PostgresServer) { restore(t, other.URL("new"), text) },
		"psql": func(t *testing.T, other *testenv.PostgresServer) {
			other.CreateDatabase(t, "new")
			command := exec.Command(testenv.Need(t, "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", other.URL("new"))
			command.Stdin = strings.NewReader(text)
			if output, err := command.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, output)
			}
		},
	} {
		t.Run(name+" on another server", func(t *testing.T) {
			other := testenv.Postgres(t)
			put(t, other)
			if after := ask(t, other.URL("new"), describePeople); after != before {
				t.Errorf("the roles are\n%s\nand were\n%s", after, before)
			}
			same(t, from, other.URL("new"))
		})
	}
}

func TestGlobalsWithoutPasswords(t *testing.T) {
	server, from := database(t, "globals_plain", "create table things as select 1 as n")
	server.Exec(t, "postgres", "create role modest login password 'modest'; grant pg_read_all_data to modest")
	text, reading := dump(t, newSource(t, with(t, from, func(u *url.URL) { u.User = url.UserPassword("modest", "modest") }),
		func(c *postgres.Config) { c.Globals = true }))
	if len(reading.Warnings) != 1 || !strings.Contains(reading.Warnings[0], "without their passwords") {
		t.Errorf("got the warnings %q", reading.Warnings)
	}
	if !strings.Contains(text, "CREATE ROLE modest;") || strings.Contains(text, "SCRAM-SHA-256") {
		t.Error("the roles are missing, or their passwords are not")
	}
	restore(t, server.URL("globals_plain_new"), text)
}

func TestGlobalsFailing(t *testing.T) {
	server, from := database(t, "globals_failing", "create table things as select 1 as n")
	script(t, "pg_dumpall", `test "$1" = --version && { echo "pg_dumpall (PostgreSQL) 99.1"; exit; }
echo "CREATE ROLE half"; echo "broken on purpose" >&2; exit 1`)
	var written strings.Builder
	_, err := newSource(t, from, func(c *postgres.Config) { c.Globals = true }).Read(t.Context(), runName(t), &written)
	if err == nil || !strings.Contains(err.Error(), "broken on purpose") || written.Len() > 0 {
		t.Errorf("got %v and %q", err, written.String())
	}
	nothingLeft(t, server.URL("postgres"), runName(t))
}
