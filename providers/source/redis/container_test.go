package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/source/redis"
)

// fakeEngine is a container engine with one container, which is this machine.
type fakeEngine struct {
	// before is called before each command, and may change it.
	before func(*fakeEngine, *providers.Command)

	mu       sync.Mutex
	found    providers.Container
	commands [][]string
}

func newEngine() *fakeEngine {
	return &fakeEngine{found: providers.Container{Name: "ims_redis", ID: "c0ffee", State: "running", Health: "healthy", Image: "redis:7",
		ImageID: "sha256:7", Started: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
}

// change changes the container.
func (e *fakeEngine) change(to func(*providers.Container)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	to(&e.found)
}

func (e *fakeEngine) Find(_ context.Context, patterns ...string) ([]providers.Container, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, pattern := range patterns {
		if matched, err := path.Match(pattern, e.found.Name); matched || err != nil {
			return []providers.Container{e.found}, err
		}
	}
	return nil, nil
}

func (e *fakeEngine) Container(_ context.Context, name string) (providers.Container, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if name != e.found.Name {
		return providers.Container{}, fmt.Errorf("%w: %q; there is %q", providers.ErrNoContainer, name, e.found.Name)
	}
	return e.found, nil
}

func (e *fakeEngine) In(name string) providers.Runner { return inside{local.New(), e, name} }

func (e *fakeEngine) Logs(context.Context, string, time.Time, time.Time, io.Writer, io.Writer) error {
	return errors.ErrUnsupported
}
func (e *fakeEngine) ImageID(context.Context, string) (string, error) {
	return "", errors.ErrUnsupported
}
func (e *fakeEngine) Start(context.Context, string) error { return errors.ErrUnsupported }
func (e *fakeEngine) Stop(context.Context, string) error  { return errors.ErrUnsupported }

// inside is where commands of the container run.
type inside struct {
	machine providers.Host
	engine  *fakeEngine
	name    string
}

func (i inside) Name() string { return "container " + i.name + " on local" }

func (i inside) LookPath(ctx context.Context, program string) (string, error) {
	return i.machine.LookPath(ctx, program)
}

func (i inside) Run(ctx context.Context, command providers.Command) error {
	i.engine.mu.Lock()
	i.engine.commands = append(i.engine.commands, command.Arguments)
	i.engine.mu.Unlock()
	if i.engine.before != nil {
		i.engine.before(i.engine, &command)
	}
	return i.machine.Run(ctx, command)
}

// inContainer makes the source of a server in the engine's container.
func inContainer(t *testing.T, engine *fakeEngine, server *testenv.RedisServer, change func(*redis.Config)) providers.Source {
	t.Helper()
	config := redis.Provider().New().(*redis.Config)
	config.Container, config.Port, config.Password = engine.found.Name, int64(server.Port()), server.Password
	if change != nil {
		change(config)
	}
	environment := environment()
	environment.Containers = func(providers.Host) (providers.Containers, error) { return engine, nil }
	return sourceOf(t, config, environment)
}

func TestSnapshotInAContainer(t *testing.T) {
	for name, lines := range map[string][]string{"sent while it is made": {"repl-diskless-sync yes"}, "from its disk": {"repl-diskless-sync no"}} {
		t.Run(name, func(t *testing.T) {
			server := testenv.Redis(t, lines...)
			server.Fill(t, everyType())
			engine := newEngine()
			source := inContainer(t, engine, server, func(c *redis.Config) { c.Keys = []string{"ml:*"} })
			if inspection, err := source.Inspect(t.Context()); err != nil || inspection.Versions["server"] == "" || inspection.Bytes == 0 {
				t.Errorf("inspection: %+v, %v", inspection, err)
			}
			data, reading := read(t, source)
			if reading.Container == nil || *reading.Container != engine.found || reading.KeyCounts.Patterns["ml:*"].Keys != 301 || len(reading.Warnings) > 0 {
				t.Errorf("reading: %+v", reading)
			}
			loads(t, server, data)
			byAddress, _ := read(t, newSource(t, server, nil))
			if len(data) != len(byAddress) {
				t.Errorf("%d bytes in the container, %d by the address", len(data), len(byAddress))
			}
			if slices.ContainsFunc(engine.commands, func(words []string) bool { return strings.Contains(strings.Join(words, " "), server.Password) }) {
				t.Errorf("the password is on a command line: %q", engine.commands)
			}
		})
	}
}

func TestUsersInAContainer(t *testing.T) {
	server := testenv.Redis(t)
	server.Fill(t, "SET a 1\n")
	server.Do(t, "ACL", "SETUSER", "backup", "on", ">backup-secret", "+ping", "+info", "+replconf", "+psync", "+sync")
	server.Do(t, "ACL", "SETUSER", "half", "on", ">half-secret", "+info", "+replconf")
	for name, test := range map[string]struct{ user, password, want string }{
		"user with the rights":  {"backup", "backup-secret", ""},
		"no password":           {"", "", "NOAUTH"},
		"wrong password":        {"", "wrong-secret", "WRONGPASS"},
		"no right to the bytes": {"half", "half-secret", "ACL SETUSER half"},
	} {
		t.Run(name, func(t *testing.T) {
			source := inContainer(t, newEngine(), server, func(c *redis.Config) { c.User, c.Password = test.user, test.password })
			if test.want == "" {
				read(t, source)
				return
			}
			if said := refusal(t, source); !strings.Contains(said, test.want) || test.password != "" && strings.Contains(said, test.password) {
				t.Errorf("%q does not say %q", said, test.want)
			}
		})
	}
}

func TestContainersThatAreNotReady(t *testing.T) {
	server := testenv.Redis(t)
	for name, test := range map[string]struct {
		change func(*providers.Container)
		want   string
	}{
		"stopped":    {func(c *providers.Container) { c.State = "exited" }, `container "ims_redis" is exited: start it`},
		"restarting": {func(c *providers.Container) { c.State = "restarting" }, "is restarting"},
		"renamed":    {func(c *providers.Container) { c.Name = "ims_redis_old" }, `there is "ims_redis_old"`},
	} {
		t.Run(name, func(t *testing.T) {
			engine := newEngine()
			source := inContainer(t, engine, server, nil)
			engine.change(test.change)
			if said := refusal(t, source); !strings.Contains(said, test.want) {
				t.Errorf("%q does not say %q", said, test.want)
			}
		})
	}
}

// TestContainerThatChangesMeanwhile stops the server in the middle of a snapshot, as the end of a container would.
func TestContainerThatChangesMeanwhile(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*providers.Container)
		want   string
	}{
		"stopped":   {func(c *providers.Container) { c.State = "exited" }, "the container is exited"},
		"restarted": {func(c *providers.Container) { c.Started = c.Started.Add(time.Hour) }, "the container has been restarted"},
		"replaced":  {func(c *providers.Container) { c.ID = "other" }, "replaced by another one"},
		"removed":   {func(c *providers.Container) { c.Name = "gone" }, "removed or renamed"},
		"untouched": {func(*providers.Container) {}, "redis-cli --rdb failed"},
	} {
		t.Run(name, func(t *testing.T) {
			server := large(t)
			engine := newEngine()
			_, err := inContainer(t, engine, server, nil).Read(t.Context(), "run", ending{func() {
				engine.change(test.change)
				if err := server.Stop(); err != nil {
					t.Error(err)
				}
			}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v does not say %q", err, test.want)
			}
		})
	}
}

func TestProgramsOfAContainer(t *testing.T) {
	testenv.Need(t, "sh")
	server := testenv.Redis(t)
	whole := snapshot(t)
	for name, test := range map[string]struct {
		// version is what redis-cli says of itself, script what it does when it is asked for a snapshot.
		version, script, want string
	}{
		"too old for passwords":   {"redis-cli 4.0.9", "", "one of 5 or later"},
		"not redis-cli":           {"busybox", "", `it said "busybox"`},
		"success without a byte":  {"redis-cli 7.0.15", "exit 0", "ends in the middle"},
		"success with half of it": {"redis-cli 7.0.15", "head -c 70 testdata/small.rdb", "ends in the middle"},
		"failure with all of it":  {"redis-cli 7.0.15", "cat testdata/small.rdb; exit 1", "exit status 1"},
		"killed":                  {"redis-cli 7.0.15", "cat testdata/small.rdb; kill -9 $$", "SIGKILL"},
		"progress among it":       {"redis-cli 7.0.15", "echo SYNC sent to master; cat testdata/small.rdb", "no snapshot of Redis"},
		"mark after it":           {"redis-cli 6.0.16", "cat testdata/small.rdb; printf %s " + mark, ""},
		"more after it":           {"redis-cli 6.0.16", "cat testdata/small.rdb; printf %s more", "followed by 4 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			engine := newEngine()
			engine.before = func(_ *fakeEngine, command *providers.Command) {
				switch {
				case slices.Contains(command.Arguments, "--version"):
					command.Arguments = []string{"echo", test.version}
				case slices.Contains(command.Arguments, "--rdb"):
					command.Arguments = []string{"sh", "-c", test.script}
				}
			}
			var output bytes.Buffer
			_, err := inContainer(t, engine, server, nil).Read(t.Context(), "run", &output)
			if test.want == "" {
				if err != nil || output.String() != whole {
					t.Errorf("%v, %d bytes", err, output.Len())
				}
			} else if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v does not say %q", err, test.want)
			}
		})
	}
}

func TestGivenUpInAContainer(t *testing.T) {
	server := large(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := inContainer(t, newEngine(), server, nil).Read(ctx, "run", ending{cancel}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := inContainer(t, newEngine(), server, nil).Read(t.Context(), "run", full{}); !errors.Is(err, errDisk) {
		t.Errorf("with a full disk: %v", err)
	}
}
