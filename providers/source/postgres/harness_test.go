package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// shared is the server that most tests use, started by the first one that asks.
var shared struct {
	sync.Once
	server *testenv.PostgresServer
	err    error
}

func TestMain(m *testing.M) {
	if target := os.Getenv(restoreTarget); target != "" {
		os.Exit(restoreChild(target))
	}
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// database makes an empty database on the shared server and fills it with SQL.
func database(t *testing.T, name, sql string) (*testenv.PostgresServer, string) {
	t.Helper()
	shared.Do(func() { shared.server, shared.err = testenv.StartPostgres(context.Background()) })
	if errors.Is(shared.err, exec.ErrNotFound) {
		testenv.Skip(t, shared.err.Error())
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	testenv.Need(t, "pg_dump")
	testenv.Need(t, "psql")
	shared.server.CreateDatabase(t, name)
	if sql != "" {
		shared.server.Exec(t, name, sql)
	}
	return shared.server, shared.server.URL(name)
}

func environment() providers.Environment {
	host := local.New()
	return providers.Environment{
		Hosts: func(providers.Reference) (providers.Host, error) { return host, nil },
		Clock: clock.System{},
	}
}

// newSource makes a source with the defaults of the provider and whatever change does to them.
func newSource(t *testing.T, url string, change func(*postgres.Config)) providers.Source {
	t.Helper()
	config := postgres.Provider().New().(*postgres.Config)
	config.URL = url
	if change != nil {
		change(config)
	}
	source, err := config.Source(environment())
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// dump reads a source that must not fail.
func dump(t *testing.T, source providers.Source) (string, providers.Reading) {
	t.Helper()
	var output bytes.Buffer
	reading, err := source.Read(t.Context(), runName(t), &output)
	if err != nil {
		t.Fatal(err)
	}
	return output.String(), reading
}

// runName is a run of this test's own: the same test may run beside it, and processes of the whole machine are looked through.
func runName(t *testing.T) string {
	return fmt.Sprintf("run-%d-%s", os.Getpid(), strings.ReplaceAll(t.Name(), "/", "-"))
}

func newRestorer(t *testing.T, url string) providers.Restorer {
	t.Helper()
	restorer, err := postgres.Provider().Restore(environment(), providers.Target{Kind: providers.TargetPostgres, Location: url})
	if err != nil {
		t.Fatal(err)
	}
	return restorer
}

// restore restores a dump, which must not fail.
func restore(t *testing.T, url, dump string) {
	t.Helper()
	restorer := newRestorer(t, url)
	if err := restorer.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := restorer.Restore(t.Context(), strings.NewReader(dump)); err != nil {
		t.Fatal(err)
	}
}

func fingerprint(t *testing.T, url string) map[string][]string {
	t.Helper()
	found, err := testenv.Fingerprint(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// same compares two databases.
func same(t *testing.T, url, other string) {
	t.Helper()
	if difference := cmp.Diff(fingerprint(t, url), fingerprint(t, other)); difference != "" {
		t.Errorf("the databases differ (-one +other):\n%s", difference)
	}
}

// ask returns the answer to a query as text.
func ask(t *testing.T, url, sql string, arguments ...any) string {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.Background())
	var answer string
	if err := connection.QueryRow(t.Context(), sql, arguments...).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// exists reports whether the shared server has a database.
func exists(t *testing.T, name string) bool {
	t.Helper()
	return ask(t, shared.server.URL("postgres"), "select count(*)::text from pg_database where datname = $1", name) == "1"
}

// eventually waits until something is so; a minute is for machines that are busy, not a measure.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited for: %s", what)
		}
	}
}

// processes lists the process ids that were given an application name.
func processes(t *testing.T, application string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		// Processes come and go, and those of other users cannot be read.
		content, err := os.ReadFile(file)
		if err == nil && bytes.Contains(content, []byte("PGAPPNAME="+application+"\x00")) {
			found = append(found, strings.Split(file, "/")[2])
		}
	}
	return found
}

// nothingLeft checks that a run has left no process here and no session on the server.
func nothingLeft(t *testing.T, serverURL, application string) {
	t.Helper()
	if left := processes(t, application); len(left) > 0 {
		t.Errorf("processes %v of %s are left", left, application)
	}
	if serverURL == "" {
		return
	}
	if left := sessionsOf(t, serverURL, application); left != "0" {
		t.Errorf("%s sessions of %s are left", left, application)
	}
}

// sessionsOf counts the sessions of a run on the server.
func sessionsOf(t *testing.T, serverURL, application string) string {
	t.Helper()
	return ask(t, serverURL, "select count(*)::text from pg_stat_activity where application_name like left($1, 63) || '%'", application)
}

// with changes the user, password or database of a URL.
func with(t *testing.T, text string, change func(*url.URL)) string {
	t.Helper()
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	change(parsed)
	return parsed.String()
}

var copyLine = regexp.MustCompile(`(?m)^COPY (.+?) (?:\(.*\))? ?FROM stdin;$`)

// copied counts the rows of each table in a dump, by the name that COPY has for it.
func copied(dump string) map[string]int64 {
	counts := make(map[string]int64)
	for _, found := range copyLine.FindAllStringSubmatchIndex(dump, -1) {
		rows := dump[found[1]+1:]
		rows = rows[:strings.Index("\n"+rows, "\n\\.\n")]
		counts[dump[found[2]:found[3]]] = int64(strings.Count(rows, "\n"))
	}
	return counts
}
