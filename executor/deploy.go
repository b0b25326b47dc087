package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// deploy makes a revision the one that runs, as a machine of states each of which is recorded before anything is done in it: who
// finds one that is not final knows how far it came, and goes on or back from there.
func (r *run) deploy(ctx context.Context, action *planner.Deploy) (result, error) {
	d, err := r.newDeployment(action)
	if err != nil {
		return result{}, err
	}
	if action.Taken == planner.Closed {
		d.release.Error = "interrupted before anything was touched"
		return result{summary: "closed"}, d.save(ctx, state.Failure)
	}
	earlier := r.Session.Document().ReleasesOf(action.Address)
	if err := d.begin(ctx); err != nil {
		return result{}, err
	}
	held, unlock, err := d.lock(ctx, earlier)
	if err != nil {
		return result{}, d.unbegun(fmt.Errorf("taking the deploy lock: %w", err))
	}
	d.release.EarlierRuns = nil
	err = d.underLock(held)
	if lost := held.Err(); lost != nil && ctx.Err() == nil && err == nil {
		err = fmt.Errorf("the deploy lock was lost: %w", cause.Interruption(held))
	}
	err = errors.Join(err, unlock(context.WithoutCancel(ctx)))
	done := result{warnings: d.release.Warnings, release: d.release}
	if err == nil {
		done.summary = d.summary()
	}
	return done, err
}

// deployment is one deploy.
type deployment struct {
	*run
	action   *planner.Deploy
	declared *spec.Deploy
	site     providers.Site
	// deployer is nil where a release is gone back to.
	deployer providers.Deployer
	release  *state.Release
	// proven: the release on the host proved healthy before.
	proven bool
	// saved counts the records of the state, for the ids of their intents.
	saved int
}

// newDeployment finds everything that a deploy needs, and touches nothing.
func (r *run) newDeployment(action *planner.Deploy) (*deployment, error) {
	d := &deployment{run: r, action: action, site: r.World.Site(action.Address)}
	for _, declared := range r.Spec.Deploys {
		if declared.Address == action.Address {
			d.declared = declared
		}
	}
	if d.declared == nil || d.site == nil {
		return nil, fmt.Errorf("%s is not in the specification", action.Address)
	}
	if action.Irreversible() && !r.AllowNoRollback {
		return nil, errors.New("there is no release to go back to if it fails: run with -allow-no-rollback when that is meant")
	}
	if needsDeployer := action.Strategy != planner.Rollback && action.Taken != planner.Closed && action.Taken != planner.Reverted; needsDeployer {
		deployer, ok := r.World.Deployers[action.Address][action.Strategy]
		if !ok {
			return nil, fmt.Errorf("there is no strategy %q", action.Strategy)
		}
		d.deployer = deployer
	}
	if action.Continues != "" && action.Taken != planner.Superseded {
		var err error
		d.release, err = d.recorded(action.Continues)
		return d, err
	}
	id := r.Clock.Now().UTC().Format(compactTime) + "-" + planner.Abbreviated(action.To)
	d.release = &state.Release{
		ID: id, Address: action.Address, Folder: id, Commit: action.To, Branch: action.Branch, Uncommitted: action.Uncommitted, Digest: action.Digest,
		Strategy: action.Strategy, Reason: action.Reason, Previous: action.Previous, PreviousCommit: action.From, By: r.By,
	}
	if action.Returns != "" {
		d.release.Folder = action.Returns
	}
	return d, nil
}

// recorded finds the deploy that is taken up, as it is now.
func (d *deployment) recorded(id string) (*state.Release, error) {
	for _, release := range d.Session.Document().ReleasesOf(d.action.Address) {
		if release.ID == id && !release.Phase.Final() {
			taken := *release
			return &taken, nil
		}
	}
	return nil, fmt.Errorf("the deploy %s was ended meanwhile: make a new plan", id)
}

// lock takes the deploy lock of the host, also from a run that an earlier deploy names and that is over: it died, or could not give the lock back. Whoever
// deploys has the state's lock too, and that is ours now.
func (d *deployment) lock(ctx context.Context, earlier []*state.Release) (held context.Context, unlock func(context.Context) error, err error) {
	held, unlock, err = d.site.Lock(ctx, d.holder())
	var locked *providers.DeployLockedError
	if !errors.As(err, &locked) || !state.HadDeployLock(earlier, locked.Holder.ID) {
		return held, unlock, err
	}
	if err := d.site.BreakLock(ctx, locked.Holder.ID); err != nil {
		return nil, nil, fmt.Errorf("taking it from an apply that is over: %w", err)
	}
	return d.site.Lock(ctx, d.holder())
}

// holder says to the host who deploys.
func (d *deployment) holder() providers.DeployHolder {
	doing := "deploy of "
	if d.action.Taken == planner.Reverted {
		// A host that deploys alone lets nobody but another deploy of the same have the lock.
		doing = "way back from "
	}
	return providers.DeployHolder{ID: d.id, By: d.By, PID: os.Getpid(), Message: doing + planner.Abbreviated(d.release.Commit), Since: d.now()}
}

// underLock carries the deploy out. When it fails, what ran before is brought back, if that is wanted and there is something.
func (d *deployment) underLock(ctx context.Context) error {
	if err := d.recheck(ctx); err != nil {
		return d.unbegun(err)
	}
	if d.action.Taken == planner.Reverted {
		d.release.Interrupted = d.release.Interrupted || d.release.Phase != state.RollingBack
		return d.back(ctx, fmt.Errorf("the deploy was interrupted while %s", d.release.Phase.Words()))
	}
	err := d.forward(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil || d.isOpen(err) || errors.Is(err, errUnrecorded):
		return fmt.Errorf("%w; it was interrupted while %s: the next apply takes it up", err, d.release.Phase.Words())
	case !d.release.Phase.Touched():
		d.release.Error = d.Spec.Redact(err.Error())
		return errors.Join(fmt.Errorf("nothing was touched: %w", err), d.enter(ctx, state.Failure))
	}
	d.explain(ctx, err)
	if !d.declared.Rollback || d.release.Previous == "" {
		return errors.Join(fmt.Errorf("%w\n%s stays as it is: %s", d.withEvidence(err), d.action.Address, d.noWayBack()), d.enter(ctx, state.Failure))
	}
	return d.back(ctx, err)
}

// errUnrecorded says that nothing but the record of its good end is missing, which is no reason to go back.
var errUnrecorded = errors.New("the new release is well")

// isOpen reports whether an error leaves open what the host does alone.
func (d *deployment) isOpen(err error) bool {
	_, alone := d.deployer.(providers.Autonomous)
	return alone && errors.Is(err, providers.ErrTemporary)
}

// noWayBack says why nothing is brought back.
func (d *deployment) noWayBack() string {
	if d.release.Previous == "" {
		return "there is no release to go back to"
	}
	return "rollback.automatic is false"
}

// recheck holds what runs now against what the plan saw.
func (d *deployment) recheck(ctx context.Context) error {
	view := d.site.View(ctx)
	if view.Err != nil {
		return fmt.Errorf("looking at the host: %w", view.Err)
	}
	if d.action.Continues == "" && view.Running != d.action.From {
		return fmt.Errorf("%q runs now, and the plan was made for %q: make a new plan", view.Running, d.action.From)
	}
	if _, inPlace := d.deployer.(providers.InPlace); inPlace && view.Current != nil {
		d.release.Folder = view.Current.ID
	}
	for _, record := range view.Releases {
		d.proven = d.proven || record.ID == d.release.Folder && record.Promoted
		if record.ID == d.release.Previous {
			// It need not be what runs, when that never proved healthy.
			d.release.PreviousCommit = record.Commit
		}
	}
	return nil
}

// forward goes through the states until the new release is promoted.
func (d *deployment) forward(ctx context.Context) error {
	if d.action.Taken != planner.Resumed {
		if err := d.prepare(ctx); err != nil {
			return err
		}
	}
	if err := d.enter(ctx, state.Deploying); err != nil {
		d.release.Untouched = d.action.Taken != planner.Resumed
		return err
	}
	activation, err := d.bring(ctx)
	d.release.Services = activation.Services
	d.warn(activation.Warnings...)
	if err != nil {
		return err
	}
	if err := d.enter(ctx, state.Verifying); err != nil {
		return err
	}
	if err := d.verify(ctx, d.declared.Watch); err != nil {
		return err
	}
	if err := d.site.Hook(ctx, providers.AfterDeploy, d.onHost(), io.Discard); err != nil {
		return err
	}
	if err := d.enter(ctx, state.Promoted); err != nil {
		return fmt.Errorf("%w: %w", errUnrecorded, err)
	}
	if _, err := d.site.Prune(ctx, d.declared.Target.KeepReleases, d.release.Folder, d.release.Previous); err != nil {
		d.warn(fmt.Sprintf("old releases stay: %v", err))
	}
	return nil
}

// prepare goes through the states before anything is touched.
func (d *deployment) prepare(ctx context.Context) error {
	if err := d.enter(ctx, state.BackingUp); err != nil {
		return err
	}
	if err := d.standBehind(); err != nil {
		return err
	}
	if err := d.enter(ctx, state.Checking); err != nil {
		return err
	}
	if err := d.askBefore(ctx); err != nil {
		return err
	}
	return d.mindBefore(ctx, d.site.Hook(ctx, providers.BeforeDeploy, d.previous(), io.Discard))
}

// supersede ends the record of the interrupted deploy that this one comes in place of.
func (d *deployment) supersede(ctx context.Context) error {
	if d.action.Taken != planner.Superseded {
		return nil
	}
	older, err := d.recorded(d.action.Continues)
	if err != nil {
		return err
	}
	older.Error = "interrupted, and " + d.release.ID + " was deployed in its place"
	return d.put(ctx, older.Enter(state.Failure, d.now()))
}

// bring makes the new release run.
func (d *deployment) bring(ctx context.Context) (providers.Activation, error) {
	release := d.onHost()
	if d.deployer == nil {
		return d.site.Return(ctx, release)
	}
	if alone, ok := d.deployer.(providers.Autonomous); ok {
		activation, err := alone.Run(ctx, release, io.Discard)
		d.release.Untouched = errors.Is(err, providers.ErrUntouched)
		return activation, err
	}
	if _, inPlace := d.deployer.(providers.InPlace); !inPlace {
		if err := d.deployer.Stage(ctx, release); err != nil {
			d.release.Untouched = d.action.Taken != planner.Resumed
			return providers.Activation{}, fmt.Errorf("bringing %s to the host: %w", d.release.Folder, err)
		}
		if err := d.site.Hook(ctx, providers.Migrate, release, io.Discard); err != nil {
			return providers.Activation{}, err
		}
	}
	return d.deployer.Activate(ctx, release)
}

// onHost is the release in the words of the host.
func (d *deployment) onHost() providers.Release {
	return providers.Release{
		ID: d.release.Folder, Commit: d.release.Commit, Branch: d.release.Branch, Uncommitted: d.release.Uncommitted, Digest: d.release.Digest,
		Previous: d.release.Previous, WaitTimeout: d.declared.Timeout,
	}
}

// previous is the release that is gone back to.
func (d *deployment) previous() providers.Release {
	return providers.Release{ID: d.release.Previous, Commit: d.release.PreviousCommit, WaitTimeout: d.declared.Timeout}
}

// summary says what was done: "b1c2d3e runs; web, worker restarted; 3 checks passed; in 42s".
func (d *deployment) summary() string {
	parts := []string{planner.Abbreviated(d.release.Commit) + " runs"}
	if len(d.release.Services) > 0 {
		parts = append(parts, strings.Join(d.release.Services, ", ")+" restarted")
	}
	after := 0
	for _, check := range d.release.Checks {
		if check.When == whenAfter {
			after++
		}
	}
	if after > 0 {
		parts = append(parts, units.Counted(after, "check", "checks")+" passed")
	}
	return strings.Join(append(parts, "in "+units.Span(d.release.EndedAt().Sub(d.release.StartedAt()))), "; ")
}
