// Package github is the strategy that pushes a revision to a remote, from which the host fetches exactly that commit. Any remote that
// git can work with will do.
//
// What is not committed in the working copy is refused, so that it never reaches a host this way. The branch is pushed where the remote
// does not have the commit, never by force. The host asks the remote for the commit by its hash, and git, which computes that hash from what
// it receives, is asked again what it got before anything is made of it. Nothing but the remote need be reachable from the host, and
// nothing but the host from here.
package github

import (
	"context"
	"errors"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/git"
	"github.com/castrolanda/imsctl/providers/deploy/site"
	"github.com/castrolanda/imsctl/providers/deploy/workingcopy"
)

// Provider is the entry of the registry.
func Provider() providers.Provider {
	return providers.Provider{
		Kind: providers.KindDeploy, Type: "github",
		Summary: "The revision goes to the remote, and the host fetches exactly that commit from it: slowest and safest.",
		Deploy:  newDeployer,
	}
}

// deployer implements providers.Deployer.
type deployer struct {
	*site.Site
	environment providers.Environment
}

func newDeployer(environment providers.Environment, target providers.DeployTarget) (providers.Deployer, error) {
	project, err := site.New(environment, target)
	if err != nil {
		return nil, err
	}
	return &deployer{Site: project, environment: environment}, nil
}

// Stage brings the commit to the host by way of the remote.
func (d *deployer) Stage(ctx context.Context, release providers.Release) error {
	if d.Target().Repository == "" {
		return errors.New("the host fetches what github deploys from a remote: write its URL as repository")
	}
	folder, sealed, err := d.Begin(ctx, release)
	if err != nil || sealed {
		return err
	}
	if err := workingcopy.Bring(ctx, d.environment, d.Target(), release, "github"); err != nil {
		return err
	}
	if err := d.fetch(ctx, release.Commit); err != nil {
		return err
	}
	if err := d.unpack(ctx, release.Commit, folder); err != nil {
		return err
	}
	return d.Seal(ctx, release)
}

// Activate makes a staged release the one that runs.
func (d *deployer) Activate(ctx context.Context, release providers.Release) (providers.Activation, error) {
	return d.Switch(ctx, release)
}

// fetch has the host get the commit from the remote, and proves that it is that one.
func (d *deployer) fetch(ctx context.Context, commit string) error {
	mirror, err := git.Create(ctx, d.Host(), d.environment.Clock, d.Mirror())
	if err != nil {
		return err
	}
	fetch := func() error { return mirror.Fetch(ctx, d.Target().Repository, d.Target().Branch, commit) }
	if err = fetch(); isLocked(err) {
		// Who has the lock of the deploy has the repository to itself: this lock is that of a git that was killed.
		if err = d.unlock(ctx); err == nil {
			err = fetch()
		}
	}
	return err
}
