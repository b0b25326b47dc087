// Package deploytest is what the tests of strategies have in common: an operator with a working copy and a machine to deploy to, whose
// connection can be made to fail at any step, and what must hold of every strategy.
package deploytest

import (
	"fmt"
	"io"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv/release"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/docker"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/host/ssh"
)

// Maker is how a strategy makes its deployer.
type Maker func(providers.Environment, providers.DeployTarget) (providers.Deployer, error)

// Operator is who deploys a project to a machine, over SSH.
type Operator struct {
	providers.Deployer
	Project     *release.Project
	Target      providers.DeployTarget
	Environment providers.Environment
	// Fault can break the way to the machine.
	Fault *Fault

	maker    Maker
	releases int
	previous string
}

// New makes an operator with a new project on a machine. change may change the target first.
func New(t *testing.T, machine *release.Machine, options release.Options, maker Maker, change func(*release.Project, *providers.DeployTarget)) *Operator {
	t.Helper()
	project := machine.Project(t, options)
	for _, variable := range machine.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	t.Setenv("SSH_AUTH_SOCK", "")
	o := &Operator{Project: project, Fault: new(Fault), maker: maker}
	o.Target = providers.DeployTarget{
		Address: "deploy.app", Host: providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}, Path: project.Path, Compose: "compose.yaml",
		Repository: project.Remote.SSH, Branch: "main", WorkingCopy: project.Work, Shared: []string{"data"}, KeepReleases: 5,
		Hooks: []providers.Hook{{Moment: providers.Migrate, Service: "web", Command: []string{"sh", "/srv/migrations/run"}, Timeout: time.Minute}},
	}
	if change != nil {
		change(project, &o.Target)
	}
	o.Again(t)
	return o
}

// Again makes the deployer anew, as another process would have it, with a new connection.
func (o *Operator) Again(t *testing.T) {
	t.Helper()
	o.Environment = providers.Environment{Clock: clock.System{}}
	vm, err := (&ssh.Config{Address: "vm"}).Host(o.Environment)
	if err != nil {
		t.Fatal(err)
	}
	o.Environment.Hosts = func(reference providers.Reference) (providers.Host, error) {
		if reference.IsZero() {
			return local.New(), nil
		}
		return &faulty{vm, o.Fault}, nil
	}
	o.Environment.Containers = func(providers.Host) (providers.Containers, error) { return docker.New(vm, "") }
	if o.Deployer, err = o.maker(o.Environment, o.Target); err != nil {
		t.Fatal(err)
	}
}

// Release is a new release of a revision.
func (o *Operator) Release(revision string) providers.Release {
	o.releases++
	commit := o.Project.Commit(revision)
	return providers.Release{
		ID: fmt.Sprintf("202601%02dT120000Z-%s", o.releases, commit[:7]), Commit: commit, Branch: "main", Previous: o.previous, WaitTimeout: time.Minute,
	}
}

// Deploy has the working copy at a revision and deploys that.
func (o *Operator) Deploy(t *testing.T, revision string) providers.Activation {
	t.Helper()
	o.Project.Checkout(t, revision)
	activation, err := o.Bring(t, o.Release(revision))
	if err != nil {
		t.Fatal(err)
	}
	return activation
}

// Bring deploys a release as the executor does, and remembers it as good when it is.
func (o *Operator) Bring(t *testing.T, one providers.Release) (providers.Activation, error) {
	t.Helper()
	activation, err := o.bring(t, one)
	if err == nil {
		o.Keep(t, one)
	}
	return activation, err
}

func (o *Operator) bring(t *testing.T, one providers.Release) (providers.Activation, error) {
	if alone, ok := o.Deployer.(providers.Autonomous); ok {
		return alone.Run(t.Context(), one, io.Discard)
	}
	if err := o.Stage(t.Context(), one); err != nil {
		return providers.Activation{}, err
	}
	if err := o.Hook(t.Context(), providers.Migrate, one, io.Discard); err != nil {
		return providers.Activation{}, err
	}
	return o.Activate(t.Context(), one)
}

// Keep remembers on the machine that a release is good.
func (o *Operator) Keep(t *testing.T, one providers.Release) {
	t.Helper()
	record := providers.ReleaseRecord{Release: one, Deploy: o.Target.Address, Strategy: "test", By: "test", Phase: "promoted", StartedAt: time.Now().UTC(), Promoted: true}
	if err := o.Record(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	o.previous = one.ID
}

// CheckFiles holds the files of a release, but those that are shared, against those of its commit.
func (o *Operator) CheckFiles(t *testing.T, one providers.Release) {
	t.Helper()
	const script = `list() { cd "$1" && find . \( -name data -o -name .git \) -prune -o \( -type f -o -type l \) -exec ls -l {} + | awk '{ print $1, $NF }' | sort -k 2 && find . \( -name data -o -name .git \) -prune -o -type f -exec sha256sum {} + | sort -k 2; }
rm -rf /home/.wanted && mkdir /home/.wanted && git -C "$1" archive "$2" | tar -xf - -C /home/.wanted && list /home/.wanted >/home/.wanted.list && list "$3" | diff /home/.wanted.list -`
	quoted := strings.NewReplacer("$1", o.Project.Work, "$2", one.Commit, "$3", path.Join(o.Project.Path, "releases", one.ID))
	i := strings.Index(script, "rm -rf")
	o.Project.Machine.Run(t, script[:i]+quoted.Replace(script[i:]))
}

// Listing is what lies below the project's folder that could be left by an interrupted deploy: releases being made, links, and what is being removed.
func (o *Operator) Listing(t *testing.T) string {
	t.Helper()
	return o.Project.Machine.Run(t, "cd "+o.Project.Path+" && find . -maxdepth 3 \\( -name '*.staging*' -o -name '*.new' -o -name '*.removing' \\) | sort")
}
