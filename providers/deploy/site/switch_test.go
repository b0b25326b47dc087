package site

import (
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv/release"
	"github.com/castrolanda/imsctl/providers/host/local"
)

var thisMachine = local.New()

// TestReleases deploys four revisions one after another and goes back: only what a revision changes is made anew.
func TestReleases(t *testing.T) {
	o := deployer(t, release.Options{}, nil)
	one, two := o.release("20260101T000000Z", release.Good1, ""), o.release("20260102T000000Z", release.Good2, "")
	three, four := o.release("20260103T000000Z", release.Good3, ""), o.release("20260104T000000Z", release.Good4, "")
	first := o.deploy(t, one)
	if !slices.Equal(first.Services, []string{"web", "worker"}) {
		t.Errorf("the first release brought up %v", first.Services)
	}
	poll := o.project.Poll(t)
	poll.Await(t, release.Good1)
	if got := o.deploy(t, two); !slices.Equal(got.Services, []string{"web", "worker"}) {
		t.Errorf("Good2 changes both services, not %v", got.Services)
	}
	poll.Await(t, release.Good2)
	before := o.project.Containers(t)
	if got := o.deploy(t, three); !slices.Equal(got.Services, []string{"web"}) {
		t.Errorf("Good3 changes web, not %v", got.Services)
	}
	poll.Await(t, release.Good3)
	if now := o.project.Containers(t); now["worker"] != before["worker"] {
		t.Errorf("the worker was touched: %+v, %+v", before["worker"], now["worker"])
	}
	before = o.project.Containers(t)
	if got := o.deploy(t, four); !slices.Equal(got.Services, []string{"worker"}) {
		t.Errorf("Good4 changes the worker, not %v", got.Services)
	}
	if now := o.project.Containers(t); now["web"] != before["web"] {
		t.Errorf("web was touched: %+v, %+v", before["web"], now["web"])
	}
	seen := o.Inspect(t.Context())
	if seen.Site.Err != nil || seen.Revisions.Err != nil {
		t.Fatal(seen.Site.Err, seen.Revisions.Err)
	}
	if len(seen.Site.Drift) > 0 || seen.Site.Current.ID != four.ID || seen.Site.Back != three.ID || len(seen.Site.Releases) != 4 {
		t.Errorf("%+v", seen.Site)
	}

	// Web sees the files of the third release still, which must stay for it.
	gone, err := o.Prune(t.Context(), 1)
	if err != nil || !slices.Equal(gone, []string{one.ID, two.ID}) {
		t.Errorf("removed %v, %v", gone, err)
	}
	if got := o.deploy(t, four); len(got.Services) > 0 {
		t.Errorf("nothing was to be done, and %v were touched", got.Services)
	}
	back, err := o.Return(t.Context(), three)
	if err != nil || !slices.Equal(back.Services, []string{"worker"}) {
		t.Errorf("the way back touches the worker: %v, %v", back.Services, err)
	}
	poll.Await(t, release.Good3)
	if report := poll.Stop(); !slices.Equal(report.Revisions(), []string{"good1", "good2", "good3"}) {
		t.Errorf("%v", report)
	} else {
		t.Log(report)
	}
	if left := o.project.Machine.Run(t, "ls "+o.project.Path+"/releases"); !strings.Contains(left, four.ID) {
		t.Errorf("left: %s", left)
	}
}
