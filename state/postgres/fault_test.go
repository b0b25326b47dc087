package postgres

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/remote"
	"github.com/castrolanda/imsctl/state/statetest"
)

// patience is how long something is waited for that must happen.
const patience = 2 * time.Minute

// backend is one with a patience of its own, that keeps what cannot be recorded in a folder.
func backend(medium remote.Medium, folder string, patience time.Duration) *remote.Backend {
	return remote.New(medium, remote.Options{Clock: clock.System{}, Version: "0.2.0", Folder: folder, Patience: patience})
}

// locked takes the lock, or fails.
func locked(t *testing.T, backend state.Backend, id string) state.Session {
	t.Helper()
	session, err := backend.Lock(t.Context(), statetest.Ana(id), patience)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// recorded are the artifacts that the state has.
func recorded(t *testing.T, backend state.Backend) int {
	t.Helper()
	document, err := backend.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(document.Artifacts)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAConnectionThatBreaksIsReplaced(t *testing.T) {
	server := testenv.Postgres(t)
	place := opened(t, Config{URL: server.URL("postgres"), Schema: "imsctl", Name: "one"})
	session := locked(t, backend(place, t.TempDir(), patience), "first")
	must(t, statetest.Step(session, 1))
	server.Exec(t, "postgres", "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'imsctl state'")
	must(t, statetest.Step(session, 2))
	must(t, server.Stop())
	must(t, server.Start(t.Context()))
	must(t, statetest.Step(session, 3))
	must(t, session.Close())
	if found := recorded(t, backend(place, "", 0)); found != 3 {
		t.Errorf("%d artifacts", found)
	}
}

func TestAServerThatIsGoneInTheMiddle(t *testing.T) {
	server := testenv.Postgres(t)
	place := opened(t, Config{URL: server.URL("postgres"), Schema: "imsctl", Name: "one"})
	folder := t.TempDir()
	session := locked(t, backend(place, folder, time.Millisecond), "first")
	must(t, statetest.Step(session, 1))
	for _, i := range []int{2, 3} {
		must(t, session.Begin(t.Context(), statetest.Intent(i)))
	}
	must(t, server.Stop())
	for _, i := range []int{2, 3} {
		err := session.End(t.Context(), statetest.Intent(i).ID, statetest.Result(state.Event{PutArtifact: statetest.Artifact(i)}))
		if err == nil || !strings.Contains(err.Error(), "cannot be recorded any more, and nothing else is begun") {
			t.Errorf("got %v", err)
		}
	}
	if err := session.Begin(t.Context(), statetest.Intent(4)); err == nil {
		t.Error("begun without a server")
	}
	path := filepath.Join(folder, "errored.state.json")
	if err := session.Close(); err == nil || !strings.Contains(err.Error(), `kept in `+path+`: once the state can be reached, run "imsctl state push errored.state.json"`) {
		t.Errorf("got %v", err)
	}
	must(t, server.Start(t.Context()))
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	kept, err := state.Decode(file)
	must(t, err)
	records, err := state.CutUnrecorded(kept)
	must(t, err)
	current, err := backend(place, "", 0).Read(t.Context())
	must(t, err)
	if follows, err := state.Continues(current, kept, records); err != nil || !follows || len(kept.Artifacts) != 3 || len(kept.Intents) != 0 {
		t.Errorf("%v, %v: %d artifacts, %d intents", follows, err, len(kept.Artifacts), len(kept.Intents))
	}
	// Nobody holds the lock that the server has forgotten.
	session = locked(t, backend(place, "", patience), "second")
	must(t, statetest.Step(session, 9))
	must(t, session.Close())
	current, err = backend(place, "", 0).Read(t.Context())
	must(t, err)
	if follows, err := state.Continues(current, kept, records); err != nil || follows {
		t.Errorf("it would make what was recorded since forgotten: %v, %v", follows, err)
	}
}

func TestAServerThatComesBackInTime(t *testing.T) {
	server := testenv.Postgres(t)
	place := opened(t, Config{URL: server.URL("postgres"), Schema: "imsctl", Name: "one"})
	folder := t.TempDir()
	session := locked(t, backend(place, folder, time.Millisecond), "first")
	must(t, session.Begin(t.Context(), statetest.Intent(1)))
	must(t, server.Stop())
	if err := session.End(t.Context(), statetest.Intent(1).ID, statetest.Result(state.Event{PutArtifact: statetest.Artifact(1)})); err == nil {
		t.Error("recorded without a server")
	}
	must(t, server.Start(t.Context()))
	must(t, session.Close())
	if found := recorded(t, backend(place, "", 0)); found != 1 {
		t.Errorf("%d artifacts", found)
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 0 {
		t.Errorf("%v, %v", files, err)
	}
}

// TestAHolderThatIsSilent: a machine that is gone without a word leaves a connection that the server believes in.
func TestAHolderThatIsSilent(t *testing.T) {
	server := testenv.Postgres(t)
	config := Config{URL: server.URL("postgres"), Schema: "imsctl", Name: "one"}
	first := locked(t, backend(opened(t, config), t.TempDir(), time.Millisecond), "first")
	must(t, statetest.Step(first, 1))
	must(t, first.Begin(t.Context(), statetest.Intent(2)))
	server.Exec(t, "postgres", "update imsctl.states set renewed_at = renewed_at - interval '61 seconds'")
	if holder, held, err := backend(opened(t, config), "", 0).Holder(t.Context()); err != nil || held || holder.ID != "first" {
		t.Errorf("%+v, %v, %v", holder, held, err)
	}
	second := locked(t, backend(opened(t, config), "", patience), "second")
	must(t, statetest.Step(second, 3))
	err := first.End(t.Context(), statetest.Intent(2).ID, statetest.Result(state.Event{PutArtifact: statetest.Artifact(2)}))
	if err == nil || !strings.Contains(err.Error(), "somebody else has taken the lock") {
		t.Errorf("got %v", err)
	}
	if err := first.Close(); err == nil || !strings.Contains(err.Error(), "errored.state.json") {
		t.Errorf("got %v", err)
	}
	must(t, second.Close())
	if found := recorded(t, backend(opened(t, config), "", 0)); found != 2 {
		t.Errorf("%d artifacts", found)
	}
}

func TestAServerThatRefuses(t *testing.T) {
	server := testenv.Postgres(t)
	server.Exec(t, "postgres", "create role reader login password 'r e/a@der'")
	url := server.URL("postgres")
	parsed, err := pgx.ParseConfig(url)
	must(t, err)
	other := func(user, password, database string) string {
		return "postgres://" + user + ":" + password + "@" + url[strings.Index(url, "127.0.0.1"):strings.Index(url, "/postgres?")] + "/" + database + "?sslmode=disable"
	}
	for name, test := range map[string]struct {
		url  string
		want []string
	}{
		"a wrong password": {other("reader", "secret%2Fword", "postgres"), []string{"does not let the role reader in", "28P01"}},
		"no such database": {other("reader", "r%20e%2Fa%40der", "nowhere"), []string{"there is no database nowhere"}},
		"no such right":    {other("reader", "r%20e%2Fa%40der", "postgres"), []string{"the role reader may not do that", "create schema imsctl authorization reader"}},
		"no server":        {"postgres://reader:secret%2Fword@127.0.0.1:1/postgres", []string{"cannot be reached, and nothing was changed", "refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := backend(opened(t, Config{URL: test.url, Schema: "imsctl", Name: "one"}), "", 0).Lock(t.Context(), statetest.Ana("first"), 0)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
			for _, secret := range []string{"secret/word", "secret%2Fword", "r e/a@der", parsed.Password} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("it shows the password: %v", err)
				}
			}
		})
	}
}

// TestHistory holds that the last fifty states are kept, and can be read by what a state is read with.
func TestHistory(t *testing.T) {
	server := testenv.Postgres(t)
	place := opened(t, Config{URL: server.URL("postgres"), Schema: "imsctl", Name: "one"})
	kept := backend(place, "", patience)
	const sessions = 53
	for i := range sessions {
		session := locked(t, kept, "one")
		must(t, statetest.Step(session, i))
		must(t, session.Close())
	}
	connection, err := pgx.Connect(t.Context(), server.URL("postgres"))
	must(t, err)
	defer connection.Close(context.WithoutCancel(t.Context()))
	rows, err := connection.Query(t.Context(), `select convert_from(content, 'UTF8') from imsctl.parts where name like 'snapshots/%' order by name`)
	must(t, err)
	snapshots, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	if len(snapshots) != 50 {
		t.Fatalf("%d snapshots", len(snapshots))
	}
	for i, text := range snapshots {
		document, err := state.Decode(strings.NewReader(text))
		if want := sessions - 50 + i + 1; err != nil || len(document.Artifacts) != want {
			t.Fatalf("snapshot %d: %v, want %d artifacts", i, err, want)
		}
	}
	names, err := place.List(t.Context(), "log/")
	must(t, err)
	if len(names) > 51 {
		t.Errorf("%d entries are left", len(names))
	}
}
