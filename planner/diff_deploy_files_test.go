package planner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
)

// TestDeploysOfWhatIsNotCommitted: files that are not committed are a difference of their own, which no restart brings.
func TestDeploysOfWhatIsNotCommitted(t *testing.T) {
	for name, test := range map[string]struct {
		runs, has  string // the digests of what runs and of the working copy
		allowed    bool
		strategy   string
		unhealthy  bool
		want       []string
		wantDigest string
	}{
		"it is wanted": {has: "d1", allowed: true, strategy: "auto", wantDigest: "d1",
			want: []string{"deploy change deploy.ims: aaaaaaa with 1 file that is not committed; strategy hybrid: the only one that can be taken"}},
		"it is wanted, and a container is down": {has: "d1", allowed: true, strategy: "auto", unhealthy: true, wantDigest: "d1",
			want: []string{"deploy change deploy.ims: aaaaaaa with 1 file that is not committed; strategy hybrid: the only one that can be taken"}},
		"it is wanted by a restart": {has: "d1", allowed: true, strategy: "local",
			want: []string{"blocked change deploy.ims: aaaaaaa with 1 file that is not committed; but strategy local, which is declared, cannot be taken: other files are wanted, and it only restarts what is there [failed]"}},
		"it runs": {runs: "d1", has: "d1", allowed: true, strategy: "auto"},
		"it runs, and a container is down": {runs: "d1", has: "d1", allowed: true, strategy: "auto", unhealthy: true, wantDigest: "d1",
			want: []string{"deploy drift deploy.ims: what runs is not what is declared: web is exited; strategy local: the revision is there"}},
		"it was committed or thrown away": {runs: "d1", allowed: true, strategy: "hybrid",
			want: []string{"deploy change deploy.ims: aaaaaaa with what was not committed → aaaaaaa; strategy hybrid: declared"}},
		"it is not allowed any more": {runs: "d1", has: "d1", strategy: "hybrid",
			want: []string{"blocked change deploy.ims: aaaaaaa with what was not committed → aaaaaaa; but strategy hybrid, which is declared, cannot be taken: 1 file is not committed: commit it, or set allow_uncommitted [failed]"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newYoungScene(t)
			s.deploy("ims", func(d *spec.Deploy, v *providers.DeployInspection) {
				d.Strategy, d.Target.AllowUncommitted = test.strategy, test.allowed
				v.Revisions.Wanted, v.Revisions.Digest, v.Revisions.Changes, v.Revisions.Commits = commitA, test.has, nil, nil
				v.Site.Current.Digest, v.Site.Current.Uncommitted = test.runs, test.runs != ""
				if test.has != "" {
					v.Revisions.Uncommitted = []string{"app.py"}
				}
				if test.unhealthy {
					v.Site.Drift, v.Site.Drifted = []string{"web is exited"}, []string{"web"}
					v.Site.Containers = []providers.Container{{Service: "web", State: "exited"}}
				}
			})
			plan := s.diff()
			if difference := cmp.Diff(test.want, lines(plan)); difference != "" {
				t.Errorf("-want +got:\n%s", difference)
			}
			if len(plan.Actions) == 0 {
				return
			}
			if deploy, ok := plan.Actions[0].(*Deploy); ok && (deploy.Digest != test.wantDigest || deploy.Uncommitted != (test.wantDigest != "")) {
				t.Errorf("the digest is %q", deploy.Digest)
			}
		})
	}
}

// TestRestartAskedFor: "-strategy local" restarts what runs, whatever is wanted, and never says that it brought that.
func TestRestartAskedFor(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*spec.Deploy, *providers.DeployInspection)
		want   string
	}{
		"another revision is wanted": {want: "deploy change deploy.ims: aaaaaaa runs, and is restarted as asked for; bbbbbbb, which is wanted, is not deployed by that; strategy local: asked for"},
		"the wanted one runs": {change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Revisions.Wanted = commitA },
			want: "deploy change deploy.ims: aaaaaaa runs, and is restarted as asked for; strategy local: asked for"},
		"nobody knows what is wanted": {change: func(_ *spec.Deploy, v *providers.DeployInspection) {
			v.Revisions = providers.RevisionsView{Err: errNoRoute}
		}, want: "deploy change deploy.ims: aaaaaaa runs, and is restarted as asked for; strategy local: asked for"},
		"the remote has another history": {change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Revisions.OtherHistory = true },
			want: "deploy change deploy.ims: aaaaaaa runs, and is restarted as asked for; bbbbbbb, which is wanted, is not deployed by that; strategy local: asked for"},
		"nothing runs": {change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Site.Current, v.Site.Running = nil, "" },
			want: "blocked change deploy.ims: nothing is known to run → bbbbbbb; but strategy local, which is asked for, cannot be taken: nothing is deployed yet that could be restarted [failed]"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newYoungScene(t)
			s.deploy("ims", test.change)
			plan, err := Deploying(s.spec, s.document, s.observed, DeployOptions{Strategy: "local"}, s.now)
			if err != nil {
				t.Fatal(err)
			}
			if difference := cmp.Diff([]string{test.want}, lines(plan)); difference != "" {
				t.Errorf("-want +got:\n%s", difference)
			}
			if deploy, ok := plan.Actions[0].(*Deploy); ok && deploy.To != commitA {
				t.Errorf("it says that %s runs then", deploy.To)
			}
		})
	}
	t.Run("by -again alone", func(t *testing.T) {
		s := newYoungScene(t)
		s.deploy("ims", func(d *spec.Deploy, _ *providers.DeployInspection) { d.Strategy = "auto" })
		plan, err := Deploying(s.spec, s.document, s.observed, DeployOptions{Again: true}, s.now)
		if err != nil {
			t.Fatal(err)
		}
		if deploy, ok := plan.Actions[0].(*Deploy); !ok || deploy.Strategy == "local" || deploy.To != commitB {
			t.Errorf("got %q", lines(plan))
		}
	})
}
