package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/internal/testenv/stack"
)

// TestOperationsStory does what docs/operations.md tells of every day, with the test stack: an old folder is found, backed up and
// cleaned away; what runs at night is run by the systemd and the cron that its files are written for; a backup that fails is
// heard of and recovers; two people share a state; and CI gets files that its linters let pass.
func TestOperationsStory(t *testing.T) {
	s := newStory(t)
	s.oldFolder()
	s.nights()
	s.failure()
	s.people()
	s.workflows()
}

// story is the test stack with those who live with it.
type story struct {
	*stack.Stack
	t *testing.T
	// commands and configurations are those of the page, by section.
	commands, configurations map[string][]string
	notices                  *notices
	// now is the moment that imsctl takes for now; zero for the clock's.
	now time.Time
}

// newStory starts the stack, with an operator whose notices come here and whose state can be on a server.
func newStory(t *testing.T) *story {
	t.Helper()
	program, err := exec.LookPath("imsctl")
	if err != nil {
		t.Fatal(err)
	}
	started, err := stack.Start(t.Context(), program)
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, errors.ErrUnsupported) {
		testenv.Skip(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := started.Close(); err != nil {
			t.Error(err)
		}
	})
	page := readText(t, filepath.Join(repository, "docs", "operations.md"))
	s := &story{Stack: started, t: t, commands: fenced(page, "sh"), configurations: fenced(page, "hcl"), notices: listenForNotices(t)}
	s.change("bin/imsctl", "http://127.0.0.1:9/", s.notices.server.URL)
	s.change("bin/imsctl", "exec ", "export IMSCTL_STATE_URL='"+s.Scratch.URL("postgres")+"'\nexec ")
	// Days pass here in no time, and an engine whose clock is days off is not cleaned up.
	s.change("ims.hcl", sweeping, "")
	s.smallDisk()
	var progress strings.Builder
	if err := s.Up(t.Context(), &progress); err != nil {
		t.Fatal(err, progress.String())
	}
	if err := s.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// sweeping is the block of the example that removes what Docker keeps.
const sweeping = `cleanup "docker" "vm" {
  host       = host.ssh.vm
  older_than = "10d"
  when {
    disk_above = 80
  }
}
`

// change replaces a text that must be in a file of the operator.
func (s *story) change(name, old, replacement string) {
	s.t.Helper()
	path := filepath.Join(s.Operator, name)
	text := readText(s.t, path)
	if !strings.Contains(text, old) {
		s.t.Fatalf("%s has no %q:\n%s", name, old, text)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(text, old, replacement, 1)), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// smallDisk puts the folders of the machine on a disk of their own, which the old system has almost filled, and on which a script of the
// new system still works in the folder of the old one.
func (s *story) smallDisk() {
	s.t.Helper()
	s.change("stack.auto.vars.hcl", "services ", "disk         = \"/home/eciroma\"\nservices ")
	output, err := s.Docker.Shell(s.t.Context(), `set -e
		cp -a /home/eciroma /run/kept
		mount -t tmpfs -o size=64m tmpfs /home/eciroma
		cp -a /run/kept/. /home/eciroma && rm -r /run/kept
		cd /home/eciroma
		head -c 62M /dev/zero >inventory-system/dump-2023.sql
		printf '#!/bin/sh\ncat /home/eciroma/inventory-system/notes/leia-me.txt\n' >inventory-system-novo/scripts/report.sh`).CombinedOutput()
	if err != nil {
		s.t.Fatalf("making a small disk: %v: %s", err, output)
	}
}

// says sees to it that an output has all of these.
func (s *story) says(output string, wanted ...string) {
	s.t.Helper()
	for _, text := range wanted {
		if !regexp.MustCompile(text).MatchString(output) {
			s.t.Errorf("there is no %q in:\n%s", text, output)
		}
	}
}

// section runs the commands of a section of the page, and returns what each of them said.
func (s *story) section(heading string) []string {
	s.t.Helper()
	if len(s.commands[heading]) == 0 {
		s.t.Fatalf("the page has no commands in %q", heading)
	}
	var outputs []string
	for _, line := range s.commands[heading] {
		outputs = append(outputs, s.operate(line))
	}
	return outputs
}

// operate runs a line of the page, at whose end it may say with which exit status it ends.
func (s *story) operate(line string) string {
	s.t.Helper()
	want := 0
	if _, comment, found := strings.Cut(line, "# exit status "); found {
		want = int(comment[0] - '0')
	}
	command := s.operator("bash", "-c", line)
	output, _ := command.CombinedOutput()
	s.t.Logf("$ %s\n%s", line, output)
	if got := command.ProcessState.ExitCode(); got != want {
		s.t.Fatalf("%s: exit status %d, want %d", line, got, want)
	}
	return string(output)
}

// operator is a command of the operator, at the moment that is now.
func (s *story) operator(program string, arguments ...string) *exec.Cmd {
	if own := filepath.Join(s.Operator, "bin", program); program == "imsctl" {
		program = own
	}
	command := exec.CommandContext(s.t.Context(), program, arguments...)
	command.Dir = s.Operator
	command.Env = append(os.Environ(), "COLUMNS=1000", "PATH="+filepath.Join(s.Operator, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	if !s.now.IsZero() {
		command.Env = append(command.Env, "IMSCTL_TEST_NOW="+s.now.Format(time.RFC3339))
	}
	return command
}

// oldFolder retires the folder of the old system, which fills the disk.
func (s *story) oldFolder() {
	commands := s.commands["An old folder is in the way"]
	if len(commands) != 9 {
		s.t.Fatalf("the section has other commands: %q", commands)
	}
	old := "/home/eciroma/inventory-system"
	s.says(s.operate(commands[0]), `FAIL +check\.disk\.vm`, `FAIL +check\.paths\.scripts`, `scripts/report\.sh:2: cat `+old+`/notes`)
	s.says(s.operate(commands[1]), `no verified backup`, `check\.paths\.scripts`)
	for _, command := range commands[2:5] {
		s.operate(command)
	}
	s.says(s.operate(commands[5]), `verified backup of .* in 2 destinations`, "Apply complete")
	s.says(s.operate(commands[6]), `in the trash since .*-inventory-system`)
	s.operate("ssh vm test ! -e " + old)
	s.now = time.Now().UTC().AddDate(0, 0, 8)
	s.says(s.operate(commands[7]), "Apply complete")
	s.says(s.operate(commands[8]), `ok +check\.disk\.vm`)
	s.operate("ssh vm 'test -z \"$(ls -A /home/eciroma/.imsctl-trash 2>/dev/null)\"'")
}

// nights has the generated files run by those that they are for.
func (s *story) nights() {
	s.section("Every night")
	before := s.artifacts()
	s.runUnit()
	taken := s.artifacts()
	if len(taken) < len(before)+5 {
		s.t.Errorf("the unit has backed up nothing: %v, before %v", taken, before)
	}
	s.now = s.now.AddDate(0, 0, 1)
	s.runCrontab(func() bool { return len(s.artifacts()) >= len(taken)+5 })
	if heard := s.notices.heard(); len(heard) > 0 {
		s.t.Errorf("all is well, and was told: %v", heard)
	}
}

// artifacts are the backups that are recorded.
func (s *story) artifacts() []string {
	s.t.Helper()
	output, err := s.operator("imsctl", "state", "list").Output()
	if err != nil {
		s.t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(output)) {
		_, id, _ := strings.Cut(line, "#")
		id, _, _ = strings.Cut(id, " ")
		list = append(list, id)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// failure is a night in which the database does not run.
func (s *story) failure() {
	s.now = s.now.AddDate(0, 0, 2)
	commands := s.commands["When a backup fails"]
	for i, line := range commands {
		s.operate(line)
		heard := s.notices.heard()
		switch {
		case strings.Contains(line, "exit status 1"):
			if !slices.Contains(heard, "failure backup.database") || !slices.Contains(heard, "overdue backup.database") {
				s.t.Errorf("a backup has failed, and was told: %v", heard)
			}
		case i == len(commands)-1:
			if !slices.Contains(heard, "recovered backup.database") || slices.ContainsFunc(heard, func(h string) bool { return strings.HasPrefix(h, "failure") }) {
				s.t.Errorf("all is well again, and was told: %v", heard)
			}
		case len(heard) > 0:
			s.t.Errorf("%s: was told %v", line, heard)
		}
	}
}
