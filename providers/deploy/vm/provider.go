// Package vm is the strategy that lets the host pull and deploy alone, detached from the connection.
//
// The branch is pushed where the remote does not have the commit, as far as the remote can be reached. Then a script is put on the host, under PATH/.imsctl/run/ID, and started there in a session of its own: it goes on when the connection breaks,
// when this process ends, and when this machine does. It fetches exactly the wanted commit, makes a release of it as every other strategy does, runs
// the hook migrate, switches, waits for health, and when that fails, makes the release before it run again. Before each step it writes
// down durably what it is about to do, so that whoever comes back finds out how it ended, or starts it again from there when the host lost its power.
// Meanwhile it keeps the lock of the deploy, which is its own when nobody else has it any more.
//
// The script needs what the commands of such machines have in common: a POSIX shell with the usual programs (awk, find, sed, sort, tar,
// sha256sum, timeout), setsid, git, and docker with compose. Where systemd ends what users have started when they leave (KillUserProcesses), lingering must be
// enabled for that user.
package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/site"
	"github.com/castrolanda/imsctl/providers/deploy/workingcopy"
)

// Provider is the entry of the registry.
func Provider() providers.Provider {
	return providers.Provider{
		Kind: providers.KindDeploy, Type: "vm",
		Summary: "The host pulls and deploys alone, detached from our connection.",
		Deploy:  newDeployer,
	}
}

// deployer implements providers.Autonomous.
type deployer struct {
	*site.Site
	environment providers.Environment
	clock       clock.Clock
	// look is the pause between two looks at a run, patience how long a host may be out of reach before its result is left for later.
	look, patience time.Duration
}

var _ providers.Autonomous = (*deployer)(nil)

func newDeployer(environment providers.Environment, target providers.DeployTarget) (providers.Deployer, error) {
	project, err := site.New(environment, target)
	if err != nil {
		return nil, err
	}
	return &deployer{Site: project, environment: environment, clock: environment.Clock, look: 500 * time.Millisecond, patience: 3 * time.Minute}, nil
}

// Stage has the host bring a release to itself.
func (d *deployer) Stage(ctx context.Context, release providers.Release) error {
	_, err := d.run(ctx, release, staged, io.Discard)
	return err
}

// Activate makes a staged release the one that runs, while we wait for it.
func (d *deployer) Activate(ctx context.Context, release providers.Release) (providers.Activation, error) {
	return d.Switch(ctx, release)
}

// Run has the host do all of it, or finds what it is doing already, and follows that to its end. When ctx ends, the host goes on.
func (d *deployer) Run(ctx context.Context, release providers.Release, output io.Writer) (providers.Activation, error) {
	return d.run(ctx, release, running, output)
}

// publish makes sure that the remote has the commit, before the host is told to fetch it. A remote that does not answer here may answer there.
func (d *deployer) publish(ctx context.Context, release providers.Release, output io.Writer) error {
	err := workingcopy.Bring(ctx, d.environment, d.Target(), release, "vm")
	switch {
	case errors.Is(err, providers.ErrTemporary):
		_, err = fmt.Fprintf(output, "the remote does not answer here, and may not have the commit: %v\n", err)
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", providers.ErrUntouched, err)
	}
	return nil
}
