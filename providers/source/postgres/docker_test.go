package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/docker"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/host/ssh"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// machine is a machine with a container engine, as a source sees it.
type machine struct {
	*testenv.DockerServer
	host   providers.Host
	engine providers.Containers
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	server := testenv.DockerDebian(t)
	m := &machine{DockerServer: server, host: local.New()}
	var err error
	if m.engine, err = docker.New(m.host, server.Socket); err != nil {
		t.Fatal(err)
	}
	return m
}

// source makes a source in a container of the machine.
func (m *machine) source(t *testing.T, container, database string, change func(*postgres.Config)) providers.Source {
	t.Helper()
	config := postgres.Provider().New().(*postgres.Config)
	config.Container, config.User, config.Database = container, "ims", database
	if change != nil {
		change(config)
	}
	source, err := config.Source(providers.Environment{
		Hosts:      func(providers.Reference) (providers.Host, error) { return m.host, nil },
		Containers: func(providers.Host) (providers.Containers, error) { return m.engine, nil },
		Clock:      clock.System{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// psql runs SQL in a container.
func (m *machine) psql(t *testing.T, container, database, sql string) string {
	t.Helper()
	return strings.TrimSpace(m.Run(t, "exec", container, "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "ims", "-d", database, "-c", sql))
}

// stop ends a container and waits until the engine has noticed.
func (m *machine) stop(t *testing.T, container string) {
	t.Helper()
	m.Run(t, "stop", "--time=0", container)
	eventually(t, "the end of the container", func() bool {
		return strings.TrimSpace(m.Run(t, "inspect", "--format={{.State.Status}}", container)) == "exited"
	})
}

// nothingLeft checks that a run has left no session and no process in a container.
func (m *machine) nothingLeft(t *testing.T, container, run string) {
	t.Helper()
	if left := m.psql(t, container, "postgres", "select count(*) from pg_stat_activity where application_name like left('"+run+"', 63) || '%'"); left != "0" {
		t.Errorf("%s sessions of %s are left", left, run)
	}
	eventually(t, "the end of every pg_dump and psql in the container", func() bool {
		left := m.Run(t, "exec", container, "sh", "-c", "cat /proc/[0-9]*/comm 2>/dev/null || true")
		return !strings.Contains(left, "pg_dump") && !strings.Contains(left, "psql")
	})
}

// large fills a database with a table that is not dumped before something has happened.
const large = "create table small as select n from generate_series(1, 10) n; " +
	"create table large as select n, repeat(md5(n::text), 20) as text from generate_series(1, 60000) n"

// signal sends a signal to every pg_dump in a container.
func (m *machine) signal(t *testing.T, container, signal string) {
	t.Helper()
	m.Run(t, "exec", container, "sh", "-c", `for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" != pg_dump ] || kill -`+signal+` ${p#/proc/}; done`)
}

// meanwhile reads a source and has something happen when rows of the large table have arrived. pg_dump stands still then, so
// that it cannot end before, and what it has written is read: an engine waits for that.
func (m *machine) meanwhile(t *testing.T, ctx context.Context, source providers.Source, happen func()) (string, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	arrived, standing := make(chan struct{}), make(chan struct{})
	var text bytes.Buffer
	var err error
	var reading sync.WaitGroup
	reading.Go(func() {
		var once sync.Once
		_, err = source.Read(ctx, runName(t), writerFunc(func(p []byte) (int, error) {
			if bytes.Contains(p, []byte("COPY public.large")) {
				once.Do(func() { close(arrived) })
				<-standing
			}
			return text.Write(p)
		}))
		once.Do(func() { close(arrived) })
	})
	proceed := sync.OnceFunc(func() { close(standing) })
	defer func() {
		cancel()
		proceed()
		reading.Wait()
	}()
	<-arrived
	m.signal(t, "ims_postgres", "STOP")
	proceed()
	happen()
	reading.Wait()
	return text.String(), err
}

// TestInDocker dumps a database in a container of a real engine, and has everything happen to it that can.
func TestInDocker(t *testing.T) {
	m := newMachine(t)
	m.Postgres(t, "ims_postgres", "ims", "inventory")
	m.psql(t, "ims_postgres", "inventory", large)
	source := m.source(t, "ims_postgres", "inventory", nil)

	t.Run("round trip", func(t *testing.T) {
		inspection, err := source.Inspect(t.Context())
		if err != nil || inspection.Bytes == 0 {
			t.Fatalf("got %+v, %v", inspection, err)
		}
		text, reading := dump(t, source)
		if reading.RowCounts["public.large"] != 60000 || copied(text)["public.large"] != 60000 {
			t.Errorf("got %v and %v", reading.RowCounts, copied(text))
		}
		if c := reading.Container; c == nil || c.Name != "ims_postgres" || c.ID == "" || c.State != "running" || !strings.HasPrefix(c.ImageID, "sha256:") {
			t.Errorf("got the container %+v", c)
		}
		m.nothingLeft(t, "ims_postgres", runName(t))
	})
	t.Run("every database, with roles, as archives", func(t *testing.T) {
		m.psql(t, "ims_postgres", "inventory", "create role clerk login password 'x'")
		with := m.source(t, "ims_postgres", "inventory", func(c *postgres.Config) { c.Globals, c.Tables = true, []string{"small"} })
		text, reading := dump(t, with)
		if !strings.Contains(text, "CREATE ROLE clerk;") || !strings.Contains(text, "SCRAM-SHA-256") || len(reading.RowCounts) != 1 {
			t.Errorf("got %v and %d bytes", reading.RowCounts, len(text))
		}
		members, err := m.source(t, "ims_postgres", "*", custom).(providers.Group).Members(t.Context())
		if err != nil || strings.Join(members, " ") != "inventory postgres" {
			t.Errorf("got %q, %v", members, err)
		}
		archive, _ := dump(t, m.source(t, "ims_postgres", "inventory", custom))
		if !strings.HasPrefix(archive, "PGDMP") {
			t.Errorf("got %.20q", archive)
		}
	})
	t.Run("wrong name", func(t *testing.T) {
		_, err := m.source(t, "ims_postgre", "inventory", nil).Inspect(t.Context())
		if !errors.Is(err, providers.ErrNoContainer) || !strings.Contains(err.Error(), "ims_postgres") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("wrong database", func(t *testing.T) {
		_, err := m.source(t, "ims_postgres", "inventori", nil).Inspect(t.Context())
		checkMessage(t, err, "pass-", []string{`"inventori"`, `"ims_postgres"`, "does not exist"})
	})
	t.Run("given up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if _, err := m.meanwhile(t, ctx, source, cancel); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		m.nothingLeft(t, "ims_postgres", runName(t))
	})
	t.Run("pg_dump killed", func(t *testing.T) {
		_, err := m.meanwhile(t, t.Context(), source, func() { m.signal(t, "ims_postgres", "KILL") })
		if exit := new(providers.ExitError); !errors.As(err, &exit) || exit.Program != "pg_dump" || exit.Code == 0 {
			t.Errorf("got %v", err)
		}
		m.nothingLeft(t, "ims_postgres", runName(t))
	})
	for _, test := range []struct {
		name   string
		happen func()
		mend   func()
		want   string
	}{
		{"stopped", func() { m.stop(t, "ims_postgres") }, func() { m.Run(t, "start", "ims_postgres") }, `container "ims_postgres" is exited`},
		{"restarted", func() { m.Run(t, "restart", "--time=0", "ims_postgres") }, nil, `container "ims_postgres" has been restarted`},
		{"removed", func() {
			m.Run(t, "rename", "ims_postgres", "old")
			m.stop(t, "old")
		}, func() {
			m.Run(t, "rename", "old", "ims_postgres")
			m.Run(t, "start", "ims_postgres")
		}, `container "ims_postgres" has been removed or renamed`},
		{"engine restarted", func() {
			if err := m.Restart(t.Context()); err != nil {
				t.Error(err)
			}
		}, func() { m.Run(t, "start", "ims_postgres") }, `container "ims_postgres" is exited`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := m.meanwhile(t, t.Context(), source, test.happen)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if test.mend != nil {
				test.mend()
			}
			m.Run(t, "exec", "ims_postgres", "timeout", "120", "sh", "-c", "until pg_isready --quiet; do sleep 0.1; done")
			m.nothingLeft(t, "ims_postgres", runName(t))
			if _, reading := dump(t, source); reading.RowCounts["public.large"] != 60000 {
				t.Errorf("afterwards: %v", reading.RowCounts)
			}
		})
	}
	t.Run("over SSH", func(t *testing.T) {
		server := m.SSH(t)
		t.Setenv("HOME", server.Home)
		t.Setenv("SSH_AUTH_SOCK", "")
		host, err := (&ssh.Config{Address: "vm"}).Host(providers.Environment{Clock: clock.System{}})
		if err != nil {
			t.Fatal(err)
		}
		defer host.(io.Closer).Close()
		faraway := &machine{DockerServer: m.DockerServer, host: host}
		if faraway.engine, err = docker.New(host, ""); err != nil {
			t.Fatal(err)
		}
		source := faraway.source(t, "ims_postgres", "inventory", nil)
		text, reading := dump(t, source)
		if reading.RowCounts["public.large"] != 60000 || copied(text)["public.large"] != 60000 {
			t.Errorf("got %v and %v", reading.RowCounts, copied(text))
		}
		m.nothingLeft(t, "ims_postgres", runName(t))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if _, err := m.meanwhile(t, ctx, source, cancel); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		m.nothingLeft(t, "ims_postgres", runName(t))
	})
	t.Run("without a shell", func(t *testing.T) {
		m.Run(t, "exec", "ims_postgres", "mv", "/bin/sh", "/bin/no-sh")
		defer m.Run(t, "exec", "ims_postgres", "mv", "/bin/no-sh", "/bin/sh")
		text, reading := dump(t, source)
		if reading.RowCounts["public.large"] != 60000 || copied(text)["public.large"] != 60000 {
			t.Errorf("got %v and %v", reading.RowCounts, copied(text))
		}
		if _, err := m.source(t, "ims_postgres", "inventory", custom).Read(t.Context(), runName(t), io.Discard); err == nil || !strings.Contains(err.Error(), "no shell") {
			t.Errorf("an archive, whose end nobody could tell: %v", err)
		}
		// pg_dump ends when its session does, which is all that can be done about it.
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err := source.Read(ctx, runName(t), writerFunc(func(p []byte) (int, error) {
			cancel()
			return len(p), nil
		}))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("renamed", func(t *testing.T) {
		_, err := m.meanwhile(t, t.Context(), source, func() {
			m.Run(t, "rename", "ims_postgres", "renamed")
			m.signal(t, "renamed", "CONT")
		})
		if err == nil || !strings.Contains(err.Error(), `container "ims_postgres" has been removed or renamed`) {
			t.Errorf("got %v", err)
		}
		m.nothingLeft(t, "renamed", runName(t))
		if _, err := source.Inspect(t.Context()); !errors.Is(err, providers.ErrNoContainer) || !strings.Contains(err.Error(), "renamed") {
			t.Errorf("got %v", err)
		}
	})
}
