package postgres_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

func TestRoundTrip(t *testing.T) {
	server, from := database(t, "roundtrip", "")
	if err := testenv.Seed(t.Context(), from, 300); err != nil {
		t.Fatal(err)
	}
	source := newSource(t, from, nil)
	inspection, err := source.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if inspection.Bytes == 0 || inspection.Versions["server"] == "" || inspection.Versions["pg_dump"] == "" {
		t.Errorf("the inspection tells too little: %+v", inspection)
	}
	text, reading := dump(t, source)
	format := source.Format()
	if head := text[:min(len(text), providers.HeaderWindow)]; !strings.Contains(head, string(format.Headers[0])) {
		t.Error("the dump does not begin with its header")
	}
	if tail := text[max(0, len(text)-providers.TrailerWindow):]; !strings.Contains(tail, string(format.Trailer)) {
		t.Error("the dump does not end with its end marker")
	}
	want := map[string]int64{"public.products": 300, "stock.movements": 600, "public.audit_log": 300, `public."Odd ""Name"`: 3}
	for table, rows := range want {
		if reading.RowCounts[table] != rows {
			t.Errorf("%s has %d rows, want %d", table, reading.RowCounts[table], rows)
		}
	}
	if len(reading.RowCounts) != len(want) || len(reading.Warnings) > 0 {
		t.Errorf("got %v, warnings %q", reading.RowCounts, reading.Warnings)
	}
	nothingLeft(t, server.URL("postgres"), runName(t))
	restore(t, server.URL("roundtrip_new"), text)
	same(t, from, server.URL("roundtrip_new"))
	server.CreateDatabase(t, "roundtrip_empty")
	restore(t, server.URL("roundtrip_empty"), text)
	same(t, from, server.URL("roundtrip_empty"))
}

func TestRoundTripOverASocket(t *testing.T) {
	server, _ := database(t, "socket", "create table things as select 1 as one")
	text, reading := dump(t, newSource(t, server.SocketURL("socket"), nil))
	if reading.RowCounts["public.things"] != 1 {
		t.Errorf("got %v", reading.RowCounts)
	}
	restore(t, server.SocketURL("socket again"), text)
	same(t, server.URL("socket"), server.SocketURL("socket again"))
}

func TestRoundTripBetweenOddNames(t *testing.T) {
	server, _ := database(t, "names", "create table things as select n from generate_series(1, 10) n")
	from := server.URL("names")
	for _, name := range []string{"With Upper", `quote"s and 'more'`, "çãé 漢字", "semi;colon -- comment", `back\slash $1 %41`, "a?b#c&d=e", "host=elsewhere dbname=other"} {
		t.Run(name, func(t *testing.T) {
			to := with(t, server.URL("x"), func(u *url.URL) { u.Path = "/" + name })
			text, _ := dump(t, newSource(t, from, nil))
			restore(t, to, text)
			if !exists(t, name) {
				t.Fatal("the database was not made under its name")
			}
			same(t, from, to)
			again, reading := dump(t, newSource(t, to, nil))
			if reading.RowCounts["public.things"] != 10 || len(copied(again)) != 1 {
				t.Errorf("the copy was not dumped: %v", reading.RowCounts)
			}
			server.Exec(t, "postgres", "drop database "+pgx.Identifier{name}.Sanitize())
		})
	}
}

func TestDumpOptions(t *testing.T) {
	server, from := database(t, "options", "create role clerk; create table things (n int); grant select on things to clerk; insert into things values (1)")
	for _, test := range []struct {
		name   string
		change func(*postgres.Config)
		has    []string
		lacks  []string
	}{
		{"none", nil, []string{"OWNER TO postgres", "GRANT SELECT"}, []string{"DROP TABLE"}},
		{"clean", func(c *postgres.Config) { c.Clean, c.IfExists = true, true }, []string{"DROP TABLE IF EXISTS public.things;"}, nil},
		{"no_owner", func(c *postgres.Config) { c.NoOwner = true }, []string{"GRANT SELECT"}, []string{"OWNER TO"}},
		{"no_privileges", func(c *postgres.Config) { c.NoPrivileges = true }, []string{"OWNER TO"}, []string{"GRANT"}},
		{"row_counts off", func(c *postgres.Config) { c.RowCounts = false }, []string{"COPY public.things"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			text, reading := dump(t, newSource(t, from, test.change))
			for _, part := range test.has {
				if !strings.Contains(text, part) {
					t.Errorf("the dump has no %q", part)
				}
			}
			for _, part := range test.lacks {
				if strings.Contains(text, part) {
					t.Errorf("the dump has %q", part)
				}
			}
			if counted := reading.RowCounts != nil; counted == (test.name == "row_counts off") {
				t.Errorf("got the counts %v", reading.RowCounts)
			}
			to := server.URL("options " + test.name)
			restore(t, to, text)
			same(t, from, to)
		})
	}
}

// TestHarmfulDefaults dumps from and restores into databases whose settings would end or bend an ordinary session.
func TestHarmfulDefaults(t *testing.T) {
	server, from := database(t, "harmful", `create schema other; create table other.things as select n, md5(n::text) from generate_series(1, 30000) n;
		create table things as select n from generate_series(1, 5) n; create index on other.things (md5)`)
	for _, setting := range []string{
		"default_transaction_read_only = on", "statement_timeout = '2s'", "search_path = other", "search_path = ''", "idle_in_transaction_session_timeout = '50ms'",
		"lock_timeout = '1ms'", "default_transaction_isolation = serializable", "default_transaction_deferrable = on", "standard_conforming_strings = off",
		"client_encoding = latin1", "bytea_output = escape", "datestyle = 'German'", "quote_all_identifiers = on",
	} {
		t.Run(setting, func(t *testing.T) {
			server.CreateDatabase(t, "harmed")
			defer server.Exec(t, "postgres", "drop database harmed")
			server.Exec(t, "postgres", "alter database harmful set "+setting)
			defer server.Exec(t, "postgres", "alter database harmful reset all")
			server.Exec(t, "postgres", "alter database harmed set "+setting)
			text, reading := dump(t, newSource(t, from, nil))
			if reading.RowCounts["other.things"] != 30000 || reading.RowCounts["public.things"] != 5 {
				t.Errorf("got %v", reading.RowCounts)
			}
			if strings.HasPrefix(setting, "statement_timeout") {
				text += "select pg_sleep(3);\n" // whatever the machine takes for the rest
			}
			restore(t, server.URL("harmed"), text)
			server.Exec(t, "postgres", "alter database harmful reset all; alter database harmed reset all")
			same(t, from, server.URL("harmed"))
		})
	}
}
