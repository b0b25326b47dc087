package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv/release"
	"github.com/castrolanda/imsctl/state"
	statelocal "github.com/castrolanda/imsctl/state/local"
)

// The places at which a deploy can be held up, in the order in which it comes to them.
const (
	whileBackingUp   = "backing up"
	whileChecking    = "checking"
	whileStaged      = "migrating"
	whileActivating  = "starting"
	whileVerifying   = "verifying"
	whileRollingBack = "rolling back"
)

// shop is a specification that deploys the application of package release, and can be held up everywhere.
type shop struct {
	t       *testing.T
	project *release.Project
	options release.Options
	// folder is that of the specification, declared its text without a strategy, variables the environment of imsctl.
	folder, declared string
	variables        []string
	barriers         map[string]*release.Barrier
	revisions        *int
	// strategy is the one that is declared.
	strategy string
}

// shopSpec has the placeholders that newShop replaces.
const shopSpec = `
host "ssh" "vm" {
  address = "127.0.0.1"
  port    = PORT
  user    = "USER"
}
source "command" "data" {
  command = ["sh", "-c", "BACKINGUP; echo data"]
}
destination "local" "disk" {
  path = "disk"
}
backup "data" {
  source = source.command.data
  to     = [destination.local.disk]
  every  = "1ms"
}
check "command" "before" {
  command = ["sh", "-c", "CHECKING"]
  timeout = "5m"
}
check "command" "after" {
  command = ["sh", "-c", "VERIFYING"]
  timeout = "5m"
}
check "http" "health" {
  url       = "URL/health"
  timeout   = "30s"
  interval  = "50ms"
  retries   = 0
  successes = 5
}
check "http" "model" {
  url       = "URL/ml/validate"
  timeout   = "30s"
  interval  = "50ms"
  retries   = 0
  successes = 5
  contains  = "\"accuracy\":0.9"
}
deploy "shop" {
  host          = host.ssh.vm
  path          = "PATH"
  repository    = "REMOTE"
  working_copy  = "WORK"
  strategy      = "STRATEGY"
  shared        = ["data"]
  keep_releases = 3
  before {
    backup  = [backup.data]
    max_age = "1h"
    checks  = [check.command.before]
  }
  after {
    checks      = [check.command.after, check.http.health, check.http.model]
    timeout     = "30s"
    interval    = "100ms"
    min_healthy = "200ms"
    watch       = "100ms"
  }
  hook "migrate" {
    command = ["sh", "-c", "STAGED"]
  }
  hook "migrate" {
    service = "web"
    command = ["sh", "/srv/migrations/run"]
  }
  hook "after_deploy" {
    command = ["sh", "-c", "[ ! -e PATH/shared/data/bad ]"]
  }
  hook "on_rollback" {
    command = ["sh", "-c", "ROLLINGBACK"]
  }
}
`

// newShop makes a shop, of which nothing is deployed yet, for one of the strategies.
func newShop(t *testing.T, machine *release.Machine, strategy string, options release.Options) *shop {
	t.Helper()
	s := &shop{t: t, project: machine.Project(t, options), options: options, folder: t.TempDir(), barriers: make(map[string]*release.Barrier), revisions: new(int)}
	s.variables = append(os.Environ(), machine.Environment()...)
	replaced := []string{"PORT", fmt.Sprint(machine.SSH.Port), "USER", machine.SSH.User, "URL", s.project.URL, "PATH", s.project.Path,
		"REMOTE", s.project.Remote.SSH, "WORK", s.project.Work}
	for place, word := range map[string]string{whileBackingUp: "BACKINGUP", whileChecking: "CHECKING", whileStaged: "STAGED", whileVerifying: "VERIFYING", whileRollingBack: "ROLLINGBACK"} {
		barrier := release.NewBarrier(t)
		barrier.Open(t)
		s.barriers[place] = barrier
		script := barrier.Script()
		if place == whileChecking || place == whileVerifying {
			// A plan asks the checks too, before anybody has the lock.
			script = "if [ -e '" + s.path(".imsctl/deploy.lock") + "' ]; then " + script + "; fi"
		}
		script = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `${`, `$${`).Replace(script)
		replaced = append(replaced, word, script)
	}
	s.declared = strings.NewReplacer(replaced...).Replace(shopSpec)
	s.declare(strategy)
	return s
}

// declare writes the specification, with one of the strategies.
func (s *shop) declare(strategy string) {
	s.t.Helper()
	s.strategy = strategy
	if err := os.WriteFile(filepath.Join(s.folder, "shop.hcl"), []byte(strings.Replace(s.declared, "STRATEGY", strategy, 1)), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// on is the shop for a test within the test that made it.
func (s *shop) on(t *testing.T) *shop {
	within := *s
	within.t = t
	return &within
}

// running is an apply in a process of its own.
type running struct {
	command *exec.Cmd
	// output must not be read before the end.
	output bytes.Buffer
	ended  chan struct{}
	// arrived are how many had come to the barriers before.
	arrived map[string]int
}

// start starts a command of imsctl in the folder of the specification.
func (s *shop) start(arguments ...string) *running {
	s.t.Helper()
	r := &running{command: exec.Command("imsctl", arguments...), ended: make(chan struct{}), arrived: make(map[string]int)}
	for place, barrier := range s.barriers {
		r.arrived[place] = barrier.Arrived(s.t)
	}
	r.command.Dir, r.command.Env = s.folder, s.variables
	r.command.Stdout, r.command.Stderr = &r.output, &r.output
	if err := r.command.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		_ = r.command.Wait() // the exit status says it
	}()
	s.t.Cleanup(func() { r.kill() })
	return r
}

// kill ends it as kill -9 does, where it has not ended.
func (r *running) kill() {
	_ = r.command.Process.Kill() // the error is that it has ended already
	<-r.ended
}

// wait waits for the end and returns the exit status.
func (r *running) wait() int {
	<-r.ended
	return r.command.ProcessState.ExitCode()
}

// apply applies and returns the exit status and what was said.
func (s *shop) apply(options ...string) (int, string) {
	s.t.Helper()
	r := s.start(append([]string{"apply", "-auto-approve"}, options...)...)
	code := r.wait()
	return code, r.output.String()
}

// open deploys what the working repository has, after which there is something to go back to.
func (s *shop) open() {
	s.t.Helper()
	if code, said := s.apply("-allow-no-rollback"); code != exitDone || s.phase("") != "promoted" {
		s.t.Fatalf("the first deploy ends with %d: %s", code, said)
	}
}

// revise makes one more revision, which answers with the name that is returned.
func (s *shop) revise(others map[string]string) string {
	s.t.Helper()
	*s.revisions++
	name := fmt.Sprintf("r%d", *s.revisions)
	s.project.Revise(s.t, name, others)
	return name
}

// releases are the deploys that the state knows.
func (s *shop) releases() []*state.Release {
	s.t.Helper()
	document, err := statelocal.New(filepath.Join(s.folder, ".imsctl", "state.json"), clock.System{}, "test").Read(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return document.ReleasesOf("deploy.shop")
}

// path is a path in the project's folder on the machine, on this side. With a disk of its own the machine must be on, and stay so.
func (s *shop) path(name string) string {
	s.t.Helper()
	inside := filepath.Join(s.project.Path, name)
	if s.options.Disk == 0 {
		return filepath.Join(s.project.Machine.Docker.Home, strings.TrimPrefix(inside, "/home/"))
	}
	outside, err := s.project.Machine.Docker.File(inside)
	if err != nil {
		s.t.Fatal(err)
	}
	return outside
}

// data is a path in the data that all releases have in common.
func (s *shop) data(name string) string {
	s.t.Helper()
	return s.path(filepath.Join("shared", "data", name))
}

// hold has a deploy held up at a place from now on.
func (s *shop) hold(place string) {
	s.t.Helper()
	if place != whileActivating {
		s.barriers[place].Shut(s.t)
		return
	}
	s.removeData("held")
	if err := os.WriteFile(s.data("hold"), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// await waits until a deploy of a revision is held up there.
func (s *shop) await(place, revision string, r *running) {
	s.t.Helper()
	defer func() {
		if s.t.Failed() {
			r.kill()
			s.t.Log(r.output.String())
		}
	}()
	if place != whileActivating {
		s.barriers[place].Await(s.t, r.arrived[place]+1, r.ended)
		return
	}
	for limit := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		held, _ := os.ReadFile(s.data("held"))
		if strings.TrimSpace(string(held)) == revision {
			return
		}
		select {
		case <-r.ended:
			s.t.Fatal("it ended before a service started")
		default:
		}
		if time.Now().After(limit) {
			s.t.Fatal("no service starts")
		}
	}
}

// letGo ends holding up.
func (s *shop) letGo(place string) {
	s.t.Helper()
	if place != whileActivating {
		s.barriers[place].Open(s.t)
		return
	}
	s.removeData("hold")
}

// removeData removes a file from the data, if it is there.
func (s *shop) removeData(name string) {
	s.t.Helper()
	if err := os.Remove(s.data(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Fatal(err)
	}
}
