package hybrid

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv/release"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/deploytest"
)

var shared release.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

func TestReleases(t *testing.T) {
	deploytest.Releases(t, deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, nil))
}

func TestInterrupted(t *testing.T) {
	deploytest.Interrupted(t, deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, nil))
}

// TestManyFiles deploys one changed file of a project with many, and tells how long it took until the restart.
func TestManyFiles(t *testing.T) {
	o := deploytest.New(t, shared.Machine(t), release.Options{Files: 10000}, newDeployer, nil)
	o.Deploy(t, release.Good1)
	o.Project.Checkout(t, release.Good3)
	next := o.Release(release.Good3)
	begun := time.Now()
	if err := o.Stage(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	t.Logf("staged in %s", time.Since(begun).Round(time.Millisecond))
	o.CheckFiles(t, next)
}

// TestUncommittedDeploy is refused, and done where it is allowed.
func TestUncommittedDeploy(t *testing.T) {
	o := deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, nil)
	o.Deploy(t, release.Good1)
	poll := o.Project.Poll(t)
	poll.Await(t, release.Good1)
	if err := os.WriteFile(filepath.Join(o.Project.Work, "web", "page"), []byte("edited\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	next := o.Release(release.Good1)
	if err := o.Stage(t.Context(), next); err == nil || !strings.Contains(err.Error(), "web/page") || !strings.Contains(err.Error(), "allow_uncommitted") {
		t.Errorf("what is not committed was not refused: %v", err)
	}
	o.Target.AllowUncommitted = true
	o.Again(t)
	next.Uncommitted = true
	activation, err := o.Bring(t, next)
	if err != nil || !slices.Equal(activation.Services, []string{"web"}) {
		t.Fatalf("%v were restarted, %v", activation.Services, err)
	}
	poll.Await(t, "edited")
}

// TestRemoteDown deploys although the remote cannot be reached, and says so.
func TestRemoteDown(t *testing.T) {
	o := deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, nil)
	o.Project.Remote.Down()
	defer o.Project.Remote.Up()
	activation := o.Deploy(t, release.Good1)
	if len(activation.Warnings) == 0 || !strings.Contains(activation.Warnings[0], "the remote does not have") {
		t.Errorf("warnings: %q", activation.Warnings)
	}
}

// TestNoWorkingCopy has nothing to send.
func TestNoWorkingCopy(t *testing.T) {
	o := deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, func(_ *release.Project, target *providers.DeployTarget) {
		target.WorkingCopy = t.TempDir()
	})
	if err := o.Stage(t.Context(), o.Release(release.Good1)); err == nil || !strings.Contains(err.Error(), "working copy") {
		t.Errorf("staging without a working copy: %v", err)
	}
}

// TestDiskFull stops before anything is touched, and goes on when there is room.
func TestDiskFull(t *testing.T) {
	o := deploytest.New(t, shared.Machine(t), release.Options{Disk: 8 << 20}, newDeployer, nil)
	o.Deploy(t, release.Good1)
	o.Project.Fill(t)
	o.Project.Checkout(t, release.Good2)
	next := o.Release(release.Good2)
	var exit *providers.ExitError
	if err := o.Stage(t.Context(), next); err == nil || errors.Is(err, providers.ErrTemporary) && !errors.As(err, &exit) {
		t.Errorf("staging on a full disk: %v", err)
	} else {
		t.Log(err)
	}
	o.Project.Free(t)
	if _, err := o.Bring(t, next); err != nil {
		t.Fatal(err)
	}
	o.CheckFiles(t, next)
}
