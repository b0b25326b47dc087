// Package hybrid is the strategy that sends what changed from the working copy to the host, and pushes to the remote alongside.
//
// The new release begins with the files that the host has already, and is then compared, file by file and by SHA-256, with the revision
// that is wanted; what differs is sent as one archive and compared once more before the release is sealed. So nothing need be known of what the host
// has: a release that somebody changed by hand, an interrupted deploy or a plain clone are as good a beginning as a clean one, and
// nothing that is not in the revision comes along.
//
// Files that stay the same are not copied: they are second names of those of the release before, for making ten thousand files takes seconds. That is
// safe as long as nobody writes into them, so those that containers can write to, by what the compose files of the two releases say, are copies, and so is
// all of a plain clone. What is sent is a new file in any case.
//
// The remote is not needed: that a push failed is a warning.
package hybrid

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/git"
	"github.com/castrolanda/imsctl/providers/deploy/site"
	"github.com/castrolanda/imsctl/providers/deploy/workingcopy"
)

// pushPatience is how much longer than everything else a push may take.
const pushPatience = 20 * time.Second

// Provider is the entry of the registry.
func Provider() providers.Provider {
	return providers.Provider{
		Kind: providers.KindDeploy, Type: "hybrid",
		Summary: "Only what changed goes from the working copy to the host; only the services that it touches are restarted.",
		Deploy:  newDeployer,
	}
}

// deployer implements providers.Deployer.
type deployer struct {
	*site.Site
	environment providers.Environment

	mu       sync.Mutex
	warnings []string // of staging, for the next activation
}

func newDeployer(environment providers.Environment, target providers.DeployTarget) (providers.Deployer, error) {
	project, err := site.New(environment, target)
	if err != nil {
		return nil, err
	}
	return &deployer{Site: project, environment: environment}, nil
}

// Stage brings the revision to the host, and meanwhile to the remote.
func (d *deployer) Stage(ctx context.Context, release providers.Release) error {
	working, err := workingcopy.Open(ctx, d.environment, d.Target())
	if err != nil {
		return fmt.Errorf("hybrid sends what is in the working copy: %w", err)
	}
	changes, err := d.uncommitted(ctx, working, release)
	if err != nil {
		return err
	}
	folder, sealed, err := d.Begin(ctx, release)
	if err != nil || sealed {
		return err
	}
	pushed := d.push(ctx, working, release.Commit)
	err = d.fill(ctx, working, release, changes, folder)
	if err == nil {
		err = d.Seal(ctx, release)
	}
	pushed(err == nil)
	return err
}

// Activate makes a staged release the one that runs.
func (d *deployer) Activate(ctx context.Context, release providers.Release) (providers.Activation, error) {
	activation, err := d.Switch(ctx, release)
	d.mu.Lock()
	defer d.mu.Unlock()
	activation.Warnings, d.warnings = append(d.warnings, activation.Warnings...), nil
	return activation, err
}

// warn keeps a warning for those who activate the release, and says it at once to those who listen.
func (d *deployer) warn(text string) {
	if d.environment.Log != nil {
		d.environment.Log.Warn(text, slog.String("deploy", d.Target().Address))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.warnings = append(d.warnings, text)
}

// uncommitted are the changes that come along with the commit, or an error where there are some that must not.
func (d *deployer) uncommitted(ctx context.Context, working *workingcopy.Copy, release providers.Release) ([]git.Change, error) {
	changes, err := working.Uncommitted(ctx, release.Commit)
	if err != nil {
		return nil, err
	}
	switch allowed := d.Target().AllowUncommitted; {
	case !allowed && len(changes) > 0:
		return nil, working.Refuse(changes, "commit them, or set allow_uncommitted = true in "+d.Target().Address)
	case !allowed && release.Uncommitted:
		return nil, errors.New("there were changes that are not committed: commit them, or set allow_uncommitted = true in " + d.Target().Address)
	case !release.Uncommitted && len(changes) > 0:
		d.warn(fmt.Sprintf("what was changed in %s since the plan was made, and is not committed, was not deployed", working.Directory()))
		return nil, nil
	case release.Uncommitted:
		head, err := working.Head(ctx)
		if err == nil && head.Commit != release.Commit {
			err = fmt.Errorf("what is not committed in %s belonged to %s, and %s is checked out now: make a new plan", working.Directory(), release.Commit, head.Commit)
		}
		return changes, err
	}
	return nil, nil
}

// push begins to bring the commit to the remote. The function that it returns waits for that, with patience or without.
func (d *deployer) push(ctx context.Context, working *workingcopy.Copy, commit string) (wait func(patient bool)) {
	if d.Target().Repository == "" {
		return func(bool) {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var pushing sync.WaitGroup
	pushing.Go(func() {
		if _, err := working.Publish(ctx, commit); err != nil {
			d.warn(fmt.Sprintf("the remote does not have %s yet: %v", commit, err))
		}
	})
	return func(patient bool) {
		if patient {
			defer time.AfterFunc(pushPatience, cancel).Stop()
		} else {
			cancel()
		}
		pushing.Wait()
		cancel()
	}
}
