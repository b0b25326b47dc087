package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// engine is a container engine with one container, which is this machine with a server on its default socket.
type engine struct {
	environment []string
	// before is called before each command.
	before func(*engine, providers.Command)

	mu    sync.Mutex
	found providers.Container
}

func newEngine(t *testing.T, server *testenv.PostgresServer) *engine {
	t.Helper()
	address, err := url.Parse(server.SocketURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := address.User.Password()
	query := address.Query()
	return &engine{
		environment: []string{"PGHOST=" + query.Get("host"), "PGPORT=" + query.Get("port"), "PGPASSWORD=" + password},
		found: providers.Container{Name: "ims_postgres", ID: "c0ffee", State: "running", Health: "healthy", Image: "postgres:15",
			ImageID: "sha256:15", Started: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
}

// change changes the container.
func (e *engine) change(to func(*providers.Container)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	to(&e.found)
}

func (e *engine) Find(_ context.Context, patterns ...string) ([]providers.Container, error) {
	found, _ := e.Container(context.Background(), e.found.Name)
	for _, pattern := range patterns {
		if matched, err := path.Match(pattern, found.Name); matched || err != nil {
			return []providers.Container{found}, err
		}
	}
	return nil, nil
}

func (e *engine) Container(_ context.Context, name string) (providers.Container, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if name != e.found.Name {
		return providers.Container{}, fmt.Errorf("%w: %q; there is %q", providers.ErrNoContainer, name, e.found.Name)
	}
	return e.found, nil
}

func (e *engine) In(name string) providers.Runner { return inside{local.New(), e, name} }

func (e *engine) Logs(context.Context, string, time.Time, time.Time, io.Writer, io.Writer) error {
	return errors.ErrUnsupported
}
func (e *engine) ImageID(context.Context, string) (string, error) {
	return "", errors.ErrUnsupported
}
func (e *engine) Start(context.Context, string) error { return errors.ErrUnsupported }
func (e *engine) Stop(context.Context, string) error  { return errors.ErrUnsupported }

// inside is where commands of the container run.
type inside struct {
	machine providers.Host
	engine  *engine
	name    string
}

func (i inside) Name() string { return "container " + i.name + " on local" }

func (i inside) LookPath(ctx context.Context, program string) (string, error) {
	return i.machine.LookPath(ctx, program)
}

func (i inside) Run(ctx context.Context, command providers.Command) error {
	if i.engine.before != nil {
		i.engine.before(i.engine, command)
	}
	found, err := i.engine.Container(ctx, i.name)
	if err != nil {
		return err
	}
	if found.State != "running" {
		return fmt.Errorf("container %s is %s", i.name, found.State)
	}
	command.Environment = append(append([]string(nil), i.engine.environment...), command.Environment...)
	return i.machine.Run(ctx, command)
}

// containedSource makes a source in a container.
func containedSource(t *testing.T, engine *engine, database string, change func(*postgres.Config)) providers.Source {
	t.Helper()
	config := postgres.Provider().New().(*postgres.Config)
	config.Container, config.User, config.Database = "ims_postgres", "postgres", database
	if change != nil {
		change(config)
	}
	if problems := config.Validate(); len(problems) > 0 {
		t.Fatal(problems)
	}
	host := local.New()
	source, err := config.Source(providers.Environment{
		Hosts:      func(providers.Reference) (providers.Host, error) { return host, nil },
		Containers: func(providers.Host) (providers.Containers, error) { return engine, nil },
		Clock:      clock.System{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestContainedRoundTrip(t *testing.T) {
	server, from := database(t, "contained", "")
	if err := testenv.Seed(t.Context(), from, 300); err != nil {
		t.Fatal(err)
	}
	engine := newEngine(t, server)
	source := containedSource(t, engine, "contained", nil)
	inspection, err := source.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if inspection.Bytes == 0 || inspection.Versions["server"] == "" || inspection.Versions["pg_dump"] == "" {
		t.Errorf("the inspection tells too little: %+v", inspection)
	}
	text, reading := dump(t, source)
	if reading.RowCounts["public.products"] != 300 || reading.RowCounts[`public."Odd ""Name"`] != 3 || len(reading.RowCounts) != 4 {
		t.Errorf("got %v", reading.RowCounts)
	}
	if reading.Container == nil || *reading.Container != engine.found || len(reading.Warnings) > 0 {
		t.Errorf("got the container %+v, warnings %q", reading.Container, reading.Warnings)
	}
	nothingLeft(t, server.URL("postgres"), runName(t))
	restore(t, server.URL("contained_new"), text)
	same(t, from, server.URL("contained_new"))
}

// TestContainedPatterns has the patterns and the names of tables pass through psql.
func TestContainedPatterns(t *testing.T) {
	server, text := database(t, "contained_zoo", zoo)
	server.Exec(t, "contained_zoo", `create table "new
line" as select 1 as n; create table "back\slash :name" as select 1 as n`)
	engine := newEngine(t, server)
	for _, tables := range [][]string{nil, {"ml_*"}, {`"with""quote"`, "dollar$sign"}, {`"Other.Schema"."with.dot"`}, {"çedilha", `"star*"`}, {"\\w+"}} {
		choose := func(c *postgres.Config) { c.Tables = tables }
		_, direct := dump(t, newSource(t, text, choose))
		_, contained := dump(t, containedSource(t, engine, "contained_zoo", choose))
		if len(direct.RowCounts) == 0 || fmt.Sprint(direct.RowCounts) != fmt.Sprint(contained.RowCounts) {
			t.Errorf("%q: directly %v, in the container %v", tables, direct.RowCounts, contained.RowCounts)
		}
	}
	for _, wrong := range []string{"thing", "a("} {
		_, err := containedSource(t, engine, "contained_zoo", func(c *postgres.Config) { c.Tables = []string{wrong} }).Inspect(t.Context())
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("pattern %q", wrong)) {
			t.Errorf("%q gives %v", wrong, err)
		}
	}
}

func TestContainedErrors(t *testing.T) {
	server, _ := database(t, "contained_errors", "create table things as select n from generate_series(1, 1000) n")
	for _, test := range []struct {
		name   string
		change func(*postgres.Config)
		state  string
		want   []string
	}{
		{"wrong name", func(c *postgres.Config) { c.Container = "ims_postgre" }, "running", []string{`"ims_postgre"`, `there is "ims_postgres"`}},
		{"stopped", nil, "exited", []string{`"ims_postgres"`, "is exited", "start it"}},
		{"restarting", nil, "restarting", []string{"is restarting"}},
		{"no such database", func(c *postgres.Config) { c.Database = "nowhere" }, "running", []string{`"nowhere"`, `"ims_postgres"`, "does not exist", "check user, password and database"}},
		{"no such role", func(c *postgres.Config) { c.User = "nobody's" }, "running", []string{"nobody's", "check user, password and database"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			engine := newEngine(t, server)
			engine.found.State = test.state
			source := containedSource(t, engine, "contained_errors", test.change)
			_, inspected := source.Inspect(t.Context())
			var output bytes.Buffer
			_, read := source.Read(t.Context(), runName(t), &output)
			for _, err := range []error{inspected, read} {
				checkMessage(t, err, "pass-", test.want)
			}
			if output.Len() > 0 {
				t.Error("something was written")
			}
		})
	}
}

// TestContainerChangesMeanwhile has something happen to the container while the dump flows, which then is given up or not.
func TestContainerChangesMeanwhile(t *testing.T) {
	server, _ := database(t, "contained_changes", "create table things as select n, md5(n::text) from generate_series(1, 1000) n")
	for _, test := range []struct {
		name   string
		change func(*providers.Container)
		want   string
	}{
		{"stopped", func(c *providers.Container) { c.State = "exited" }, "is exited"},
		{"renamed", func(c *providers.Container) { c.Name = "other" }, "has been removed or renamed"},
		{"replaced", func(c *providers.Container) { c.ID = "facade" }, "has been replaced"},
		{"restarted", func(c *providers.Container) { c.Started = c.Started.Add(time.Hour) }, "has been restarted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			engine := newEngine(t, server)
			source := containedSource(t, engine, "contained_changes", nil)
			changed := writerFunc(func(p []byte) (int, error) {
				engine.change(test.change)
				return len(p), nil
			})
			reading, err := source.Read(t.Context(), runName(t), changed)
			if err != nil || len(reading.Warnings) != 1 || !strings.Contains(reading.Warnings[0], test.want) {
				t.Errorf("a dump that went on to its end gives %v, %q", err, reading.Warnings)
			}
			*engine = *newEngine(t, server)
			failed := writerFunc(func(p []byte) (int, error) {
				engine.change(test.change)
				return 0, io.ErrShortWrite
			})
			_, err = source.Read(t.Context(), runName(t), failed)
			if !errors.Is(err, io.ErrShortWrite) || !strings.Contains(err.Error(), `container "ims_postgres" `+test.want) {
				t.Errorf("got %v", err)
			}
			// Sessions are not ended in a container that is said to be gone. The server of this one lives on, and sees by itself that pg_dump
			// is no more.
			eventually(t, "the end of the sessions", func() bool { return sessionsOf(t, server.URL("postgres"), runName(t)) == "0" })
			nothingLeft(t, server.URL("postgres"), runName(t))
		})
	}
}

// writerFunc is a function as a writer.
type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

// TestContainedDumpGivenUp cancels a dump at its first byte and while rows are counted, and leaves nothing.
func TestContainedDumpGivenUp(t *testing.T) {
	server, _ := database(t, "contained_cancel", "create table things as select n, md5(n::text) from generate_series(1, 100000) n")
	source := containedSource(t, newEngine(t, server), "contained_cancel", nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := source.Read(ctx, runName(t), cancelling{cancel})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	nothingLeft(t, server.URL("postgres"), runName(t))
}

// TestContainedDumpKilled ends the sessions of a dump on the server, and kills pg_dump.
func TestContainedDumpKilled(t *testing.T) {
	server, _ := database(t, "contained_kill", "create table things as select n, repeat(md5(n::text), 20) from generate_series(1, 100000) n")
	source := containedSource(t, newEngine(t, server), "contained_kill", nil)
	run := runName(t)
	for _, kill := range []func(){
		func() {
			server.Exec(t, "postgres", "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'contained_kill' and query like 'COPY%'")
		},
		func() {
			server.Exec(t, "postgres", "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'contained_kill'")
		},
	} {
		killed := false
		_, err := source.Read(t.Context(), run, writerFunc(func(p []byte) (int, error) {
			if !killed && bytes.Contains(p, []byte("COPY public.things")) {
				killed = true
				kill()
			}
			return len(p), nil
		}))
		if !killed || err == nil || !strings.Contains(err.Error(), "terminating connection") && !strings.Contains(err.Error(), "pg_dump") {
			t.Errorf("got %v", err)
		}
		nothingLeft(t, server.URL("postgres"), run)
	}
}

// TestPasswordOfAContainer is for a server that asks over its socket too: it is in the environment and on no command line.
func TestPasswordOfAContainer(t *testing.T) {
	server, _ := database(t, "guarded", "create table things as select 1 as n")
	made := newEngine(t, server)
	password := strings.TrimPrefix(made.environment[2], "PGPASSWORD=")
	made.environment = made.environment[:2]
	made.before = func(_ *engine, command providers.Command) {
		if strings.Contains(strings.Join(command.Arguments, " "), password) {
			t.Errorf("the password is on a command line: %q", command.Arguments)
		}
	}
	text, _ := dump(t, containedSource(t, made, "guarded", func(c *postgres.Config) { c.Password = password }))
	if len(copied(text)) != 1 {
		t.Errorf("got %s", text)
	}
	for _, wrong := range []string{"", "wrong-secret"} {
		_, err := containedSource(t, made, "guarded", func(c *postgres.Config) { c.Password = wrong }).Read(t.Context(), "run", &bytes.Buffer{})
		wantError(t, err, "cannot connect to database \"guarded\" in container", "check user, password and database")
		if wrong != "" && strings.Contains(err.Error(), wrong) {
			t.Errorf("the password is in %v", err)
		}
	}
}
