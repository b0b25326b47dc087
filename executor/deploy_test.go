package executor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
	statelocal "github.com/castrolanda/imsctl/state/local"
)

// errPower is what everything ends with on a machine that lost its power, here or there.
var errPower = fmt.Errorf("%w: no power", providers.ErrTemporary)

// errBroken is what a call ends with that fails, as on a full disk, before others that do not.
var errBroken = errors.New("no space left on device")

// plant is a host with a project on it, as far as a deploy can tell: releases, the one that runs, and how well it is.
type plant struct {
	wanted  string
	records []providers.ReleaseRecord
	staged  map[string]bool
	current string
	// ill are commits that never get healthy, noMigration those whose migration fails, late those that the ML gate finds bad.
	ill, noMigration, late map[string]bool
	// holder is who has the lock, and since when; a minute and a half later it is taken for dead.
	holder      string
	holderSince time.Time
	// calls counts what was asked of the host; from power on, none of it happens, and the one that is broken does not.
	calls, power, broken int
	// gone is called when the power is gone, if it is not nil.
	gone func()
}

func (p *plant) call(ctx context.Context) error {
	if p.calls++; p.power > 0 && p.calls >= p.power {
		if p.gone != nil {
			p.gone()
		}
		return errPower
	}
	if p.calls == p.broken {
		return errBroken
	}
	return ctx.Err()
}

func (p *plant) record(id string) *providers.ReleaseRecord {
	for i := range p.records {
		if p.records[i].ID == id {
			return &p.records[i]
		}
	}
	return nil
}

// runs is the commit that runs.
func (p *plant) runs() string {
	if record := p.record(p.current); record != nil {
		return record.Commit
	}
	return ""
}

func (p *plant) Inspect(ctx context.Context) providers.DeployInspection {
	view := providers.DeployInspection{Revisions: providers.RevisionsView{Wanted: p.wanted, Known: true}}
	if err := p.call(ctx); err != nil {
		view.Site.Err = err
		return view
	}
	view.Site.FreeBytes = -1
	view.Site.Releases, view.Site.Running, view.Site.Held = slices.Clone(p.records), p.runs(), p.held()
	for _, record := range p.records {
		if record.ID == p.current {
			view.Site.Current = &record
		} else if record.Promoted {
			view.Site.Back = record.ID
		}
	}
	return view
}

func (p *plant) View(ctx context.Context) providers.SiteView { return p.Inspect(ctx).Site }

func (p *plant) Lock(ctx context.Context, holder providers.DeployHolder) (context.Context, func(context.Context) error, error) {
	if err := p.call(ctx); err != nil {
		return nil, nil, err
	}
	if held := p.held(); held != nil {
		return nil, nil, held
	}
	p.holder, p.holderSince = holder.ID, time.Now()
	unlock := func(ctx context.Context) error {
		if err := p.call(ctx); err != nil {
			return err
		}
		p.holder = ""
		return nil
	}
	return ctx, unlock, nil
}

// held says who has the lock.
func (p *plant) held() *providers.DeployLockedError {
	if p.holder == "" || time.Since(p.holderSince) > 90*time.Second {
		return nil
	}
	return &providers.DeployLockedError{Holder: providers.DeployHolder{ID: p.holder}, Age: time.Since(p.holderSince)}
}

func (p *plant) BreakLock(ctx context.Context, id string) error {
	if p.holder != id {
		return errors.New("somebody else has it")
	}
	p.holder = ""
	return p.call(ctx)
}

func (p *plant) Record(ctx context.Context, record providers.ReleaseRecord) error {
	if err := p.call(ctx); err != nil {
		return err
	}
	if known := p.record(record.ID); known != nil {
		*known = record
	} else {
		p.records = append(p.records, record)
	}
	return nil
}

func (p *plant) Hook(ctx context.Context, moment providers.Moment, release providers.Release, _ io.Writer) error {
	if moment == providers.Migrate && p.noMigration[release.Commit] {
		return errors.New("the migration failed")
	}
	return p.call(ctx)
}

func (p *plant) Stage(ctx context.Context, release providers.Release) error {
	if err := p.call(ctx); err != nil {
		return err
	}
	p.staged[release.ID] = true
	return nil
}

func (p *plant) Activate(ctx context.Context, release providers.Release) (providers.Activation, error) {
	return p.Return(ctx, release)
}

func (p *plant) Return(ctx context.Context, release providers.Release) (providers.Activation, error) {
	if err := p.call(ctx); err != nil {
		return providers.Activation{}, err
	}
	if !p.staged[release.ID] {
		return providers.Activation{}, fmt.Errorf("release %s is not whole", release.ID)
	}
	p.current = release.ID
	if p.ill[release.Commit] {
		return providers.Activation{Services: []string{"web"}}, errors.New("web is unhealthy")
	}
	return providers.Activation{Services: []string{"web"}}, p.call(ctx)
}

func (p *plant) Evidence(context.Context) []string {
	if p.ill[p.runs()] {
		return []string{"web is unhealthy: connection refused", "web | boom"}
	}
	return nil
}

func (p *plant) Prune(ctx context.Context, _ int, _ ...string) ([]string, error) {
	return nil, p.call(ctx)
}

func (p *plant) Logs(context.Context, []string, int, bool, io.Writer) error { return nil }

// Probe is the ML gate: it finds what runs good, or not.
func (p *plant) Probe(context.Context) (providers.Finding, error) {
	if p.late[p.runs()] {
		return providers.Finding{Verdict: providers.Failed, Summary: "accuracy 0.41, wanted 0.8"}, nil
	}
	return providers.Finding{Verdict: providers.Passed, Summary: "accuracy 0.93"}, nil
}

// Commits of the tests.
var (
	commitA = strings.Repeat("a", 40)
	commitB = strings.Repeat("b", 40)
)

// newPlant has commitA running, as the promoted release "ra", and wants commitB.
func newPlant() *plant {
	return &plant{
		wanted: commitB, current: "ra", staged: map[string]bool{"ra": true},
		records: []providers.ReleaseRecord{{Release: providers.Release{ID: "ra", Commit: commitA}, Promoted: true}},
		ill:     map[string]bool{}, noMigration: map[string]bool{}, late: map[string]bool{},
	}
}

// dying is a session whose machine loses its power at a moment: from then on nothing is recorded any more.
type dying struct {
	state.Session
	calls, power int
	now          func()
}

func (d *dying) dead() bool {
	if d.calls++; d.power > 0 && d.calls >= d.power {
		d.now()
		return true
	}
	return false
}

func (d *dying) Begin(ctx context.Context, intent state.Intent) error {
	if d.dead() {
		return errPower
	}
	return d.Session.Begin(ctx, intent)
}

func (d *dying) End(ctx context.Context, id string, result state.Result) error {
	if d.dead() {
		return errPower
	}
	return d.Session.End(ctx, id, result)
}

// yard is a plant with a specification, a state and a clock.
type yard struct {
	t       *testing.T
	plant   *plant
	spec    *spec.Spec
	world   *planner.World
	session state.Session
}

func newYard(t *testing.T, p *plant) *yard {
	t.Helper()
	y := &yard{t: t, plant: p}
	y.spec = &spec.Spec{
		Digest: "d", Location: time.UTC,
		Checks: []*spec.Check{{Address: "check.command.ml", Timeout: time.Second, Interval: time.Second, Retries: 1}},
		Deploys: []*spec.Deploy{{
			Address: "deploy.ims", Name: "ims", Strategy: "hybrid", Rollback: true, ChecksBefore: []string{"check.command.ml"}, ChecksAfter: []string{"check.command.ml"},
			Timeout: time.Minute, Interval: 2 * time.Second, MinHealthy: 10 * time.Second, Watch: 20 * time.Second,
			Target: providers.DeployTarget{Address: "deploy.ims", Path: "/srv/ims", KeepReleases: 5},
		}},
	}
	y.world = &planner.World{
		Checks:    map[string]providers.Check{"check.command.ml": p},
		Deployers: map[string]map[string]providers.Deployer{"deploy.ims": {"hybrid": p}},
	}
	backend := statelocal.New(filepath.Join(t.TempDir(), "state.json"), clock.System{}, "test")
	session, err := backend.Lock(t.Context(), state.LockInfo{ID: "test"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	y.session = session
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
	return y
}

// apply plans and applies once. It returns what was planned, for messages, and the error of the deploy.
func (y *yard) apply(session state.Session) (string, error) {
	y.t.Helper()
	observed := &planner.Observed{Deploys: map[string]*providers.DeployInspection{}}
	view := y.plant.Inspect(y.t.Context())
	observed.Deploys["deploy.ims"] = &view
	plan := planner.Diff(y.spec, y.session.Document(), observed, time.Now())
	registry, err := builtin.Registry()
	if err != nil {
		y.t.Fatal(err)
	}
	runner := &executor.Executor{Spec: y.spec, World: y.world, Registry: registry, Session: session, Clock: clock.System{}, By: "ana@laptop", Version: "test"}
	report, err := runner.Run(y.t.Context(), plan)
	var planned []string
	for _, entry := range report.Entries {
		planned = append(planned, entry.Action.Common().Reason)
		err = errors.Join(err, entry.Err)
	}
	return strings.Join(planned, "\n"), err
}

// last is the newest deploy that is recorded.
func (y *yard) last() *state.Release {
	y.t.Helper()
	releases := y.session.Document().ReleasesOf("deploy.ims")
	if len(releases) == 0 {
		y.t.Fatal("no deploy is recorded")
	}
	return releases[len(releases)-1]
}

func TestDeploy(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*plant)
		phases string
		runs   string
		err    string
	}{
		"a good revision": {phases: "planned backing_up checking deploying verifying promoted", runs: commitB},
		"one that never gets healthy": {change: func(p *plant) { p.ill[commitB] = true },
			phases: "planned backing_up checking deploying rolling_back rolled_back", runs: commitA, err: "web is unhealthy"},
		"one whose migration fails": {change: func(p *plant) { p.noMigration[commitB] = true },
			phases: "planned backing_up checking deploying rolling_back rolled_back", runs: commitA, err: "the migration failed"},
		"one that the gate finds bad": {change: func(p *plant) { p.late[commitB] = true },
			phases: "planned backing_up checking deploying verifying rolling_back rolled_back", runs: commitA, err: "not healthy within 1m0s: check.command.ml failed: accuracy 0.41, wanted 0.8"},
		"a service that is ill before": {change: func(p *plant) { p.late[commitA] = true },
			phases: "planned backing_up checking failed", runs: commitA, err: "nothing was touched: check.command.ml failed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlant()
				if test.change != nil {
					test.change(p)
				}
				y := newYard(t, p)
				_, err := y.apply(y.session)
				if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
					t.Errorf("got the error %v", err)
				}
				var phases []string
				for _, transition := range y.last().Transitions {
					phases = append(phases, string(transition.Phase))
				}
				if got := strings.Join(phases, " "); got != test.phases {
					t.Errorf("it went %s", got)
				}
				if p.runs() != test.runs || p.holder != "" {
					t.Errorf("%s runs, locked by %q", p.runs(), p.holder)
				}
				again, err := y.apply(y.session)
				if test.err == "" && (err != nil || again != "") {
					t.Errorf("after a good deploy there is more to do: %s, %v", again, err)
				}
				if y.last().WasTouched() && test.runs == commitA && !strings.Contains(again, "was gone back from") {
					t.Errorf("it is deployed again by itself: %s", again)
				}
			})
		})
	}
}

// TestInterruptedDeploys takes the power from the machine that deploys, or from the host, at every moment, and then applies until
// there is nothing more to do: what runs in the end is a release that is well, and the deploy has ended one way or the other.
func TestInterruptedDeploys(t *testing.T) {
	revisions := map[string]func(*plant){
		"good": func(*plant) {}, "ill": func(p *plant) { p.ill[commitB] = true }, "late": func(p *plant) { p.late[commitB] = true },
		"migration": func(p *plant) { p.noMigration[commitB] = true },
	}
	for name, change := range revisions {
		for moment := 1; moment <= 40; moment++ {
			for _, here := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%d/here=%t", name, moment, here), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { interruptedDeploy(t, change, moment, here, 0) })
				})
			}
		}
	}
}

// TestDeadHolder ends an apply at every moment at which it may have the lock of the host, and applies again at once: nobody has to wait or to
// break the lock. That of somebody else stays.
func TestDeadHolder(t *testing.T) {
	for moment := 1; moment <= 13; moment++ {
		t.Run(fmt.Sprint(moment), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlant()
				y := newYard(t, p)
				// One call of the host is that of the plan. Nothing is recorded after the host is gone, either.
				p.power = moment + 1
				session := &dying{Session: y.session, now: func() {}}
				p.gone = func() { session.power = 1 }
				if _, err := y.apply(session); err == nil {
					t.Fatal("it was not interrupted")
				}
				// The next one has the host die when it asks for the lock.
				time.Sleep(time.Second)
				p.calls, p.power, p.gone = 0, 2, nil
				if _, err := y.apply(y.session); err == nil {
					t.Fatal("it was not interrupted the second time")
				}
				p.power = 0
				time.Sleep(time.Second)
				if planned, err := y.apply(y.session); err != nil || y.last().Phase != state.Promoted || p.holder != "" {
					t.Errorf("%s: %v; it is %s, locked by %q", planned, err, y.last().Phase, p.holder)
				}
				p.wanted, p.holder, p.holderSince = commitA, "bob", time.Now()
				if planned, _ := y.apply(y.session); !strings.Contains(planned, "the deploy lock is held") || p.holder != "bob" {
					t.Errorf("with somebody else's lock: %s", planned)
				}
			})
		})
	}
}

// TestBrokenCalls lets each call to the host fail once. How the deploy ended must be what runs, and what the host remembers.
func TestBrokenCalls(t *testing.T) {
	for name, change := range map[string]func(*plant){"good": func(*plant) {}, "ill": func(p *plant) { p.ill[commitB] = true }} {
		for call := 2; call <= 30; call++ {
			t.Run(fmt.Sprintf("%s/%d", name, call), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := newPlant()
					change(p)
					y := newYard(t, p)
					p.broken = call
					_, first := y.apply(y.session)
					p.broken = 0
					planned, second := y.apply(y.session)
					last := y.last()
					want := last.Commit
					if last.Phase != state.Promoted {
						want = last.PreviousCommit
					}
					record := p.record(last.ID)
					if first != nil && strings.Contains(first.Error(), "is well") && last.Phase != state.Promoted {
						t.Errorf("a release that was well was gone back from: %v", first)
					}
					if !last.Phase.Final() || p.runs() != want || p.ill[p.runs()] || record == nil || record.Phase != string(last.Phase) || record.Promoted != (last.Phase == state.Promoted) {
						t.Errorf("it ended as %s, the host remembers %+v, and %s runs\n%v\n%s\n%v", last.Phase, record, p.runs(), first, planned, second)
					}
				})
			})
		}
	}
}

// TestRandomlyInterruptedDeploys takes the power again and again.
func TestRandomlyInterruptedDeploys(t *testing.T) {
	random := rand.New(rand.NewPCG(20261128, 7))
	changes := []func(*plant){
		func(*plant) {}, func(p *plant) { p.ill[commitB] = true }, func(p *plant) { p.late[commitB] = true }, func(p *plant) { p.noMigration[commitB] = true },
	}
	for i := range 200 {
		change, moment, here, more := changes[random.IntN(len(changes))], 1+random.IntN(30), random.IntN(2) == 0, random.Uint64()
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { interruptedDeploy(t, change, moment, here, more) })
		})
	}
}

// interruptedDeploy takes the power at a moment; with more, a seed, at random moments of the next applies too.
func interruptedDeploy(t *testing.T, change func(*plant), moment int, here bool, more uint64) {
	p := newPlant()
	change(p)
	y := newYard(t, p)
	var story []string
	random := rand.New(rand.NewPCG(more, 1))
	for try := range 12 {
		session := &dying{Session: y.session, now: func() { p.power = 1 }}
		p.calls, p.power = 0, 0
		switch {
		case try > 0 && (more == 0 || try > 4):
		case here:
			session.power = moment
		default:
			// Not while the plan is made.
			p.power = moment + 1
		}
		moment = 1 + random.IntN(20)
		planned, err := y.apply(session)
		story = append(story, fmt.Sprintf("%s: %v", planned, err))
		if planned == "" || strings.Contains(planned, "deploy -again") {
			break
		}
		time.Sleep(time.Minute)
	}
	for _, release := range y.session.Document().ReleasesOf("deploy.ims") {
		if !release.Phase.Final() {
			t.Errorf("the deploy %s is left %s", release.ID, release.Phase)
		}
	}
	if runs := p.runs(); runs == "" || p.ill[runs] || p.late[runs] {
		t.Errorf("what runs in the end is %s", runs)
	}
	if good := !p.ill[commitB] && !p.late[commitB] && !p.noMigration[commitB]; good && p.runs() != commitB && !strings.Contains(strings.Join(story, "\n"), "was gone back from") {
		t.Errorf("the good revision does not run in the end: %s", p.runs())
	}
	if t.Failed() {
		t.Log(strings.Join(story, "\n---\n"))
	}
}
