package postgres_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// needy is a database with a role of its own for everything that a dump can name a role for, and things that no dump has.
const needy = `
	create role needs_owner; create role needs_view; create role needs_reader; create role needs_column; create role needs_policy; create role needs_giver;
	create role needs_defaults; create role needs_default_reader; create role needs_schema; create role needs_function; create role needs_system;
	create role needs_mapping; create role needs_temporary; create role needs_extension; create role needs_idle login; create role needs_other; create role needs_late;
	create table things (n int, m int); alter table things owner to needs_owner;
	grant select on things to needs_giver with grant option;
	set role needs_giver; grant select on things to needs_reader; reset role;
	create table others (n int); grant select (n) on others to needs_column;
	create policy p on others to needs_policy using (true);
	create schema shop; alter schema shop owner to needs_schema;
	create function shop.double(int) returns int language sql as 'select 2 * $1'; grant execute on function shop.double to needs_function;
	create view shop.seen as select 1 as n; alter view shop.seen owner to needs_view;
	create publication late for table others; alter publication late owner to needs_late;
	alter default privileges for role needs_defaults in schema shop grant select on tables to needs_default_reader;
	grant select on pg_catalog.pg_statistic to needs_system;
	create extension citext; create function ours(int) returns int language sql as 'select 1'; alter function ours owner to needs_extension; alter extension citext add function ours(int);
	create extension file_fdw; create server s foreign data wrapper file_fdw; create user mapping for needs_mapping server s;
	create temporary table passing (n int); grant all on passing to needs_temporary;
	grant connect on database needs_from to needs_idle;`

// TestNeeds holds that what a dump needs is what it names.
func TestNeeds(t *testing.T) {
	server, from := database(t, "needs_from", "")
	server.Exec(t, "needs_from", needy)
	named := regexp.MustCompile(`\bneeds_[a-z_]+\b`)
	for _, test := range []struct {
		name   string
		change func(*postgres.Config)
		// some is set where not all is dumped, and so no extension.
		some bool
	}{
		{"all", nil, false},
		{"uncounted", func(c *postgres.Config) { c.RowCounts = false }, false},
		{"parallel", func(c *postgres.Config) { c.Parallel = 2 }, false},
		{"without owners", func(c *postgres.Config) { c.NoOwner = true }, false},
		{"without privileges", func(c *postgres.Config) { c.NoPrivileges = true }, false},
		{"a table", func(c *postgres.Config) { c.Tables = []string{"things"} }, true},
		{"a view and a table", func(c *postgres.Config) { c.Tables = []string{"shop.*", "others"} }, true},
		{"but a table", func(c *postgres.Config) { c.ExcludeTables = []string{"others"} }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			text, reading := dump(t, newSource(t, from, test.change))
			needs := reading.Needs
			want := make(map[string]bool)
			for _, line := range strings.Split(text, "\n") {
				if strings.HasPrefix(line, "--") {
					continue
				}
				for _, name := range named.FindAllString(line, -1) {
					want[name] = true
				}
			}
			if difference := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Compact(slices.Sorted(slices.Values(slices.Concat(needs.Owners, needs.Grantees, needs.Roles))))); difference != "" {
				t.Errorf("the roles that are needed are not those of the dump (-dump +needs):\n%s", difference)
			}
			extensions := []string{"citext", "file_fdw"}
			if test.some {
				extensions = nil
			}
			if difference := cmp.Diff(extensions, needs.Extensions); difference != "" {
				t.Error(difference)
			}
		})
	}
	_, reading := dump(t, newSource(t, from, func(c *postgres.Config) { c.Globals = true }))
	if n := reading.Needs; len(n.Extensions) != 2 || len(n.Owners)+len(n.Grantees)+len(n.Roles) > 0 {
		t.Errorf("a dump that makes the roles needs %+v", n)
	}
	if _, reading = dump(t, newSource(t, from, custom)); len(reading.Needs.Owners) == 0 || len(reading.Needs.Grantees) == 0 {
		t.Errorf("an archive needs %+v", reading.Needs)
	}
}

// TestNeedsAreMissing has a restore say all that a server lacks before the dump is read.
func TestNeedsAreMissing(t *testing.T) {
	server, _ := database(t, "needs_there", "create role needs_known")
	needs := &providers.Needs{Extensions: []string{"plpgsql", "vector"}, Owners: []string{"needs_gone", "needs_known"}, Grantees: []string{"needs_Reader", "needs_gone"}, Roles: []string{"needs_clerk"}}
	check := func(change func(*providers.Target)) error {
		target := providers.Target{Kind: providers.TargetPostgres, Location: server.URL("needs_missing"), Needs: needs}
		change(&target)
		restorer, err := postgres.Provider().Restore(environment(), target)
		if err != nil {
			t.Fatal(err)
		}
		return restorer.Prepare(t.Context())
	}
	wantError(t, check(func(*providers.Target) {}), "needs the extensions vector,", `CREATE ROLE "needs_Reader"; CREATE ROLE "needs_clerk"; CREATE ROLE "needs_gone";`,
		"(-no-owner -no-privileges; but needs_clerk must be there)")
	wantError(t, check(func(t *providers.Target) { t.Location = server.URL("needs_there") }), "needs the extensions vector,", "needs_gone")
	wantError(t, check(func(t *providers.Target) { t.NoOwner, t.NoPrivileges = true, true }), `(CREATE ROLE "needs_clerk";)`)
	needs = &providers.Needs{Owners: needs.Owners}
	wantError(t, check(func(*providers.Target) {}), `make them (CREATE ROLE "needs_gone";), or restore without them (-no-owner)`)
	if err := check(func(t *providers.Target) { t.NoOwner = true }); err != nil {
		t.Error(err)
	}
	if err := check(func(t *providers.Target) { t.Tables = []string{"things"} }); err != nil {
		t.Errorf("for a part: %v", err)
	}
	if exists(t, "needs_missing") {
		t.Error("the database is there")
	}
}
