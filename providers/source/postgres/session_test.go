package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers/host/local"
)

// TestSessions holds that a session of psql's and one of our own answer alike.
func TestSessions(t *testing.T) {
	server := testenv.Postgres(t)
	testenv.Need(t, "psql")
	address, err := parseURL(server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	host := local.New()
	for name, open := range map[string]func() (session, error){
		"direct": func() (session, error) { return address.open(t.Context(), "direct") },
		"psql": func() (session, error) {
			return openPsql(t.Context(), host, "psql", address.conninfo(), address.environment("psql"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer s.close(t.Context())
			odd := []string{"", "a\tb", "line\nbreak\r\n", `back\slash \N \.`, "it's", `"çãé 漢字"`, ":SQLSTATE", "\b\f\v", "$1; -- no"}
			for _, text := range odd {
				got, err := s.rows(t.Context(), "select "+sqlText(text)+"::text, null::text, 1 union all select 'x', 'y', 2 order by 3")
				if difference := cmp.Diff([][]string{{text, "", "1"}, {"x", "y", "2"}}, got); err != nil || difference != "" {
					t.Errorf("%q: %v %s", text, err, difference)
				}
			}
			if got, err := s.rows(t.Context(), "select where false"); err != nil || len(got) > 0 {
				t.Errorf("no rows are %q, %v", got, err)
			}
			many, err := s.rows(t.Context(), "select n, repeat('x', 100) from generate_series(1, 20000) n")
			if err != nil || len(many) != 20000 || many[19999][0] != "20000" {
				t.Errorf("got %d rows, %v", len(many), err)
			}
			for sql, want := range map[string]string{"select 1/0": "22012", "select * from missing": "42P01", "selec": "42601"} {
				_, err := s.rows(t.Context(), sql)
				var refused *pgconn.PgError
				if !errors.As(err, &refused) || refused.Code != want || refused.Message == "" || strings.Contains(refused.Message, "\n") {
					t.Errorf("%s gives %v", sql, err)
				}
			}
			if err := s.exec(t.Context(), `do $$ begin raise exception 'two\nlines'; end $$`); err == nil {
				t.Error("an exception is no error")
			}
			if got, err := value(t.Context(), s, "select 'after'"); err != nil || got != "after" {
				t.Errorf("after an error comes %q, %v", got, err)
			}
			facts, err := askFacts(t.Context(), s)
			if err != nil || facts.version.major == 0 || facts.encoding != "UTF8" || !facts.superuser {
				t.Errorf("got %+v, %v", facts, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := s.rows(ctx, "select pg_sleep(600)"); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestSessionEndedByTheServer ends a session from another one.
func TestSessionEndedByTheServer(t *testing.T) {
	server := testenv.Postgres(t)
	testenv.Need(t, "psql")
	address, err := parseURL(server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := openPsql(t.Context(), local.New(), "psql", address.conninfo(), address.environment("ended"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close(t.Context())
	server.Exec(t, "postgres", "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ended'")
	if _, err := s.rows(t.Context(), "select 1"); err == nil || !strings.Contains(err.Error(), "psql") {
		t.Errorf("got %v", err)
	}
}

func FuzzUnescape(f *testing.F) {
	for _, seed := range []string{"", `\N`, `\`, "a\tb", `\\N`, "\n"} {
		f.Add(seed)
	}
	escape := strings.NewReplacer(`\`, `\\`, "\b", `\b`, "\f", `\f`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\v", `\v`)
	f.Fuzz(func(t *testing.T, text string) {
		unescape(text)
		if got := unescape(escape.Replace(text)); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
	})
}
