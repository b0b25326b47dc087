package site

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv/release"
	"github.com/castrolanda/imsctl/providers"
)

// TestPlainProject looks at a project that was brought up by hand, and takes it over.
func TestPlainProject(t *testing.T) {
	o := deployer(t, release.Options{}, nil)
	empty := o.Inspect(t.Context())
	if empty.Site.Err != nil || empty.Site.Running != "" || empty.Site.Current != nil || len(empty.Site.Containers) > 0 || empty.Site.FreeBytes <= 0 || empty.Site.TotalBytes < empty.Site.FreeBytes {
		t.Errorf("an empty folder: %+v", empty.Site)
	}
	if empty.Revisions.Err != nil || empty.Revisions.Wanted != o.project.Commit(release.Good1) || empty.Revisions.Known {
		t.Errorf("an empty folder: %+v", empty.Revisions)
	}
	if way := empty.Site.Remote; way == nil || way.Err != nil || way.Seconds <= 0 {
		t.Errorf("the remote as the host sees it: %+v", way)
	}
	o.project.Remote.Down()
	if way := o.Inspect(t.Context()).Site.Remote; way == nil || way.Err == nil {
		t.Errorf("a remote that is down, as the host sees it: %+v", way)
	}
	o.project.Remote.Up()
	o.project.Install(t, release.Good1)
	o.project.Checkout(t, release.Good2)
	seen := o.Inspect(t.Context())
	if seen.Site.Err != nil || seen.Site.Running != o.project.Commit(release.Good1) || len(seen.Site.Containers) != 2 || len(seen.Site.Drift) > 0 {
		t.Errorf("a plain project: %+v", seen.Site)
	}
	if wait := seen.Site.WaitTimeout; wait < time.Minute || len(seen.Site.Unchecked) > 0 {
		t.Errorf("health checks may need %s; without are %v", wait, seen.Site.Unchecked)
	}
	revisions := seen.Revisions
	if revisions.Err != nil || revisions.Wanted != o.project.Commit(release.Good2) || !revisions.FromWorkingCopy || !revisions.Known || revisions.OtherHistory ||
		len(revisions.Commits) == 0 || len(revisions.Changes) == 0 || revisions.Subject == "" || revisions.RemoteHead != o.project.Commit(release.Good1) {
		t.Errorf("a plain project: %+v", revisions)
	}

	o.change(t, "one")
	one := o.Inspect(t.Context()).Revisions
	o.change(t, "two")
	two := o.Inspect(t.Context()).Revisions
	if one.Err != nil || len(one.Uncommitted) != 1 || one.Uncommitted[0] != "added" || len(one.Digest) == 0 || one.Digest == two.Digest {
		t.Errorf("what is not committed: %+v, %+v", one, two)
	}
	if err := os.Remove(filepath.Join(o.project.Work, "added")); err != nil {
		t.Fatal(err)
	}

	// What is shared moves, and the first release runs on the data of the plain project.
	o.deploy(t, o.release("20260101T000000Z", release.Good2, ""))
	if applied := o.file(t, "shared/data/applied"); applied != "001-products" {
		t.Errorf("the shared data has %q", applied)
	}
	if applied := o.file(t, "data/applied"); applied != "001-products" {
		t.Errorf("the plain project sees %q", applied)
	}
	if seen := o.Inspect(t.Context()); seen.Site.Err != nil || len(seen.Site.Drift) > 0 || seen.Site.Running != o.project.Commit(release.Good2) || len(seen.Revisions.Changes) > 0 {
		t.Errorf("taken over: %+v", seen)
	}
	o.drift(t)
	o.elsewhere(t)
}

// change writes a file that is not committed.
func (o *operator) change(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(o.project.Work, "added"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// drift changes what runs behind the back of the release, and looks for it.
func (o *operator) drift(t *testing.T) {
	t.Helper()
	machine := o.project.Machine
	machine.Run(t, "docker stop -t 0 $(docker ps -q --filter label=com.docker.compose.project="+o.project.Name+" --filter label=com.docker.compose.service=worker)")
	seen := o.Inspect(t.Context()).Site
	if !slices.Equal(seen.Drifted, []string{"worker"}) || !strings.Contains(strings.Join(seen.Drift, "\n"), "worker is exited") {
		t.Errorf("a stopped service: %q, %v", seen.Drift, seen.Err)
	}
	t.Log(o.Evidence(t.Context()))
	machine.Run(t, "docker run --detach --name stray --label com.docker.compose.project="+o.project.Name+" --label com.docker.compose.service=stray --label com.docker.compose.oneoff=False imsctl/tiny:latest")
	defer machine.Run(t, "docker rm --force stray")
	seen = o.Inspect(t.Context()).Site
	if !slices.Contains(seen.Drifted, "stray") {
		t.Errorf("a stray container: %q, %v", seen.Drift, seen.Err)
	}
	machine.Run(t, "docker rm --force $(docker ps -aq --filter label=com.docker.compose.project="+o.project.Name+" --filter label=com.docker.compose.service=worker)")
	seen = o.Inspect(t.Context()).Site
	if !strings.Contains(strings.Join(seen.Drift, "\n"), "worker is not there") {
		t.Errorf("a missing service: %q, %v", seen.Drift, seen.Err)
	}
}

// elsewhere looks at the same compose project from the wrong folders.
func (o *operator) elsewhere(t *testing.T) {
	t.Helper()
	machine := o.project.Machine
	machine.Run(t, "mkdir -p /home/stale && git clone --quiet "+o.project.Remote.Folder+" /home/stale/old && git -C /home/stale/old remote set-url origin "+o.project.Remote.SSH)
	defer machine.Run(t, "rm -rf /home/stale")
	target := o.target
	target.Path = "/home/stale/old"
	target.Project = o.project.Name
	if err := site(t, target, nil).Inspect(t.Context()).Site.Err; err == nil || !strings.Contains(err.Error(), `path = "`+o.project.Path+`"`) {
		t.Errorf("the stale folder: %v", err)
	}
	machine.Run(t, "git -C /home/stale/old remote set-url origin git@example.org:other/project.git")
	if err := site(t, target, nil).Inspect(t.Context()).Site.Err; err == nil || !strings.Contains(err.Error(), "is a clone of git@example.org:other/project.git") {
		t.Errorf("a clone of something else: %v", err)
	}
	target.Path = "/home/stale/missing"
	if err := site(t, target, nil).Inspect(t.Context()).Site.Err; err == nil || !strings.Contains(err.Error(), "there is no folder /home/stale/missing on vm") {
		t.Errorf("a missing folder: %v", err)
	}
}

// TestRevisionsOfAnotherHistory has the remote's branch forced elsewhere.
func TestRevisionsOfAnotherHistory(t *testing.T) {
	o := deployer(t, release.Options{}, nil)
	o.project.Push(t, release.Good3)
	if seen := o.Inspect(t.Context()).Revisions; seen.Err != nil || seen.FromWorkingCopy || seen.Wanted != o.project.Commit(release.Good3) {
		t.Errorf("the remote is ahead: %+v", seen)
	}
	o.change(t, "behind")
	if seen := o.Inspect(t.Context()).Revisions; seen.Err != nil || len(seen.Uncommitted) > 0 || seen.LeftOut != 1 || seen.CheckedOut != o.project.Commit(release.Good1) {
		t.Errorf("the remote is ahead of a working copy with changes: %+v", seen)
	}
	o.project.Push(t, release.Other)
	if seen := o.Inspect(t.Context()).Revisions; seen.Err == nil || !strings.Contains(seen.Err.Error(), "force-pushed") {
		t.Errorf("the branch was forced: %+v", seen)
	}
	allowed := o.target
	allowed.AllowOtherHistory = true
	if seen := site(t, allowed, nil).Inspect(t.Context()).Revisions; seen.Err != nil || seen.Wanted != o.project.Commit(release.Other) {
		t.Errorf("the branch was forced, which is allowed: %+v", seen)
	}
	pinned := o.target
	pinned.Revision = release.Good2
	if seen := site(t, pinned, nil).Inspect(t.Context()).Revisions; seen.Err != nil || seen.Wanted != o.project.Commit(release.Good2) {
		t.Errorf("a pinned revision: %+v", seen)
	}
	pinned.Revision = "nonsense"
	if seen := site(t, pinned, nil).Inspect(t.Context()).Revisions; seen.Err == nil {
		t.Errorf("an unknown revision: %+v", seen)
	}
	// Without a working copy, the mirror on the machine is asked.
	mirrored := o.target
	mirrored.WorkingCopy = t.TempDir()
	if seen := site(t, mirrored, nil).Inspect(t.Context()).Revisions; seen.Err != nil || seen.FromWorkingCopy || seen.Wanted != o.project.Commit(release.Other) {
		t.Errorf("without a working copy: %+v", seen)
	}
	o.project.Remote.Down()
	defer o.project.Remote.Up()
	if seen := o.Inspect(t.Context()).Revisions; seen.Err != nil || seen.RemoteErr == nil || !seen.FromWorkingCopy {
		t.Errorf("the remote is down: %+v", seen)
	}
}

// TestBrokenComposeFile: it is refused when the release is sealed, with its line, and nothing is left that looks like a release.
func TestBrokenComposeFile(t *testing.T) {
	o := deployer(t, release.Options{}, func(target *providers.DeployTarget) { target.Shared = nil })
	broken := o.release("20260101T000000Z", release.Broken, "")
	err := o.stage(t, broken)
	// Two services are wrong, and compose tells of the one that it comes to first, in no fixed order.
	wrong := regexp.MustCompile(`compose\.yaml, line (8: services\.web|28: services\.worker)\.restart must be a string`)
	if err == nil || !wrong.MatchString(err.Error()) {
		t.Errorf("a broken compose file: %v", err)
	}
	if _, err := o.Switch(t.Context(), broken); err == nil || !strings.Contains(err.Error(), "there is no release") {
		t.Errorf("what was not sealed was activated: %v", err)
	}
	if err := o.stage(t, o.release("20260102T000000Z", release.Good1, "")); err == nil || !strings.Contains(err.Error(), `shared = ["data"]`) {
		t.Errorf("data in a release: %v", err)
	}
	other := o.target
	other.Compose = "compose.yml"
	if err := (&operator{site(t, other, nil), o.project, other}).stage(t, o.release("20260103T000000Z", release.Good1, "")); err == nil || !strings.Contains(err.Error(), "there is compose.yaml") {
		t.Errorf("a missing compose file: %v", err)
	}
	if gone, err := o.Prune(t.Context(), 1); err != nil || len(gone) > 0 {
		t.Errorf("%v, %v", gone, err)
	}
	if left := o.project.Machine.Run(t, "ls "+o.project.Path+"/releases"); left != "" {
		t.Errorf("left: %s", left)
	}
}

// TestSickRelease is switched to, does not get well, says why, and is gone back from.
func TestSickRelease(t *testing.T) {
	o := deployer(t, release.Options{}, func(target *providers.DeployTarget) {
		target.Hooks = []providers.Hook{
			{Moment: providers.Migrate, Service: "web", Command: []string{"sh", "/srv/migrations/run"}, Timeout: time.Minute},
			{Moment: providers.BeforeDeploy, Command: []string{"sh", "-c", `echo "$IMSCTL_RELEASE $IMSCTL_PREVIOUS in $(pwd)"`}, Timeout: time.Minute},
			{Moment: providers.AfterDeploy, Service: "worker", Command: []string{"sh", "-c", `echo inside "$IMSCTL_COMMIT"; hostname`}, Timeout: time.Minute},
			{Moment: providers.OnRollback, Command: []string{"sh", "-c", "echo going; sleep 1000"}, Timeout: 100 * time.Millisecond},
		}
	})
	good := o.release("20260101T000000Z", release.Good2, "")
	o.deploy(t, good)
	o.hooks(t, good)
	sick := o.release("20260102T000000Z", release.Sick, good.ID)
	if err := o.stage(t, sick); err != nil {
		t.Fatal(err)
	}
	following, stop := context.WithCancel(t.Context())
	logs := newLines()
	done := make(chan error, 1)
	go func() { done <- o.Logs(following, []string{"web"}, -1, true, logs) }()
	o.say(t, "before the deploy")
	logs.await(t, "web | before the deploy\n")
	_, err := o.Switch(t.Context(), sick)
	if err == nil || !strings.Contains(err.Error(), "web is unhealthy") {
		t.Errorf("a sick release: %v", err)
	}
	t.Log(err)
	evidence := strings.Join(o.Evidence(t.Context()), "\n")
	if !strings.Contains(evidence, "web health check: ") {
		t.Errorf("the evidence: %s", evidence)
	}
	t.Log(evidence)
	poll := o.project.Poll(t)
	if _, err := o.Return(t.Context(), good); err != nil {
		t.Error(err)
	}
	poll.Await(t, release.Good2)
	poll.Stop()
	// Web was made anew twice by now, and is still listened to; also over a connection that breaks.
	o.say(t, "after the deploy")
	logs.await(t, "web | after the deploy\n")
	o.project.Machine.SSH.Cut()
	o.say(t, "after the cut")
	logs.await(t, "web | after the cut\n")
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if text := logs.String(); strings.Count(text, "before the deploy") != 1 || strings.Count(text, "after the deploy") != 1 || strings.Contains(text, "worker") {
		t.Errorf("the logs: %s", text)
	}
	last := newLines()
	if err := o.Logs(t.Context(), nil, 1, false, last); err != nil || !strings.Contains(last.String(), "web | after the cut\n") || strings.Contains(last.String(), "after the deploy") {
		t.Errorf("the last lines: %s, %v", last, err)
	}
	if err := o.Logs(t.Context(), []string{"wep"}, 1, true, last); err == nil || !strings.Contains(err.Error(), `no service "wep" has a container; there is web, worker`) {
		t.Errorf("the logs of a service that there is not: %v", err)
	}
	migration := o.release("20260103T000000Z", release.Migration, good.ID)
	if err := o.stage(t, migration); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	err = o.Hook(t.Context(), providers.Migrate, migration, &said)
	var exit *providers.ExitError
	if !errors.As(err, &exit) || !strings.Contains(err.Error(), "the hook migrate") {
		t.Errorf("a migration that fails: %v", err)
	}
	t.Log(err)
	if left := o.project.Machine.Run(t, "docker ps -aq --filter label=com.docker.compose.oneoff=True"); left != "" {
		t.Errorf("left: %s", left)
	}
}

// hooks runs hooks that go well, and one that never ends.
func (o *operator) hooks(t *testing.T, good providers.Release) {
	t.Helper()
	good.Previous = "before"
	var said strings.Builder
	for _, moment := range []providers.Moment{providers.BeforeDeploy, providers.Migrate, providers.AfterDeploy} {
		if err := o.Hook(t.Context(), moment, good, &said); err != nil {
			t.Error(err)
		}
	}
	for _, want := range []string{good.ID + " before in " + o.Folder(good.ID), "applying 001-products", "applying 002-orders", "inside " + good.Commit} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("%q is not in %q", want, said.String())
		}
	}
	if err := o.Hook(t.Context(), providers.OnRollback, good, nil); err == nil || !strings.Contains(err.Error(), "was not done after 100ms") {
		t.Errorf("a hook that never ends: %v", err)
	}
}

// say has the service web write a line to its log.
func (o *operator) say(t *testing.T, text string) {
	t.Helper()
	o.project.Machine.Run(t, "docker exec $(docker ps -q --filter label=com.docker.compose.project="+o.project.Name+" --filter label=com.docker.compose.service=web) sh -c 'echo "+text+" >/proc/1/fd/1'")
}
