package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// cleanupSpecification has a folder on another machine that should be gone behind two copies of its backup.
const cleanupSpecification = `
host "ssh" "vm" {
  address     = "127.0.0.1"
  port        = %d
  user        = %q
  key_file    = %q
  known_hosts = %q
}
source "files" "old" {
  host = host.ssh.vm
  path = "/home/ana/inventory-system"
}
destination "local" "one" {
  path = "one"
}
destination "local" "two" {
  path = "two"
}
backup "old" {
  source = source.files.old
  to     = [destination.local.one, destination.local.two]
  once   = true
}
check "paths" "old" {
  host     = host.ssh.vm
  files    = ["/home/ana/*.sh"]
  forbid   = ["/home/ana/inventory-system"]
  severity = "warn"
}
cleanup "directory" "old" {
  host            = host.ssh.vm
  path            = "/home/ana/inventory-system"
  requires_backup = backup.old
  grace           = "7d"
}
`

// cleanupSite is a machine with a folder that should be gone.
type cleanupSite struct {
	*workFolder
	machine *testenv.DockerServer
}

func newCleanupSite(t *testing.T) *cleanupSite {
	t.Helper()
	machine := testenv.Docker(t)
	server := machine.SSH(t)
	s := &cleanupSite{machine: machine, workFolder: newWorkFolder(t, map[string]string{"main.hcl": fmt.Sprintf(cleanupSpecification, server.Port, server.User,
		filepath.Join(server.Home, ".ssh/id_ed25519"), filepath.Join(server.Home, ".ssh/known_hosts"))})}
	s.shell("mkdir -p /home/ana/inventory-system/app && echo 'print(1)' >/home/ana/inventory-system/app/main.py && mount -t tmpfs tmpfs /etc/cron.d")
	return s
}

// shell runs a script on the machine.
func (s *cleanupSite) shell(script string) {
	s.t.Helper()
	if output, err := s.machine.Shell(s.t.Context(), "set -e; "+script).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v: %s", script, err, output)
	}
}

// plan is the text of a plan, in one line.
func (s *cleanupSite) plan(code int, arguments ...string) string {
	s.t.Helper()
	return strings.Join(strings.Fields(string(s.run(code, append([]string{"plan"}, arguments...)...))), " ")
}

// says fails the test where a text does not have all of these.
func (s *cleanupSite) says(text string, wants ...string) {
	s.t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			s.t.Fatalf("%q is not in:\n%s", want, text)
		}
	}
}

// settle applies until the folder waits for no newer backup: one that was begun in the moment of the last change does not stand for it.
func (s *cleanupSite) settle() {
	s.t.Helper()
	for range 5 {
		if !strings.Contains(s.plan(exitDone), "which this plan takes") {
			return
		}
		s.run(exitDone, "apply", "-auto-approve")
	}
	s.t.Fatal("no backup is younger than the folder")
}

// TestCleanup goes through all that keeps a folder where it is, then removes it, puts it back, and removes it for good.
func TestCleanup(t *testing.T) {
	s := newCleanupSite(t)
	s.says(s.plan(exitDone), "· cleanup.directory.old", "waits: no verified backup of backup.old, which this plan takes: the next one cleans up")
	s.settle()

	// What uses it, one after the other.
	for _, use := range []struct{ begin, end, want string }{
		{"docker run -d --name web -v /home/ana/inventory-system/app:/app imsctl/tiny", "docker kill web", "the container web, which is running, mounts /home/ana/inventory-system/app"},
		{"echo '0 2 * * * ana /home/ana/inventory-system/backup.sh' >/etc/cron.d/inventory", "rm /etc/cron.d/inventory", "/etc/cron.d/inventory:1 mentions it: 0 2 * * * ana /home/ana/inventory-system/backup.sh"},
		{"echo 'cd /home/ana/inventory-system' >/home/ana/run.sh", "rm /home/ana/run.sh", "check.paths.old: 1 mention in 1 file of 1"},
		{"cd /home/ana/inventory-system; (sleep 1000000 >/dev/null 2>&1 </dev/null & echo $! >/run/sleeper)", "kill $(cat /run/sleeper)", "works in /home/ana/inventory-system"},
		{"mount -t tmpfs tmpfs /home/ana/inventory-system/app", "umount /home/ana/inventory-system/app", "/home/ana/inventory-system/app is mounted in it"},
	} {
		s.shell(use.begin)
		code := exitDone
		if strings.HasPrefix(use.begin, "mount") {
			code = exitError
		}
		plan := s.plan(code)
		s.says(plan, "· cleanup.directory.old", use.want)
		if strings.Contains(plan, "to clean up") {
			t.Fatalf("it is removed all the same:\n%s", plan)
		}
		s.shell(use.end)
	}
	s.says(s.plan(exitDone), "x cleanup.directory.old", "verified backup of", "in 2 destinations; moved to a trash, and removed after 7d",
		"- the container web, which is exited, mounts /home/ana/inventory-system/app", "- no line of cron and no unit of systemd mentions it", "Plan: 1 to clean up.")

	s.matches("plan", s.run(exitDone, "plan", "-json"))
	s.matches("cleanups", s.run(exitDone, "cleanup", "-json"))

	// What is saved is not done when something was added meanwhile.
	s.run(exitDone, "plan", "-out", "saved.ims")
	s.shell("echo more >/home/ana/inventory-system/more")
	s.run(exitError, "apply", "saved.ims")
	s.shell("test -e /home/ana/inventory-system/more")
	s.says(s.plan(exitDone), "backup.old", "cleanup.directory.old waits for it", "is older than the newest file, which this plan takes")
	s.settle()

	// A copy that is gone counts no more, although the state knows it.
	s.run(exitDone, "plan", "-out", "saved.ims")
	aside := filepath.Join(s.folder, "aside")
	if err := os.Rename(filepath.Join(s.folder, "two"), aside); err != nil {
		t.Fatal(err)
	}
	s.run(exitError, "apply", "saved.ims")
	s.shell("test -e /home/ana/inventory-system")
	if err := os.RemoveAll(filepath.Join(s.folder, "two")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(aside, filepath.Join(s.folder, "two")); err != nil {
		t.Fatal(err)
	}

	s.keepState("before")
	s.says(string(s.run(exitDone, "apply", "-auto-approve")), "moved to /home/ana/.imsctl-trash/")
	s.shell("test ! -e /home/ana/inventory-system && test -e /home/ana/.imsctl-trash/*-inventory-system/app/main.py")
	s.says(s.plan(exitDone), "No changes. Everything declared is true.")
	s.matches("cleanups", s.run(exitDone, "cleanup", "-json"))
	s.matches("plan", s.run(exitDone, "plan", "-json"))
	s.matches("state", s.run(exitDone, "state", "pull"))
	s.says(string(s.run(exitDone, "cleanup")), "cleanup.directory.old\n  nothing to remove\n  in the trash since ", ", removed by an apply after ")

	// An apply that was killed after it moved the folder, and before it recorded that.
	s.keepState("after")
	s.takeState("before")
	s.says(s.plan(exitDone), "moved to the trash at", "and not recorded: recorded now")
	s.run(exitDone, "apply", "-auto-approve")
	s.says(s.plan(exitDone), "No changes.")
	s.takeState("after")

	// Back, and held until it is let go.
	s.shell("mkdir /home/ana/inventory-system")
	s.run(exitError, "cleanup", "-restore", "cleanup.directory.old")
	s.shell("rmdir /home/ana/inventory-system")
	s.says(string(s.documented("-restore")), "Put back from /home/ana/.imsctl-trash/")
	s.shell("test -e /home/ana/inventory-system/app/main.py && test ! -e /home/ana/.imsctl-trash")
	s.says(s.plan(exitDone), "waits: it was put back at", `"imsctl cleanup -again cleanup.directory.old" lets it go`)
	s.run(exitError, "cleanup", "-restore", "cleanup.directory.old")
	s.matches("cleanups", s.run(exitDone, "cleanup", "-json"))
	s.documented("-again")
	s.run(exitError, "cleanup", "-again", "cleanup.directory.old")
	s.run(exitDone, "apply", "-auto-approve")
	s.shell("test ! -e /home/ana/inventory-system")

	// Its grace is over at once.
	s.write("main.hcl", strings.ReplaceAll(string(s.read("main.hcl")), `"7d"`, `"1ms"`))
	s.says(s.plan(exitDone), "x cleanup.directory.old/trash/", "the grace of", "is over since")
	s.says(string(s.run(exitDone, "apply", "-auto-approve")), "freed")
	s.shell("test ! -e /home/ana/.imsctl-trash")
	s.says(s.plan(exitDone), "No changes. Everything declared is true.")
	s.run(exitError, "cleanup", "-restore", "cleanup.directory.old")
	s.run(exitDone, "verify")
}

// documented runs the command that docs/cleanup.md shows with a flag.
func (s *cleanupSite) documented(flag string) []byte {
	s.t.Helper()
	for line := range strings.Lines(readText(s.t, filepath.Join(repository, "docs", "cleanup.md"))) {
		if words := strings.Fields(line); len(words) == 4 && words[0] == "imsctl" && words[1] == "cleanup" && words[2] == flag {
			return s.run(exitDone, "cleanup", flag, strings.Replace(words[3], "old_inventory", "old", 1))
		}
	}
	s.t.Fatalf("docs/cleanup.md shows no imsctl cleanup %s", flag)
	return nil
}

// matches holds what was printed against a published schema.
func (s *cleanupSite) matches(schema string, data []byte) {
	s.t.Helper()
	if err := closedSchemas(s.t).check(schema, data); err != nil {
		s.t.Errorf("%s: %v\n%s", schema, err, data)
	}
}

// keepState keeps a copy of the state, and takeState puts it back.
func (s *cleanupSite) keepState(name string) { s.copyState(".imsctl", name) }
func (s *cleanupSite) takeState(name string) { s.copyState(name, ".imsctl") }

func (s *cleanupSite) copyState(from, to string) {
	s.t.Helper()
	script := fmt.Sprintf("rm -rf %[2]s && cp -a %[1]s %[2]s", from, to)
	command := exec.Command("sh", "-c", script)
	command.Dir = s.folder
	if output, err := command.CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v: %s", script, err, output)
	}
}
