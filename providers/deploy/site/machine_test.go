package site

import (
	"os"
	"path"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv/release"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/docker"
	"github.com/castrolanda/imsctl/providers/host/ssh"
)

var shared release.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// operator is who deploys a project to a machine.
type operator struct {
	*Site
	project *release.Project
	target  providers.DeployTarget
}

// deployer is an operator of a new project on the machine.
func deployer(t *testing.T, options release.Options, change func(*providers.DeployTarget)) *operator {
	t.Helper()
	project := shared.Machine(t).Project(t, options)
	for _, variable := range project.Machine.Environment() {
		for i := range len(variable) {
			if variable[i] == '=' {
				t.Setenv(variable[:i], variable[i+1:])
				break
			}
		}
	}
	t.Setenv("SSH_AUTH_SOCK", "")
	target := providers.DeployTarget{
		Address: "deploy.app", Host: providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}, Path: project.Path, Compose: "compose.yaml",
		Repository: project.Remote.SSH, Branch: "main", WorkingCopy: project.Work, Shared: []string{"data"}, KeepReleases: 5,
	}
	if change != nil {
		change(&target)
	}
	return &operator{site(t, target, nil), project, target}
}

// site is the site of a target on the machine, whose host may be wrapped.
func site(t *testing.T, target providers.DeployTarget, wrap func(providers.Host) providers.Host) *Site {
	t.Helper()
	hosts := map[string]providers.Host{}
	environment := providers.Environment{Clock: clock.System{}}
	vm, err := (&ssh.Config{Address: "vm"}).Host(environment)
	if err != nil {
		t.Fatal(err)
	}
	hosts["host.ssh.vm"], hosts[""] = vm, thisMachine
	if wrap != nil {
		hosts["host.ssh.vm"] = wrap(vm)
	}
	environment.Hosts = func(reference providers.Reference) (providers.Host, error) { return hosts[reference.Address], nil }
	environment.Containers = func(providers.Host) (providers.Containers, error) { return docker.New(vm, "") }
	made, err := New(environment, target)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// release is a release of a revision, with an ID that sorts.
func (o *operator) release(id, revision, previous string) providers.Release {
	commit := o.project.Commit(revision)
	return providers.Release{ID: id + "-" + commit[:7], Commit: commit, Branch: "main", Previous: previous, WaitTimeout: time.Minute}
}

// stage brings a release to the machine.
func (o *operator) stage(t *testing.T, one providers.Release) error {
	t.Helper()
	folder, sealed, err := o.Begin(t.Context(), one)
	if err != nil || sealed {
		return err
	}
	o.project.Machine.Run(t, "git -C "+o.project.Work+" archive "+one.Commit+" | tar -x -C "+folder)
	return o.Seal(t.Context(), one)
}

// deploy brings a release and makes it run.
func (o *operator) deploy(t *testing.T, one providers.Release) providers.Activation {
	t.Helper()
	if err := o.stage(t, one); err != nil {
		t.Fatal(err)
	}
	activation, err := o.Switch(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	record := providers.ReleaseRecord{Release: one, Deploy: o.target.Address, Strategy: "test", By: "test", Phase: "promoted", StartedAt: time.Now().UTC(), Promoted: true}
	if err := o.Record(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	return activation
}

// file reads a file of the project's folder.
func (o *operator) file(t *testing.T, name string) string {
	t.Helper()
	return o.project.Machine.Run(t, "cat "+path.Join(o.project.Path, name))
}
