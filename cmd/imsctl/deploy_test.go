package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv/release"
	"github.com/castrolanda/imsctl/planner"
)

// storySpecification deploys the project of a test, behind a backup and checks.
func storySpecification(p *release.Project) string {
	return fmt.Sprintf(`
host "ssh" "vm" {
  address = "vm"
}
source "files" "data" {
  host = host.ssh.vm
  path = %[1]q
  exclude = ["releases", ".imsctl"]
}
destination "local" "here" {
  path = "backups"
}
backup "data" {
  source = source.files.data
  to     = [destination.local.here]
  every  = "30d"
}
check "http" "web" {
  url     = %[2]q
  retries = 0
}
check "http" "ml" {
  url     = %[3]q
  retries = 0
}
deploy "shop" {
  host         = host.ssh.vm
  path         = %[1]q
  project      = %[4]q
  repository   = %[5]q
  working_copy = %[6]q
  strategy     = "hybrid"
  shared       = ["data"]
  before {
    backup  = [backup.data]
    max_age = "1h"
    checks  = [check.http.web]
  }
  after {
    checks      = [check.http.web, check.http.ml]
    timeout     = "30s"
    interval    = "100ms"
    min_healthy = "300ms"
    watch       = "300ms"
  }
}
`, p.Path, p.URL+"/health", p.URL+"/ml/validate", p.Name, p.Remote.SSH, p.Work)
}

// TestDeployStory deploys as people do: a first time over what was brought up by hand, then a good revision, one that never gets
// healthy, and back by hand.
func TestDeployStory(t *testing.T) {
	machine := deployMachine.Machine(t)
	p := machine.Project(t, release.Options{})
	p.Install(t, release.Good1)
	w := newWorkFolder(t, map[string]string{"main.hcl": storySpecification(p)})
	w.environment = append(w.environment, machine.Environment()...)
	show := func(code int, line string) string {
		t.Helper()
		output := string(w.run(code, strings.Fields(line)...))
		t.Logf("$ imsctl %s\n%s", line, output)
		return output
	}
	poll := p.Poll(t)
	show(exitDone, "plan")
	p.Checkout(t, release.Good2)
	show(exitDone, "deploy -explain")
	show(exitDone, "plan")
	show(exitError, "apply -auto-approve")
	show(exitDone, "apply -auto-approve -allow-no-rollback")
	poll.Await(t, release.Good2)
	show(exitDone, "plan -detailed-exitcode")
	p.Checkout(t, release.Good3)
	before := p.Containers(t)
	show(exitDone, "deploy -auto-approve")
	poll.Await(t, release.Good3)
	if after := p.Containers(t); after["worker"] != before["worker"] {
		t.Errorf("the worker was touched: %v, before %v", after["worker"], before["worker"])
	}
	p.Git(t, "checkout", release.Sick, "--", ".")
	p.Git(t, "commit", "--quiet", "--message", "feat: search")
	if output := show(exitError, "apply -auto-approve"); !strings.Contains(output, "rolling back") {
		t.Error("it was not gone back from")
	}
	poll.Await(t, release.Good3)
	if output := show(exitError, "plan"); !strings.Contains(output, "was gone back from") {
		t.Error("it would be deployed again")
	}
	show(exitError, "deploy -auto-approve")
	show(exitDone, "rollback -auto-approve")
	poll.Await(t, release.Good2)
	if output := show(exitError, "plan"); !strings.Contains(output, "was gone back from") {
		t.Error("what was gone back from by hand would be deployed again")
	}
	show(exitError, "rollback -auto-approve -to nothing")
	// What was gone back from is not what a second rollback goes to.
	show(exitError, "rollback -auto-approve")
	poll.Await(t, release.Good2)
	if output := show(exitDone, "deploy -auto-approve -strategy local"); !strings.Contains(output, planner.Abbreviated(p.Commit(release.Good2))+" runs, and is restarted as asked for") {
		t.Error("a restart says something else")
	}
	poll.Await(t, release.Good2)
	if output := show(exitError, "plan"); !strings.Contains(output, "was gone back from") {
		t.Error("the restart is said to have deployed what is wanted")
	}
	show(exitDone, "releases")
	show(exitDone, "logs -n 3")
	t.Log(poll.Stop())
}
