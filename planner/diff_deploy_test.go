package planner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/planner/strategy"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Commits of the scenes.
var (
	commitA = strings.Repeat("a", 40)
	commitB = strings.Repeat("b", 40)
	commitC = strings.Repeat("c", 40)
)

// deploy declares a deploy of which commitA runs, promoted as release "ra", and commitB is wanted.
func (s *scene) deploy(name string, change func(*spec.Deploy, *providers.DeployInspection)) *spec.Deploy {
	deploy := &spec.Deploy{
		Address: "deploy." + name, Name: name, Strategy: "hybrid", Rollback: true,
		Target: providers.DeployTarget{Address: "deploy." + name, Path: "/srv/ims", Branch: "main"},
	}
	current := providers.ReleaseRecord{Release: providers.Release{ID: "ra", Commit: commitA}, Promoted: true}
	older := providers.ReleaseRecord{Release: providers.Release{ID: "r0", Commit: commitC}, Promoted: true}
	view := &providers.DeployInspection{
		Revisions: providers.RevisionsView{Wanted: commitB, Subject: "Add a shelf", Known: true,
			Changes: []providers.FileChange{{Path: "app.py", Kind: 'M'}}, Commits: []providers.Commit{{Hash: commitB, Subject: "fix: add a shelf"}}},
		Site: providers.SiteView{Current: &current, Running: commitA, Releases: []providers.ReleaseRecord{older, current}, Back: "r0", FreeBytes: -1},
	}
	if change != nil {
		change(deploy, view)
	}
	s.spec.Deploys = append(s.spec.Deploys, deploy)
	if s.observed.Deploys == nil {
		s.observed.Deploys = make(map[string]*providers.DeployInspection)
	}
	s.observed.Deploys[deploy.Address] = view
	return deploy
}

// deployed records a deploy of a commit that came so far, an hour ago.
func (s *scene) deployed(commit string, phases ...state.Phase) *state.Release {
	at := s.now.Add(-hour)
	release := &state.Release{ID: "r" + commit[:1] + fmt.Sprint(len(s.document.Releases)), Address: "deploy.ims", Commit: commit, Strategy: "hybrid", By: "ana@laptop",
		Previous: "ra", PreviousCommit: commitA, Phase: state.Planned, Transitions: []state.Transition{{Phase: state.Planned, At: at}}}
	release.Folder = release.ID
	for i, phase := range phases {
		release = release.Enter(phase, at.Add(time.Duration(i+1)*time.Minute))
	}
	s.document.Releases = append(s.document.Releases, release)
	return release
}

func TestDeploys(t *testing.T) {
	type change = func(*spec.Deploy, *providers.DeployInspection)
	for name, test := range map[string]struct {
		change change
		more   func(*scene)
		want   []string
	}{
		"another revision is wanted": {want: []string{
			"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared"}},
		"the wanted one runs": {change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Site.Running = commitB }},
		"nothing runs": {change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Site = providers.SiteView{FreeBytes: -1} }, want: []string{
			"deploy change deploy.ims: nothing is known to run → bbbbbbb; strategy hybrid: declared; there is no release to go back to, so that apply needs -allow-no-rollback"}},
		"what runs is not known here": {change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Revisions.Known = false }, want: []string{
			"deploy change deploy.ims: aaaaaaa → bbbbbbb; strategy hybrid: declared"}},
		"a container is down": {change: func(_ *spec.Deploy, v *providers.DeployInspection) {
			v.Site.Running, v.Site.Drift = commitB, []string{"web is exited"}
		}, want: []string{"deploy drift deploy.ims: what runs is not what is declared: web is exited; strategy local: the revision is there"}},
		"uncommitted changes stay": {change: func(_ *spec.Deploy, v *providers.DeployInspection) {
			v.Site.Running, v.Revisions.Uncommitted, v.Revisions.Digest = commitB, []string{"app.py"}, "d1"
		}},
		"uncommitted changes come along": {change: func(d *spec.Deploy, v *providers.DeployInspection) {
			d.Target.AllowUncommitted = true
			v.Site.Running, v.Revisions.Uncommitted, v.Revisions.Digest = commitB, []string{"app.py"}, "d1"
		}, want: []string{"deploy change deploy.ims: bbbbbbb with 1 file that is not committed; strategy hybrid: declared"}},
		"uncommitted changes are there": {change: func(d *spec.Deploy, v *providers.DeployInspection) {
			d.Target.AllowUncommitted = true
			v.Site.Running, v.Site.Current.Digest, v.Revisions.Uncommitted, v.Revisions.Digest = commitB, "d1", []string{"app.py"}, "d1"
		}},
		"the host is down": {change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Site.Err = errors.New("no route\nto host") }, want: []string{
			"blocked change deploy.ims: the host cannot be looked at: no route to host [failed]"}},
		"the revision is unknown": {change: func(_ *spec.Deploy, v *providers.DeployInspection) {
			v.Revisions = providers.RevisionsView{Err: errors.New("there is no branch mian")}
		}, want: []string{"blocked change deploy.ims: it is not known which revision should run: there is no branch mian [failed]"}},
		"another history": {change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Revisions.OtherHistory = true }, want: []string{
			"blocked change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); but bbbbbbb does not descend from what runs, as after a forced push: set allow_other_history when that is meant [failed]"}},
		"another history is meant": {change: func(d *spec.Deploy, v *providers.DeployInspection) {
			v.Revisions.OtherHistory, d.Target.AllowOtherHistory = true, true
		}, want: []string{"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared"}},
		"frozen": {change: func(d *spec.Deploy, _ *providers.DeployInspection) {
			d.Freezes = []spec.Freeze{{Name: "sales", From: sceneNow.Add(-day), To: sceneNow.Add(day)}}
		}, want: []string{`blocked change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); but "sales" is frozen until 2026-11-23 12:00 UTC`}},
		"somebody deploys": {change: held, want: []string{
			`blocked change deploy.ims: the deploy lock is held by bob@desk (process 7) for "deploy" since 2m0s ago, last heard of 1s ago; if that is over, "imsctl deploy -break-lock x1" takes it away [failed]`}},
		"a young backup stands behind it": {
			change: func(d *spec.Deploy, _ *providers.DeployInspection) {
				d.BackupsBefore, d.MaxAge = []string{database}, 2*hour
			},
			want: []string{"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared"}},
		"the backup is too old": {
			change: func(d *spec.Deploy, _ *providers.DeployInspection) {
				d.BackupsBefore, d.MaxAge = []string{database}, 30*time.Minute
			},
			want: []string{
				"backup change db: deploy.ims needs a backup that is not older than 30m; the last verified one is 60m old to a",
				"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared after db"}},
		"no backup for what already runs": {change: func(d *spec.Deploy, v *providers.DeployInspection) {
			d.BackupsBefore, d.MaxAge, v.Site.Running = []string{database}, 30*time.Minute, commitB
		}},
		"the backup cannot be taken": {
			change: func(d *spec.Deploy, _ *providers.DeployInspection) {
				d.BackupsBefore, d.MaxAge = []string{database}, 30*time.Minute
			},
			more: func(s *scene) { s.observed.Sources["source.command.database"] = &SourceView{Err: errNoRoute} },
			want: []string{
				"blocked change db: deploy.ims needs a backup that is not older than 30m; the last verified one is 60m old; but source.command.database cannot be read: no route to host [failed]",
				"blocked change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared; but db, which must be taken first, cannot be [failed]"}},
		"it was gone back from": {
			more: func(s *scene) {
				s.deployed(commitB, state.Deploying, state.RollingBack, state.RolledBack)
				s.document.Releases[0].Error = "check.http.web failed: 500\nweb said: oops"
			},
			want: []string{`blocked change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); but bbbbbbb was gone back from 57m ago: check.http.web failed: 500. Deploy another revision, or this one with "imsctl deploy -again ims" [failed]`}},
		"a container is down, as it was when that was last put right only on the way back": {
			change: func(_ *spec.Deploy, v *providers.DeployInspection) {
				v.Site.Running, v.Site.Current.Commit, v.Site.Drift = commitB, commitB, []string{"web is exited"}
			},
			more: func(s *scene) {
				made := s.deployed(commitB, state.Deploying, state.RollingBack, state.RolledBack)
				made.Folder, made.PreviousCommit = "ra", commitB
			},
			want: []string{"deploy drift deploy.ims: what runs is not what is declared: web is exited; strategy local: the revision is there"}},
		"it was gone back from by hand": {
			more: func(s *scene) {
				s.deployed(commitB, state.Deploying, state.Promoted)
				back := s.deployed(commitA, state.Deploying, state.Promoted)
				back.Strategy, back.PreviousCommit = Rollback, commitB
			},
			want: []string{`blocked change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); but bbbbbbb was gone back from by ana@laptop 58m ago. Deploy another revision, or this one with "imsctl deploy -again ims" [failed]`}},
		"it was gone back from before it could be tried": {
			more: func(s *scene) {
				s.deployed(commitB, state.Deploying, state.RollingBack, state.RolledBack)
				s.document.Releases[0].Untouched = true
			},
			want: []string{"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared"}},
		"it was gone back from because the host was out of reach": {
			more: func(s *scene) {
				made := s.deployed(commitB, state.Deploying, state.RollingBack, state.RolledBack)
				made.Interrupted, made.Error = true, "the SSH connection to vm broke"
			},
			want: []string{"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared; " +
				"tried once more: bbbbbbb was gone back from 57m ago, because the host could not be reached: the SSH connection to vm broke"}},
		"the host was out of reach twice": {
			more: func(s *scene) {
				for range 2 {
					made := s.deployed(commitB, state.Deploying, state.RollingBack, state.RolledBack)
					made.Interrupted, made.Error = true, "the SSH connection to vm broke"
				}
			},
			want: []string{"blocked change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); but bbbbbbb was gone back from 57m ago, because the host could not be reached: the SSH connection to vm broke, " +
				`and the time before it was as well. Deploy another revision, or this one with "imsctl deploy -again ims" [failed]`}},
		"the host was out of reach after it had failed": {
			more: func(s *scene) {
				s.deployed(commitB, state.Deploying, state.RollingBack, state.RolledBack).Error = "web is unhealthy"
				made := s.deployed(commitB, state.Deploying, state.RollingBack, state.RolledBack)
				made.Interrupted, made.Error = true, "the SSH connection to vm broke"
			},
			want: []string{`blocked change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); but bbbbbbb was gone back from 57m ago: web is unhealthy. Deploy another revision, or this one with "imsctl deploy -again ims" [failed]`}},
		"another one was gone back from": {
			more: func(s *scene) { s.deployed(commitC, state.Deploying, state.RollingBack, state.RolledBack) },
			want: []string{"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared"}},
		"its checks failed before": {
			more: func(s *scene) { s.deployed(commitB, state.Checking, state.Failure) },
			want: []string{"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared"}},
		"interrupted before anything was touched": {
			more: func(s *scene) { s.deployed(commitB, state.Checking) },
			want: []string{"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared superseded rb0"}},
		"interrupted, and no longer wanted": {
			change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Revisions.Wanted = commitA },
			more:   func(s *scene) { s.deployed(commitB, state.Checking) },
			want:   []string{"deploy recovery deploy.ims: the deploy of bbbbbbb was interrupted while checking: nothing had been touched, and its record is closed closed rb0"}},
		"interrupted while deploying": {
			more: func(s *scene) { s.deployed(commitB, state.Checking, state.Deploying) },
			want: []string{"deploy recovery deploy.ims: the deploy of bbbbbbb begun at 2026-11-22 11:00 UTC was interrupted while deploying: it is gone on with resumed rb0"}},
		"interrupted, and the remote is gone": {
			change: func(_ *spec.Deploy, v *providers.DeployInspection) {
				v.Revisions = providers.RevisionsView{Err: errNoRoute}
			},
			more: func(s *scene) { s.deployed(commitB, state.Verifying) },
			want: []string{"deploy recovery deploy.ims: the deploy of bbbbbbb begun at 2026-11-22 11:00 UTC was interrupted while verifying: it is gone on with resumed rb0"}},
		"interrupted, and another one is wanted": {
			change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Revisions.Wanted = commitC },
			more:   func(s *scene) { s.deployed(commitB, state.Verifying) },
			want:   []string{"deploy recovery deploy.ims: the deploy of bbbbbbb begun at 2026-11-22 11:00 UTC was interrupted while verifying, and ccccccc is wanted now: first aaaaaaa (release ra) is brought back reverted rb0"}},
		"interrupted on the way back": {
			more: func(s *scene) { s.deployed(commitB, state.Deploying, state.RollingBack) },
			want: []string{"deploy recovery deploy.ims: the deploy of bbbbbbb begun at 2026-11-22 11:00 UTC was interrupted while rolling back: aaaaaaa (release ra) is brought back reverted rb0"}},
		"interrupted, and the host is down": {
			change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Site = providers.SiteView{Err: errNoRoute} },
			more:   func(s *scene) { s.deployed(commitB, state.Deploying) },
			want:   []string{"blocked change deploy.ims: the deploy of bbbbbbb was interrupted while deploying, and the host cannot be looked at: no route to host [failed]"}},
		"somebody else runs it": {
			more: func(s *scene) { s.deployed(commitB, state.Deploying); s.observed.Busy = "bob@desk" },
			want: []string{"note deploy.ims: deploy.ims: bbbbbbb is being deployed; the state is held by bob@desk",
				"note state: still running, and not part of this plan: what was begun by bob@desk"}},
		"nobody looked": {
			more: func(s *scene) { s.deployed(commitB, state.Deploying); s.observed = nil },
			want: []string{"note deploy.ims: deploy.ims: the deploy of bbbbbbb was interrupted while deploying; without looking at the host nothing is done about it"}},
		"the working copy is behind, and was changed": {
			change: func(_ *spec.Deploy, v *providers.DeployInspection) {
				v.Revisions.LeftOut, v.Revisions.CheckedOut = 2, commitC
			},
			want: []string{"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared",
				"note deploy.ims: deploy.ims: the working copy has ccccccc checked out, and what is not committed there (2 files) is not deployed"}},
		"a service has no health check": {
			change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Site.Unchecked = []string{"worker"} },
			want: []string{"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared",
				"note deploy.ims: deploy.ims: worker without a health check in the compose file: running counts as healthy"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newYoungScene(t)
			s.deploy("ims", test.change)
			if test.more != nil {
				test.more(s)
			}
			if diff := cmp.Diff(test.want, deployLines(s.diff())); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// held has somebody hold the deploy lock of the host.
func held(_ *spec.Deploy, v *providers.DeployInspection) {
	v.Site.Held = &providers.DeployLockedError{Holder: providers.DeployHolder{ID: "x1", By: "bob@desk", PID: 7, Message: "deploy"}, Age: 2 * time.Minute, Silent: time.Second}
}

// TestUndoOfDeploys: what takes a deploy back is said as it has to be typed.
func TestUndoOfDeploys(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*spec.Deploy, *providers.DeployInspection)
		back   bool
		want   string
	}{
		"a revision": {want: `"imsctl rollback ims" goes back to aaaaaaa (release ra)`},
		"a migration": {change: func(d *spec.Deploy, _ *providers.DeployInspection) {
			d.Target.Hooks = []providers.Hook{{Moment: "migrate"}}
		}, want: `"imsctl rollback ims" goes back to aaaaaaa (release ra); what the migration does to data stays as it is`},
		"a way back": {back: true, want: `"imsctl rollback -to ra ims" goes back to aaaaaaa (release ra)`},
		"a restart": {change: func(_ *spec.Deploy, v *providers.DeployInspection) {
			v.Site.Running, v.Site.Current.Commit, v.Site.Drift = commitB, commitB, []string{"web is exited"}
		}, want: "the revision stays what it is"},
		"nothing to go back to": {change: func(_ *spec.Deploy, v *providers.DeployInspection) {
			v.Site.Current.Promoted, v.Site.Back = false, ""
		}, want: "cannot be undone: there is no release to go back to"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newYoungScene(t)
			s.deploy("ims", test.change)
			plan := s.diff()
			if test.back {
				var err error
				if plan, err = Returning(s.spec, s.document, s.observed, "", s.now); err != nil {
					t.Fatal(err)
				}
			}
			if got := plan.Actions[0].(*Deploy).Undo; got != test.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

// deployLines is lines with how interrupted deploys are taken up.
func deployLines(plan *Plan) []string {
	all := lines(plan)
	for i, action := range plan.Actions {
		if deploy, ok := action.(*Deploy); ok && deploy.Taken != "" {
			all[i] += fmt.Sprintf(" %s %s", deploy.Taken, deploy.Continues)
		}
	}
	return all
}

func TestDeployingWhatWasGoneBackFrom(t *testing.T) {
	s := newYoungScene(t)
	s.deploy("ims", func(d *spec.Deploy, _ *providers.DeployInspection) { d.Target.Repository = "git@example.org:ims.git" })
	s.deployed(commitB, state.Deploying, state.RollingBack, state.RolledBack)
	narrow, err := ForDeploy(s.spec, "ims")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Deploying(narrow, s.document, s.observed, DeployOptions{Again: true, Strategy: "vm"}, s.now)
	if err != nil {
		t.Fatal(err)
	}
	checkPlan(t, plan)
	if diff := cmp.Diff([]string{"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy vm: asked for"}, lines(plan)); diff != "" {
		t.Error(diff)
	}
	if _, err := ForDeploy(s.spec, "imsx"); err == nil || !strings.Contains(err.Error(), "did you mean deploy.ims?") {
		t.Errorf("got %v", err)
	}
}

func TestReturning(t *testing.T) {
	for name, test := range map[string]struct {
		id     string
		change func(*spec.Deploy, *providers.DeployInspection)
		want   string
		more   func(*scene)
		err    string
	}{
		"to the one before":  {want: "deploy change deploy.ims: asked for: aaaaaaa → ccccccc, which is on the host as release r0"},
		"to a named one":     {id: "r0", want: "deploy change deploy.ims: asked for: aaaaaaa → ccccccc, which is on the host as release r0"},
		"to the current one": {id: "ra", err: "release ra is the one that runs"},
		"from one that never proved healthy": {change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Site.Current.Promoted = false },
			want: "deploy change deploy.ims: asked for: aaaaaaa → ccccccc, which is on the host as release r0"},
		"to one that there is not": {id: "r9", err: `there is no release "r9" on the host; there is r0, ra`},
		"to nothing":               {change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Site.Back = "" }, err: "there is no release to go back to"},
		"host down":                {change: func(_ *spec.Deploy, v *providers.DeployInspection) { v.Site.Err = errNoRoute }, err: "no route to host"},
		"somebody deploys":         {change: held, err: `the deploy lock is held by bob@desk (process 7) for "deploy" since 2m0s ago, last heard of 1s ago; if that is over, "imsctl deploy -break-lock x1" takes it away`},
		"the lock is that of an apply that was killed": {change: held, more: func(s *scene) { s.deployed(commitB, state.Deploying).Run = "x1" },
			want: "deploy change deploy.ims: asked for: aaaaaaa → ccccccc, which is on the host as release r0"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newYoungScene(t)
			s.deploy("ims", test.change)
			if test.more != nil {
				test.more(s)
			}
			plan, err := Returning(s.spec, s.document, s.observed, test.id, s.now)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkPlan(t, plan)
			if got := strings.Join(lines(plan), "\n"); got != test.want {
				t.Errorf("got %s", got)
			}
			if deploy := plan.Actions[0].(*Deploy); deploy.Previous == deploy.Returns || deploy.Irreversible() {
				t.Errorf("goes back to %q when %q is not well, and needs -allow-no-rollback: %v", deploy.Previous, deploy.Returns, deploy.Irreversible())
			}
		})
	}
}

// TestRemoteFromHost: what the host sees of the remote counts, and is unknown where the host was not asked.
func TestRemoteFromHost(t *testing.T) {
	for name, test := range map[string]struct {
		way     *providers.RemoteView
		unknown bool
		without []strategy.Strategy
	}{
		"not asked":       {nil, true, nil},
		"answers":         {&providers.RemoteView{Seconds: 0.3}, false, nil},
		"does not answer": {&providers.RemoteView{Err: errNoRoute, Seconds: 10}, false, []strategy.Strategy{strategy.GitHub, strategy.VM}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newYoungScene(t)
			s.deploy("ims", func(d *spec.Deploy, v *providers.DeployInspection) {
				d.Target.Repository, v.Site.Remote = "git@example.org:ims.git", test.way
			})
			advice, err := Explaining(s.spec, s.document, s.observed, s.now)
			if err != nil {
				t.Fatal(err)
			}
			var without []strategy.Strategy
			for _, candidate := range advice.Candidates {
				if len(candidate.Excluded) > 0 && candidate.Strategy != strategy.Local {
					without = append(without, candidate.Strategy)
				}
			}
			slices.Sort(without)
			if slices.Contains(advice.Unknown, "remote_from_host") != test.unknown || !slices.Equal(without, test.without) {
				t.Errorf("unknown are %v, excluded %v", advice.Unknown, without)
			}
		})
	}
}

// TestDemandCountsOnce: that a deploy looks over a backup too does not hide objects which nobody accounts for. There are as many as belong to the
// recorded copy, or several times as many, so that counting those more than once would make the sum right.
func TestDemandCountsOnce(t *testing.T) {
	for _, times := range []int{1, 2, 3} {
		s := newScene(t, placeA)
		s.have(hour, placeA)
		s.deploy("ims", func(d *spec.Deploy, _ *providers.DeployInspection) {
			d.BackupsBefore, d.MaxAge = []string{database}, 2*hour
		})
		for i := range 2 * times {
			s.putObject(placeA, fmt.Sprint("db/stray-", i), 1)
		}
		want := fmt.Sprintf("%d objects without a manifest", 2*times)
		if notes := lines(s.diff()); !slices.ContainsFunc(notes, func(line string) bool { return strings.Contains(line, want) }) {
			t.Errorf("no note of %s: %q", want, notes)
		}
	}
}
