package deploytest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv/release"
	"github.com/castrolanda/imsctl/providers"
)

// Releases deploys revisions one after another with a strategy that brings releases: only what a revision changes is made anew, and
// somebody answers all the time but for the restart.
func Releases(t *testing.T, o *Operator) {
	t.Helper()
	if first := o.Deploy(t, release.Good1); !slices.Equal(first.Services, []string{"web", "worker"}) {
		t.Errorf("the first release brought up %v", first.Services)
	}
	poll := o.Project.Poll(t)
	poll.Await(t, release.Good1)
	if second := o.Deploy(t, release.Good2); !slices.Equal(second.Services, []string{"web", "worker"}) {
		t.Errorf("both services are others in good2, and %v were restarted", second.Services)
	}
	poll.Await(t, release.Good2)
	before := o.Project.Containers(t)
	o.Project.Checkout(t, release.Good3)
	third := o.Release(release.Good3)
	activation, err := o.Bring(t, third)
	if err != nil {
		t.Fatal(err)
	}
	poll.Await(t, release.Good3)
	if after := o.Project.Containers(t); after["worker"] != before["worker"] || !slices.Equal(activation.Services, []string{"web"}) {
		t.Errorf("only web is another one in good3, and %v were restarted: %+v, %+v", activation.Services, before, after)
	}
	seen := poll.Stop()
	t.Log(seen)
	if got := strings.Join(seen.Revisions(), " "); got != "good1 good2 good3" {
		t.Errorf("revisions that answered: %s", got)
	}
	o.CheckFiles(t, third)
	if left := o.Listing(t); left != "" {
		t.Errorf("left over: %s", left)
	}
	if head := o.Project.Remote.Head(t, "main"); head != third.Commit {
		t.Errorf("the remote is at %s", head)
	}
	// Once more is nothing at all; a host that did it alone tells what it did.
	before = o.Project.Containers(t)
	again, err := o.Bring(t, third)
	if after := o.Project.Containers(t); err != nil || !maps.Equal(after, before) {
		t.Errorf("the second time: %+v, then %+v, %v", before, after, err)
	}
	if _, alone := o.Deployer.(providers.Autonomous); !alone && len(again.Services) > 0 {
		t.Errorf("the second time %v were restarted", again.Services)
	}
	inspection := o.Inspect(t.Context())
	if inspection.Site.Err != nil || len(inspection.Site.Drift) > 0 || inspection.Site.Running != third.Commit {
		t.Errorf("the site: %+v", inspection.Site)
	}
}

// Interrupted breaks the connection at each command of staging, before or after it in turns, and repeats from there: the release
// is whole in the end, and nothing else is left.
func Interrupted(t *testing.T, o *Operator) {
	t.Helper()
	o.Deploy(t, release.Good1)
	poll := o.Project.Poll(t)
	poll.Await(t, release.Good1)
	o.Project.Checkout(t, release.Good2)
	next := o.Release(release.Good2)
	steps := 0
	for done := false; !done; {
		steps++
		o.Fault.Break(steps, steps%2 == 0)
		done = o.Stage(t.Context(), next) == nil
		o.Again(t)
	}
	o.Fault.Break(0, false)
	t.Logf("staging was interrupted %d times", steps-1)
	o.CheckFiles(t, next)
	if seen := poll.Report(); strings.Join(seen.Revisions(), " ") != "good1" || seen.Failures > 0 {
		t.Errorf("staging touched what runs: %s", seen)
	}
	if _, err := o.Bring(t, next); err != nil {
		t.Fatal(err)
	}
	poll.Await(t, release.Good2)
	if left := o.Listing(t); left != "" {
		t.Errorf("left over: %s", left)
	}
}
