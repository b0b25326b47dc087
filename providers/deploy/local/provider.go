// Package local is the strategy that restarts the services at the revision that is on the host: of the current release, or of a plain
// project that was never released. What compose finds to be another one than declared, in its configuration or image, is made anew instead; nothing is
// brought to the host, and no release is made.
package local

import (
	"context"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/site"
)

// Provider is the entry of the registry.
func Provider() providers.Provider {
	return providers.Provider{
		Kind: providers.KindDeploy, Type: "local",
		Summary: "The services are restarted, or made anew, at the revision that is there.",
		Deploy:  newDeployer,
	}
}

// deployer implements providers.InPlace.
type deployer struct{ *site.Site }

var _ providers.InPlace = deployer{}

func newDeployer(environment providers.Environment, target providers.DeployTarget) (providers.Deployer, error) {
	project, err := site.New(environment, target)
	if err != nil {
		return nil, err
	}
	return deployer{project}, nil
}

// InPlace implements providers.InPlace.
func (deployer) InPlace() {}

// Stage has nothing to do: the revision is there.
func (deployer) Stage(context.Context, providers.Release) error { return nil }

// Activate restarts the services.
func (d deployer) Activate(ctx context.Context, release providers.Release) (providers.Activation, error) {
	return d.Restart(ctx, release.WaitTimeout)
}
