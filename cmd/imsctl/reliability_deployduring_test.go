package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv/release"
)

// TestDuringDeploy does what others may do while somebody deploys: they read the logs through it, and deploy as well.
func TestDuringDeploy(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes an engine and many deploys")
	}
	s := newShop(t, deployMachine.Machine(t), "hybrid", release.Options{})
	works := func(name string) map[string]string {
		return map[string]string{"worker/work": "echo working as " + name + "\nwhile :; do date >/tmp/working; sleep 1; done\n"}
	}
	s.revise(works("the first"))
	s.open()
	logs := s.follow("logs", "-f", "-n", "-1")
	logs.await(t, "working as the first")

	first, revision := s.newest(), s.revise(works("the second"))
	s.hold(whileStaged)
	r := s.start("apply", "-auto-approve")
	s.await(whileStaged, revision, r)
	other := s.withState(t.TempDir())
	code, said := other.apply()
	if words := strings.Join(strings.Fields(said), " "); code != exitError || !strings.Contains(words, "the deploy lock is held by") || !strings.Contains(words, "deploy of") {
		t.Errorf("another state deploys at once, and that ends with %d: %s", code, said)
	}
	again := s.start("apply", "-auto-approve", "-state-lock-timeout=0s")
	if code := again.wait(); code != exitError || !strings.Contains(again.output.String(), "lock") {
		t.Errorf("the same state deploys at once, and that ends with %d: %s", code, again.output.String())
	}
	s.letGo(whileStaged)
	if code := r.wait(); code != exitDone || s.phase(first) != "promoted" {
		t.Errorf("it ended with %d as %s: %s", code, s.phase(first), r.output.String())
	}
	logs.await(t, "working as the second")
	logs.interrupt(t)
	if code, said := other.apply(); code != exitDone {
		t.Errorf("another state, when nothing is left to do, ends with %d: %s", code, said)
	}
	if os.Getenv(allVariable) != "" {
		s.takenOver(other)
	}
}

// takenOver takes the power from a host that deploys alone, and nobody comes back but another state, as that of an agent there. It has to wait
// until the lock is old enough to be that of somebody dead.
func (s *shop) takenOver(other *shop) {
	s.t.Helper()
	s.declare("vm")
	revision := s.revise(nil)
	s.hold(whileStaged)
	r := s.start("apply", "-auto-approve")
	s.await(whileStaged, revision, r)
	r.kill()
	s.project.Machine.Reboot(s.t)
	s.letGo(whileStaged)
	said := ""
	for limit := time.Now().Add(5 * time.Minute); time.Now().Before(limit); time.Sleep(time.Second) {
		code := 0
		if code, said = other.apply(); code == exitDone {
			break
		}
	}
	if wrong := s.wrong(s.project.Commit(revision)); wrong != "" {
		s.t.Errorf("%s: %s", wrong, said)
	}
	s.settle(s.project.Commit(revision))
}

// withState is the shop as somebody else has it, with a state of their own.
func (s *shop) withState(folder string) *shop {
	s.t.Helper()
	other := *s
	other.folder = folder
	other.declare(s.strategy)
	return &other
}

// followed is a command that goes on until it is interrupted, and the lines that it prints.
type followed struct {
	command *exec.Cmd
	lines   chan string
}

// follow starts such a command.
func (s *shop) follow(arguments ...string) *followed {
	s.t.Helper()
	f := &followed{command: exec.Command("imsctl", arguments...), lines: make(chan string, 1000)}
	f.command.Dir, f.command.Env = s.folder, s.variables
	output, err := f.command.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := f.command.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(f.lines)
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			f.lines <- scanner.Text()
		}
	}()
	s.t.Cleanup(func() { _ = f.command.Process.Kill() }) // the error is that it has ended already
	return f
}

// await waits for a line that has a text.
func (f *followed) await(t *testing.T, text string) {
	t.Helper()
	limit := time.NewTimer(2 * time.Minute)
	defer limit.Stop()
	for {
		select {
		case line, more := <-f.lines:
			if strings.Contains(line, text) {
				return
			}
			if !more {
				t.Fatalf("it ended before it said %q", text)
			}
		case <-limit.C:
			t.Fatalf("%q is not said", text)
		}
	}
}

// interrupt interrupts the command, which is how it is meant to end.
func (f *followed) interrupt(t *testing.T) {
	t.Helper()
	if err := f.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for range f.lines { // to the end of the output, before which Wait must not be called
	}
	if err := f.command.Wait(); err != nil {
		t.Error(err)
	}
}
