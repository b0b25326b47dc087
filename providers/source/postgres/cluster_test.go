package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// TestEveryDatabase lists the databases of a server of its own and dumps each, by URL and in a container.
func TestEveryDatabase(t *testing.T) {
	testenv.Need(t, "pg_dump")
	server := testenv.Postgres(t)
	server.CreateDatabase(t, "ims")
	server.CreateDatabase(t, `Odd "Name"`)
	server.Exec(t, "postgres", "create database a_template is_template true")
	server.Exec(t, "postgres", "create database closed allow_connections false")
	every := func(c *postgres.Config) { c.Database = "*" }
	for name, source := range map[string]providers.Source{
		"url":       newSource(t, server.URL("ims"), every),
		"parallel":  newSource(t, server.URL("ims"), func(c *postgres.Config) { every(c); c.Parallel = 2 }),
		"container": containedSource(t, newEngine(t, server), "", every),
	} {
		t.Run(name, func(t *testing.T) {
			group, ok := source.(providers.Group)
			if !ok {
				t.Fatalf("%T is no group", source)
			}
			if _, err := group.Inspect(t.Context()); err != nil {
				t.Error(err)
			}
			members, err := group.Members(t.Context())
			if want := []string{`Odd "Name"`, "ims", "postgres"}; err != nil || !slices.Equal(members, want) {
				t.Fatalf("got %q, %v", members, err)
			}
			for _, member := range members {
				table := "of_" + strings.ToLower(member[:1]) + "_" + name
				server.Exec(t, member, "create table "+table+" as select 1 as n")
				text, reading := dump(t, group.Member(member))
				if reading.RowCounts["public."+table] != 1 || !strings.Contains(text, "COPY public."+table) {
					t.Errorf("%s: got %v", member, reading.RowCounts)
				}
			}
			if _, err := group.Read(t.Context(), runName(t), &strings.Builder{}); err == nil {
				t.Error("a group was read")
			}
		})
	}
	_, err := newSource(t, strings.Replace(server.URL("ims"), "secret-", "wrong-", 1), every).(providers.Group).Members(t.Context())
	if err == nil || !strings.Contains(err.Error(), "check the user and the password") {
		t.Errorf("got %v", err)
	}
}
