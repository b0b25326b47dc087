package docker

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
)

// said is an output that tells when something was written to it.
type saidSomething struct {
	once sync.Once
	then func()
}

func (s *saidSomething) Write(p []byte) (int, error) {
	s.once.Do(s.then)
	return len(p), nil
}

// script is a command that runs a script and calls then when it says something.
func script(text string, then func()) providers.Command {
	return providers.Command{Arguments: []string{"sh", "-c", text}, Stdout: &saidSomething{then: then}}
}

// alone waits until a container runs nothing but what it was started with.
func alone(t *testing.T, server *testenv.DockerServer, name string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		left := server.Run(t, "top", name)
		if strings.Count(left, "\n") == 2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left running in %s:\n%s", name, left)
		}
	}
}

// pause pauses a container until the test ends: an engine with one that is cannot be ended.
func pause(t *testing.T, server *testenv.DockerServer, name string) {
	t.Helper()
	server.Run(t, "pause", name)
	t.Cleanup(func() { _ = server.Command(context.Background(), "unpause", name).Run() }) // the error is that the test did so already
}

func TestNoCommandInWhatDoesNotRun(t *testing.T) {
	server := testenv.Docker(t)
	e := reach(t, server)
	if err := e.In("box").Run(t.Context(), script("true", func() {})); err == nil || !errors.Is(err, providers.ErrNoContainer) || !strings.Contains(err.Error(), "there are no containers") {
		t.Errorf("without containers: %v", err)
	}
	for _, name := range []string{"ims_postgres", "ims_redis", "stopped", "paused", "other"} {
		start(t, server, name)
	}
	server.Run(t, "stop", "--time", "0", "stopped")
	pause(t, server, "paused")
	server.Run(t, "run", "--detach", "--restart", "always", "--network", "none", "--name", "restarting", testenv.Tiny, "false")
	for name, want := range map[string]string{
		"postgres":    `"postgres" on local: there is ims_postgres, `,
		"ims_postgre": `there is ims_postgres, ims_redis, `,
		"stopped":     "it is not running (exited): docker start stopped",
		"paused":      "it is paused: docker unpause paused",
	} {
		err := e.In(name).Run(t.Context(), script("true", func() { t.Error("it ran") }))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for {
		found, err := e.Container(t.Context(), "restarting")
		if err != nil {
			t.Fatal(err)
		}
		if found.State == "restarting" {
			break
		}
	}
	if err := e.In("restarting").Run(t.Context(), script("true", func() {})); err == nil {
		t.Error("a command was run in what does not stay up")
	}
	// An engine takes the beginning of an identification for a name; a specification does not.
	one, err := e.Container(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Container(t.Context(), one.ID[:12]); !errors.Is(err, providers.ErrNoContainer) {
		t.Errorf("an identification was taken for a name: %v", err)
	}
	if _, err := e.Container(t.Context(), ""); err == nil {
		t.Error("no name was taken for one")
	}
}

func TestContainersThatChangeMeanwhile(t *testing.T) {
	server := testenv.Docker(t)
	e := reach(t, server)
	const waits = `echo begun; until [ -e /go ]; do sleep 0.1; done`
	for _, test := range []struct {
		name, want string
		event      func(name string)
	}{
		{"stopped", "the container stopped meanwhile (exited)", func(name string) { server.Run(t, "stop", "--time", "0", name) }},
		{"killed", "the container stopped meanwhile (exited)", func(name string) {
			server.Run(t, "kill", name)
			server.Run(t, "wait", name)
		}},
		{"restarted", "the container was restarted meanwhile", func(name string) { server.Run(t, "restart", "--time", "0", name) }},
		{"removed", "the container was removed meanwhile", func(name string) { server.Run(t, "rm", "--force", name) }},
		{"renamed", "the container was renamed to another meanwhile", func(name string) {
			server.Run(t, "rename", name, "another")
			server.Run(t, "exec", "another", "touch", "/go")
		}},
		{"replaced", "the container was removed meanwhile", func(name string) {
			server.Run(t, "rm", "--force", name)
			start(t, server, name)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			start(t, server, test.name)
			err := e.In(test.name).Run(t.Context(), script(waits, func() { test.event(test.name) }))
			var exit *providers.ExitError
			if err == nil || !strings.Contains(err.Error(), test.want) || errors.As(err, &exit) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("engine restarted", func(t *testing.T) {
		start(t, server, "box")
		err := e.In("box").Run(t.Context(), script(waits, func() {
			if err := server.Restart(t.Context()); err != nil {
				t.Error(err)
			}
		}))
		if err == nil {
			t.Error("a command whose engine was restarted is a success")
		}
	})
}

func TestPausedWhileItRuns(t *testing.T) {
	server := testenv.Docker(t)
	e := reach(t, server)
	start(t, server, "box")
	ctx, cancel := context.WithCancel(t.Context())
	err := e.In("box").Run(ctx, script(`echo begun; sleep 1000`, func() {
		pause(t, server, "box")
		cancel()
	}))
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the command may run on") {
		t.Errorf("got %v", err)
	}
	server.Run(t, "unpause", "box")
	alone(t, server, "box")
}

// cutting is a host whose connections can be cut.
type cutting struct {
	providers.Dialer
	mu   sync.Mutex
	made []net.Conn
}

func (c *cutting) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	connection, err := c.Dialer.Dial(ctx, network, address)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = append(c.made, connection)
	return connection, err
}

func (c *cutting) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, connection := range c.made {
		connection.Close()
	}
}

func TestACutConnectionEndsTheCommand(t *testing.T) {
	server := testenv.Docker(t)
	start(t, server, "box")
	host := &cutting{Dialer: local.New().(providers.Dialer)}
	e, err := newEngine(host, server.Socket, usualTiming())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`echo begun; sleep 1000`, `trap '' TERM PIPE; while :; do echo begun; sleep 1; done`, `(sleep 1000; sleep 1000) & (trap '' TERM; sleep 1000) & echo begun; wait`} {
		err := e.In("box").Run(t.Context(), script(text, host.cut))
		if !errors.Is(err, providers.ErrTemporary) {
			t.Errorf("got %v", err)
		}
		alone(t, server, "box")
	}
}

func TestStartAndStop(t *testing.T) {
	server := testenv.Docker(t)
	e := reach(t, server)
	start(t, server, "box", "--label", "com.docker.compose.project=ims", "--label", "com.docker.compose.service=web",
		"--health-cmd", "true", "--health-interval", "100ms", "--user", "nobody")
	var found providers.Container
	for found.Health != "healthy" {
		list, err := e.Find(t.Context(), "b?x", "nothing_*")
		if err != nil || len(list) != 1 {
			t.Fatalf("got %+v, %v", list, err)
		}
		found = list[0]
	}
	if found.Name != "box" || found.Project != "ims" || found.Service != "web" || found.Image != testenv.Tiny || !strings.HasPrefix(found.ImageID, "sha256:") ||
		found.State != "running" || found.Created.IsZero() || found.Started.Before(found.Created) {
		t.Errorf("got %+v", found)
	}
	var who strings.Builder
	if err := e.In("box").Run(t.Context(), providers.Command{Arguments: []string{"id", "-un"}, Stdout: &who}); err != nil || who.String() != "nobody\n" {
		t.Errorf("it ran as %q, %v", who.String(), err)
	}
	for _, step := range []struct {
		do    func(context.Context, string) error
		state string
	}{{e.Start, "running"}, {e.Stop, "exited"}, {e.Stop, "exited"}, {e.Start, "running"}} {
		if err := step.do(t.Context(), found.ID); err != nil {
			t.Fatal(err)
		}
		if now, err := e.Container(t.Context(), "box"); err != nil || now.State != step.state || now.ID != found.ID {
			t.Errorf("got %+v, %v, want it %s", now, err, step.state)
		}
	}
	if err := e.Start(t.Context(), "missing"); err == nil {
		t.Error("what is not there was started")
	}
	if list, err := e.Find(t.Context(), "[a"); err == nil {
		t.Errorf("a broken pattern found %+v", list)
	}
}
