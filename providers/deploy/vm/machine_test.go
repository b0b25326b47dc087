package vm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/testenv/release"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/deploytest"
	"github.com/castrolanda/imsctl/providers/deploy/git"
	"github.com/castrolanda/imsctl/providers/deploy/hybrid"
)

var shared release.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

func operator(t *testing.T) *deploytest.Operator {
	t.Helper()
	return deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, nil)
}

func TestReleases(t *testing.T) {
	deploytest.Releases(t, operator(t))
}

// TestReturns deploys what does not get well, or cannot be migrated: the release before runs again, and the error tells why.
func TestReturns(t *testing.T) {
	o := operator(t)
	o.Deploy(t, release.Good1)
	poll := o.Project.Poll(t)
	poll.Await(t, release.Good1)
	for revision, words := range map[string][]string{
		release.Sick:      {"went back", "web is unhealthy"},
		release.Migration: {"the hook migrate"},
	} {
		o.Project.Push(t, revision)
		bad := o.Release(revision)
		_, err := o.Bring(t, bad)
		if err == nil {
			t.Fatalf("%s was deployed", revision)
		}
		t.Log(err)
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q is not in: %v", revision, word, err)
			}
		}
		poll.Await(t, release.Good1)
		// Who asks again gets the same answer.
		o.Again(t)
		if _, again := o.Bring(t, bad); again == nil || again.Error() != err.Error() {
			t.Errorf("the second time: %v", again)
		}
	}
	t.Log(poll.Stop())
	if left := o.Listing(t); left != "" {
		t.Errorf("left over: %s", left)
	}
	inspection := o.Inspect(t.Context())
	if inspection.Site.Err != nil || len(inspection.Site.Drift) > 0 || inspection.Site.Held != nil {
		t.Errorf("the site: %+v", inspection.Site)
	}
}

// TestSameForm makes the release that runs once more, by another strategy: both write the same of it, but for space, and nothing is restarted.
func TestSameForm(t *testing.T) {
	o := operator(t)
	o.Deploy(t, release.Good1)
	other, err := hybrid.Provider().Deploy(o.Environment, o.Target)
	if err != nil {
		t.Fatal(err)
	}
	alone := path.Base(o.Project.Machine.Run(t, "readlink "+o.Project.Path+"/current"))
	o.Deployer = other
	if activation := o.Deploy(t, release.Good1); len(activation.Services) > 0 {
		t.Errorf("%v were restarted", activation.Services)
	}
	sent := path.Base(o.Project.Machine.Run(t, "readlink "+o.Project.Path+"/current"))
	for _, file := range []string{"seal", "files", "labels.yaml", "images.yaml"} {
		of := func(id string) string {
			text := strings.ReplaceAll(o.Project.Machine.Run(t, "cat "+o.Project.Path+"/.imsctl/releases/"+id+"."+file), id, "ID")
			return strings.Join(strings.Fields(text), "")
		}
		if diff := cmp.Diff(of(sent), of(alone)); diff != "" {
			t.Errorf("%s (-site +host):\n%s", file, diff)
		}
	}
}

// TestUnknownCommit asks for what the remote does not have.
func TestUnknownCommit(t *testing.T) {
	o := operator(t)
	o.Project.Remote.Down()
	if _, err := o.Bring(t, o.Release(release.Good1)); err == nil || !strings.Contains(err.Error(), "fetching the commit") {
		t.Errorf("a remote that is down: %v", err)
	}
	o.Project.Remote.Up()
	nowhere := o.Release(release.Good2)
	nowhere.Commit = strings.Repeat("12", 20)
	if _, err := o.Bring(t, nowhere); !errors.Is(err, providers.ErrUntouched) || !strings.Contains(err.Error(), "never pushed") {
		t.Errorf("a commit that is nowhere: %v", err)
	}
	next := o.Release(release.Good1)
	next.Uncommitted = true
	if _, err := o.Bring(t, next); !errors.Is(err, providers.ErrUntouched) || !strings.Contains(err.Error(), "not committed") {
		t.Errorf("what is not committed: %v", err)
	}
	o.Project.Push(t, release.Other)
	if _, err := o.Bring(t, o.Release(release.Good1)); !errors.Is(err, providers.ErrUntouched) || !errors.Is(err, git.ErrOtherHistory) {
		t.Errorf("a remote with another history: %v", err)
	}
}

// gated is an operator whose hook migrate waits for a file.
type gated struct {
	*deploytest.Operator
	poll *release.Polling
	next providers.Release
	done chan struct{}
	// What came of begin.
	activation providers.Activation
	err        error
}

const gate = "/home/.gate"

// newGated deploys Good1 and is about to deploy Good2.
func newGated(t *testing.T) *gated {
	t.Helper()
	g := &gated{Operator: deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, func(_ *release.Project, target *providers.DeployTarget) {
		wait := providers.Hook{Moment: providers.Migrate, Command: []string{"sh", "-c", "until [ -e " + gate + " ]; do sleep 0.1; done"}, Timeout: 10 * time.Minute}
		target.Hooks = append([]providers.Hook{wait}, target.Hooks...)
	})}
	g.open(t)
	g.Deploy(t, release.Good1)
	g.poll = g.Project.Poll(t)
	g.poll.Await(t, release.Good1)
	g.Project.Push(t, release.Good2)
	g.next = g.Release(release.Good2)
	g.Project.Machine.Run(t, "rm "+gate)
	return g
}

// open lets the hook go on. No connection is needed for it.
func (g *gated) open(t *testing.T) { g.Project.Machine.Run(t, "touch "+gate) }

// begin begins the deploy and waits until it has come to a phase.
func (g *gated) begin(t *testing.T, ctx context.Context, phase string) {
	t.Helper()
	g.done = make(chan struct{})
	alone := g.Deployer.(*deployer)
	go func() {
		defer close(g.done)
		g.activation, g.err = alone.Run(ctx, g.next, io.Discard)
	}()
	t.Cleanup(func() { <-g.done })
	g.await(t, phase)
}

// await waits until the status of the run has a phase.
func (g *gated) await(t *testing.T, phase string) {
	t.Helper()
	g.Project.Machine.Run(t, "timeout 120 sh -c 'until grep -q \"^[^ ]* "+phase+"\" "+g.folder()+"/status 2>/dev/null; do sleep 0.05; done'")
}

func (g *gated) folder() string { return g.Project.Path + "/.imsctl/run/" + g.next.ID }

// finish waits for the end of what begin has begun, and checks that all is well.
func (g *gated) finish(t *testing.T) {
	t.Helper()
	<-g.done
	if g.err != nil || !slices.Equal(g.activation.Services, []string{"web", "worker"}) {
		t.Fatalf("restarted were %v, %v", g.activation.Services, g.err)
	}
	g.check(t)
}

// check checks that the second release runs, and nothing else is left.
func (g *gated) check(t *testing.T) {
	t.Helper()
	g.poll.Await(t, release.Good2)
	g.CheckFiles(t, g.next)
	if left := g.Listing(t); left != "" {
		t.Errorf("left over: %s", left)
	}
	if applied := g.Project.Machine.Run(t, "cat "+g.Project.Path+"/shared/data/applied"); applied != "001-products\n002-orders" {
		t.Errorf("applied migrations: %q", applied)
	}
	inspection := g.Inspect(t.Context())
	if inspection.Site.Err != nil || len(inspection.Site.Drift) > 0 || inspection.Site.Held != nil {
		t.Errorf("the site: %+v", inspection.Site)
	}
}

// TestDetached loses the connection for good: the host goes on, keeps others out, and its result is picked up later.
func TestDetached(t *testing.T) {
	g := newGated(t)
	holder := providers.DeployHolder{ID: "run-1", By: "ana@laptop", Message: "deploy"}
	_, unlock, err := g.Lock(t.Context(), holder)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g.begin(t, ctx, "migrating")
	cancel()
	if <-g.done; !errors.Is(g.err, context.Canceled) {
		t.Errorf("who does not wait gets %v", g.err)
	}
	if err := unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	lock := g.Project.Path + "/.imsctl/deploy.lock"
	g.Project.Machine.Run(t, "timeout 120 sh -c 'until grep -q \"the host itself\" "+lock+" 2>/dev/null; do sleep 0.1; done'")
	var locked *providers.DeployLockedError
	if _, _, err := g.Lock(t.Context(), holder); !errors.As(err, &locked) {
		t.Errorf("the lock was given to somebody else: %v", err)
	}
	g.Project.Machine.SSH.Refuse(true)
	g.Project.Machine.SSH.Cut()
	g.open(t)
	g.poll.Await(t, release.Good2)
	g.await(t, "end")
	before := g.Project.Containers(t)
	g.Project.Machine.SSH.Refuse(false)
	g.Again(t)
	var output bytes.Buffer
	activation, err := g.Deployer.(*deployer).Run(t.Context(), g.next, &output)
	if err != nil || !slices.Equal(activation.Services, []string{"web", "worker"}) || output.Len() == 0 {
		t.Fatalf("restarted were %v, %v: %s", activation.Services, err, &output)
	}
	if after := g.Project.Containers(t); !maps.Equal(after, before) {
		t.Errorf("picking up the result changed something: %+v, then %+v", before, after)
	}
	g.check(t)
}

// TestKilled kills the process on the host, once alone, so that what it has started works on, and once with all of that.
func TestKilled(t *testing.T) {
	for phase, group := range map[string]string{"migrating": "", "switching": "-"} {
		t.Run(phase, func(t *testing.T) {
			g := newGated(t)
			if phase == "switching" {
				g.open(t)
			}
			g.begin(t, t.Context(), phase)
			g.Project.Machine.Run(t, "kill -9 -- "+group+"$(cat "+g.folder()+"/pid) 2>/dev/null; true")
			g.open(t)
			g.finish(t)
		})
	}
}

// TestReboot takes the power from the machine, and gives it back.
func TestReboot(t *testing.T) {
	g := newGated(t)
	g.begin(t, t.Context(), "migrating")
	g.Project.Machine.Reboot(t)
	g.open(t)
	g.finish(t)
}

// TestOutOfReach cannot reach the machine for longer than one waits.
func TestOutOfReach(t *testing.T) {
	g := newGated(t)
	g.Deployer.(*deployer).patience = 0
	g.begin(t, t.Context(), "migrating")
	g.Project.Machine.SSH.Refuse(true)
	g.Project.Machine.SSH.Cut()
	if <-g.done; !errors.Is(g.err, providers.ErrTemporary) {
		t.Errorf("an open end: %v", g.err)
	}
	g.Project.Machine.SSH.Refuse(false)
	g.open(t)
	g.begin(t, t.Context(), "end")
	g.finish(t)
}

// TestInterruptedRun breaks the connection at each command.
func TestInterruptedRun(t *testing.T) {
	g := newGated(t)
	g.open(t)
	for step := 1; ; step++ {
		g.Deployer.(*deployer).patience = 0
		g.Fault.Break(step, step%2 == 0)
		_, err := g.Deployer.(*deployer).Run(t.Context(), g.next, io.Discard)
		g.Fault.Break(0, false)
		g.Again(t)
		if err == nil {
			break
		}
		if !errors.Is(err, providers.ErrTemporary) {
			t.Fatal(err)
		}
	}
	g.check(t)
}
