// Package workingcopy is the clone that a revision is deployed from, on the machine imsctl runs on: what is not committed there, and
// how a commit gets from it to the remote.
package workingcopy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/git"
)

// ErrNone: there is no working copy.
var ErrNone = errors.New("there is no working copy")

// shownPaths is how many paths an error names.
const shownPaths = 5

// Copy is a working copy. Its methods may be called at the same time.
type Copy struct {
	*git.Repository
	target providers.DeployTarget
}

// Open opens the working copy of a target. ErrNone when there is none, or no git that could have made one.
func Open(ctx context.Context, environment providers.Environment, target providers.DeployTarget) (*Copy, error) {
	here, err := environment.Hosts(providers.Reference{})
	if err != nil {
		return nil, err
	}
	repository, err := git.Open(ctx, here, environment.Clock, target.WorkingCopy)
	switch {
	case errors.Is(err, git.ErrNoRepository), errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	case err != nil:
		return nil, err
	}
	return &Copy{Repository: repository, target: target}, nil
}

// Uncommitted lists what differs from a commit in the working copy; nothing where another commit is checked out, since it is
// not the working copy then that is deployed.
func (c *Copy) Uncommitted(ctx context.Context, commit string) ([]git.Change, error) {
	head, err := c.Head(ctx)
	if errors.Is(err, git.ErrUnknown) {
		return nil, nil // nothing was ever committed
	}
	if err != nil || head.Commit != commit {
		return nil, err
	}
	return c.Repository.Uncommitted(ctx)
}

// Refuse is the error for what is not committed where only commits are deployed.
func (c *Copy) Refuse(changes []git.Change, hint string) error {
	paths := make([]string, 0, shownPaths)
	for _, change := range changes[:min(shownPaths, len(changes))] {
		paths = append(paths, change.Path)
	}
	more := ""
	if rest := len(changes) - len(paths); rest > 0 {
		more = fmt.Sprintf(" and %d more", rest)
	}
	return fmt.Errorf("%s not committed in %s, and would not be deployed: %s%s; %s",
		units.Counted(len(changes), "change is", "changes are"), c.Directory(), strings.Join(paths, ", "), more, hint)
}

// Bring makes sure that the remote has the commit of a release, as far as this machine can: without a working copy it has it already, or the
// host will say that it does not. What is not committed is refused, for a strategy that deploys commits only. Errors are those of Publish.
func Bring(ctx context.Context, environment providers.Environment, target providers.DeployTarget, release providers.Release, strategy string) error {
	hint := "commit them, or put them aside with git stash: " + strategy + " deploys commits only"
	if release.Uncommitted {
		return errors.New("there are changes that are not committed: " + hint)
	}
	working, err := Open(ctx, environment, target)
	if errors.Is(err, ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	changes, err := working.Uncommitted(ctx, release.Commit)
	if err != nil {
		return err
	}
	if len(changes) > 0 {
		return working.Refuse(changes, hint)
	}
	_, err = working.Publish(ctx, release.Commit)
	return err
}

// Publish makes sure that the remote has a commit: where its branch does not, the branch is pushed, never by force. A revision that
// the specification pins, and a commit that is only at the remote, are left to the remote. It reports whether the branch was moved. Errors are those
// of git.Repository.Push.
func (c *Copy) Publish(ctx context.Context, commit string) (pushed bool, err error) {
	if c.target.Revision != "" {
		return false, nil
	}
	if has, err := c.Has(ctx, commit); err != nil || !has {
		return false, err
	}
	url, branch := c.target.Repository, c.target.Branch
	head, err := c.RemoteHead(ctx, url, branch)
	switch {
	case errors.Is(err, git.ErrUnknown): // the remote has no such branch yet
		return c.Push(ctx, url, commit, branch)
	case err != nil:
		return false, err
	case head.Commit == commit:
		return false, nil
	}
	known, err := c.Has(ctx, head.Commit)
	if err == nil && !known {
		err = c.Fetch(ctx, url, branch, head.Commit)
	}
	if err != nil {
		return false, err
	}
	if there, err := c.IsAncestor(ctx, commit, head.Commit); err != nil || there {
		return false, err
	}
	return c.Push(ctx, url, commit, branch)
}
