package postgres

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
	sourcepostgres "github.com/castrolanda/imsctl/providers/source/postgres"
)

// sourceOf is a server as a specification declares it.
func sourceOf(t *testing.T, server *testenv.PostgresServer) providers.Source {
	t.Helper()
	source, err := (&sourcepostgres.Config{URL: server.URL("postgres")}).Source(providers.Environment{
		Hosts: func(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// connect opens a session of the superuser.
func connect(t *testing.T, server *testenv.PostgresServer) *pgx.Conn {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close(t.Context()) })
	return connection
}

// pair starts a server and one that follows it.
func pair(t *testing.T) (primary, standby *testenv.PostgresServer) {
	t.Helper()
	primary = testenv.Postgres(t)
	standby, err := primary.Standby(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Close(); err != nil {
			t.Error(err)
		}
	})
	return primary, standby
}

// TestLagOfAStandby asks a server that follows another one, while it replays and while it does not.
func TestLagOfAStandby(t *testing.T) {
	primary, standby := pair(t)
	writer, reader := connect(t, primary), connect(t, standby)
	write := func() {
		t.Helper()
		if _, err := writer.Exec(t.Context(), "create table if not exists written (n int); insert into written values (1)"); err != nil {
			t.Fatal(err)
		}
	}
	// until asks the check until it has a verdict.
	until := func(verdict providers.Verdict) providers.Finding {
		t.Helper()
		for {
			finding, err := probe(t, Config{MaxLag: units.Duration(time.Millisecond)}, sourceOf(t, standby), clock.System{})
			if err != nil {
				t.Fatal(err)
			}
			if finding.Verdict == verdict {
				return finding
			}
			if err := clock.Sleep(t.Context(), 20*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
	}
	write()
	until(providers.Passed)
	if _, err := reader.Exec(t.Context(), "select pg_wal_replay_pause()"); err != nil {
		t.Fatal(err)
	}
	for state := ""; state != "paused"; {
		if err := reader.QueryRow(t.Context(), "select pg_get_wal_replay_pause_state()").Scan(&state); err != nil {
			t.Fatal(err)
		}
	}
	write()
	if finding := until(providers.Failed); finding.Figures["lag_seconds"] <= 0 || !strings.Contains(finding.Summary, "s behind, not 1ms at most") {
		t.Errorf("got %+v", finding)
	}
	if _, err := reader.Exec(t.Context(), "select pg_wal_replay_resume()"); err != nil {
		t.Fatal(err)
	}
	until(providers.Passed)
	// The server that feeds it is asked for the last of those that it feeds.
	if finding, err := probe(t, Config{MaxLag: units.Duration(time.Hour)}, sourceOf(t, primary), clock.System{}); err != nil || finding.Verdict != providers.Passed {
		t.Errorf("%v, got %+v", err, finding)
	}
}

// TestLagWithoutAReplica: a replica that is gone, or cut off, is not one that is up to date.
func TestLagWithoutAReplica(t *testing.T) {
	primary, standby := pair(t)
	reader := connect(t, standby)
	ask := func(server *testenv.PostgresServer, wanted string) {
		t.Helper()
		for {
			finding, err := probe(t, Config{MaxLag: units.Duration(time.Millisecond)}, sourceOf(t, server), clock.System{})
			if err != nil {
				t.Fatal(err)
			}
			if finding.Verdict == providers.Failed && strings.Contains(finding.Summary, wanted) {
				return
			}
			if err := clock.Sleep(t.Context(), 20*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
	}
	// It follows nobody any more, and has replayed all that it received.
	for _, statement := range []string{"alter system set primary_conninfo = ''", "select pg_reload_conf()"} {
		if _, err := reader.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	ask(standby, "s behind, not 1ms at most")
	ask(primary, "no replica is connected")
}

// TestConnectionsOfAServer takes a good part of the connections that a server has.
func TestConnectionsOfAServer(t *testing.T) {
	server := testenv.Postgres(t)
	for range 10 {
		connect(t, server)
	}
	// Of 50 these are 20 %, and the check has one of its own.
	finding, err := probe(t, Config{MaxConnections: 19}, sourceOf(t, server), clock.System{})
	if err != nil || finding.Verdict != providers.Warned || finding.Figures["connections_percent"] < 20 {
		t.Errorf("%v, got %+v", err, finding)
	}
	if finding, err := probe(t, Config{MaxConnections: 90}, sourceOf(t, server), clock.System{}); err != nil || finding.Verdict != providers.Passed {
		t.Errorf("%v, got %+v", err, finding)
	}
}
