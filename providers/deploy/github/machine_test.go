package github

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv/release"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/deploytest"
	"github.com/castrolanda/imsctl/providers/deploy/git"
)

var shared release.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

func TestReleases(t *testing.T) {
	deploytest.Releases(t, deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, nil))
}

func TestInterrupted(t *testing.T) {
	deploytest.Interrupted(t, deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, nil))
}

// TestTransports fetches over HTTP, from a host that needs not be able to do anything else.
func TestTransports(t *testing.T) {
	o := deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, func(project *release.Project, target *providers.DeployTarget) {
		target.Repository = project.Remote.HTTP
		target.WorkingCopy = filepath.Join(t.TempDir(), "none") // the remote is all there is
	})
	next := o.Release(release.Good1)
	if err := o.Stage(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	o.CheckFiles(t, next)
}

// TestKilledGit finds what a git leaves that is killed.
func TestKilledGit(t *testing.T) {
	o := deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, nil)
	if err := o.Stage(t.Context(), o.Release(release.Good1)); err != nil {
		t.Fatal(err)
	}
	o.Project.Machine.Run(t, "touch "+o.Project.Path+"/.imsctl/repository.git/refs/imsctl/fetched.lock")
	o.Project.Checkout(t, release.Good2)
	next := o.Release(release.Good2)
	if err := o.Stage(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	o.CheckFiles(t, next)
}

// TestRefused has what must not reach a host, or cannot.
func TestRefused(t *testing.T) {
	o := deploytest.New(t, shared.Machine(t), release.Options{}, newDeployer, nil)
	refused := func(what, revision string, wanted error, words ...string) {
		t.Helper()
		next := o.Release(revision)
		err := o.Stage(t.Context(), next)
		if err == nil || wanted != nil && !errors.Is(err, wanted) {
			t.Errorf("%s: %v", what, err)
			return
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q is not in: %v", what, word, err)
			}
		}
		o.Project.Machine.Run(t, "test ! -e "+o.Project.Path+"/releases/"+next.ID)
	}

	page := filepath.Join(o.Project.Work, "web", "page")
	if err := os.WriteFile(page, []byte("edited\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	refused("what is not committed", release.Good1, nil, "web/page", "not committed")
	o.Project.Checkout(t, release.Good2)

	o.Project.Remote.Down()
	refused("a remote that is down", release.Good2, providers.ErrTemporary)
	o.Project.Remote.Up()

	o.Project.Push(t, release.Other)
	refused("another history", release.Good2, git.ErrOtherHistory, "force")
	o.Project.Push(t, release.Good1)

	hook := filepath.Join(o.Project.Remote.Folder, "hooks", "pre-receive")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho main is protected >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	refused("a branch that is protected", release.Good2, git.ErrRefused, "main is protected")
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}

	next := o.Release(release.Good2)
	next.Commit = strings.Repeat("12", 20)
	if err := o.Stage(t.Context(), next); !errors.Is(err, git.ErrUnknown) {
		t.Errorf("a commit that is nowhere: %v", err)
	}

	next = o.Release(release.Good2)
	next.Uncommitted = true
	if err := o.Stage(t.Context(), next); err == nil || !strings.Contains(err.Error(), "not committed") {
		t.Errorf("a release with what is not committed: %v", err)
	}

	// The remote is ahead of the working copy: its commit is there, and nothing is to be pushed.
	o.Project.Push(t, release.Good3)
	next = o.Release(release.Good2)
	if err := o.Stage(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	o.CheckFiles(t, next)
	if head := o.Project.Remote.Head(t, "main"); head != o.Project.Commit(release.Good3) {
		t.Errorf("the remote was moved to %s", head)
	}
}
