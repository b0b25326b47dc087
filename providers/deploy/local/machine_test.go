package local

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv/release"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/deploytest"
	"github.com/castrolanda/imsctl/providers/deploy/hybrid"
)

var shared release.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// TestPlainProject restarts a clone that somebody brought up by hand, and makes anew what is not as the compose file says.
func TestPlainProject(t *testing.T) {
	o := deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, nil)
	o.Project.Install(t, release.Good1)
	poll := o.Project.Poll(t)
	poll.Await(t, release.Good1)
	before := o.Project.Containers(t)
	both := []string{"web", "worker"}
	if activation, err := o.Activate(t.Context(), providers.Release{}); err != nil || !slices.Equal(activation.Services, both) {
		t.Fatalf("restarted were %v, %v", activation.Services, err)
	}
	poll.Await(t, release.Good1)
	after := o.Project.Containers(t)
	for _, name := range both {
		if after[name].ID != before[name].ID || after[name].Started == before[name].Started || after[name].Health != "healthy" {
			t.Errorf("%s: %+v, then %+v", name, before[name], after[name])
		}
	}
	// Another configuration is a reason to make a container anew; one that was stopped is started.
	o.Project.Machine.Run(t, "cd "+o.Project.Path+" && sed -i 's/GREETING=.*/GREETING=changed/' .env && docker compose stop worker")
	before = after
	if activation, err := o.Activate(t.Context(), providers.Release{}); err != nil || !slices.Equal(activation.Services, both) {
		t.Fatalf("restarted were %v, %v", activation.Services, err)
	}
	after = o.Project.Containers(t)
	if after["web"].ID == before["web"].ID || after["worker"].ID != before["worker"].ID || after["worker"].State != "running" {
		t.Errorf("%+v, then %+v", before, after)
	}
	// What is there cannot get well: that is said, with why.
	o.Project.Machine.Run(t, "cd "+o.Project.Path+" && echo exit 1 >web/check")
	if _, err := o.Activate(t.Context(), providers.Release{}); err == nil || !strings.Contains(err.Error(), "web is unhealthy") {
		t.Errorf("a project that is not healthy: %v", err)
	}
}

// TestRelease restarts the current release, also when somebody has changed it, and compares with what compose needs for it.
func TestRelease(t *testing.T) {
	o := deploytest.New(t, shared.Machine(t), release.Options{}, hybrid.Provider().Deploy, nil)
	o.Deploy(t, release.Good1)
	restart, err := newDeployer(o.Environment, o.Target)
	if err != nil {
		t.Fatal(err)
	}
	o.Project.Machine.Run(t, "echo edited >"+o.Project.Path+"/current/web/page")
	poll := o.Project.Poll(t)
	before := o.Project.Containers(t)
	begun := time.Now()
	activation, err := restart.Activate(t.Context(), providers.Release{})
	took := time.Since(begun)
	if err != nil || !slices.Equal(activation.Services, []string{"web", "worker"}) {
		t.Fatalf("restarted were %v, %v", activation.Services, err)
	}
	poll.Await(t, "edited")
	t.Log(poll.Stop())
	if after := o.Project.Containers(t); after["web"].ID != before["web"].ID || after["web"].Started == before["web"].Started {
		t.Errorf("%+v, then %+v", before, after)
	}
	begun = time.Now()
	o.Project.Machine.Login(t, "cd "+o.Project.Path+"/current && docker compose --project-name "+o.Project.Name+" restart && docker compose --project-name "+o.Project.Name+" up --detach --no-recreate --wait")
	t.Logf("local took %s, docker compose restart and the wait for health %s", took.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond))
}

// TestNothingThere has nothing that could be restarted.
func TestNothingThere(t *testing.T) {
	o := deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, nil)
	if err := o.Stage(context.Background(), providers.Release{}); err != nil {
		t.Error(err)
	}
	if _, err := o.Activate(t.Context(), providers.Release{}); err == nil || !strings.Contains(err.Error(), "nothing to restart") {
		t.Errorf("an empty folder: %v", err)
	}
}
