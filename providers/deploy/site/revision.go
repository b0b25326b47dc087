package site

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/git"
)

// revisions is a clone in which revisions can be compared.
type revisions struct {
	machine    providers.Host
	repository *git.Repository
	// copy says that it is a working copy, and not the mirror on the host.
	copy bool
	// remote is where the branch is asked for, empty where there is none.
	remote string
	target providers.DeployTarget
}

// wanted finds out what should run. Nil where there is nothing to ask; the view says why.
func (s *Site) wanted(ctx context.Context) (*revisions, providers.RevisionsView) {
	var view providers.RevisionsView
	r, err := s.clone(ctx)
	if err != nil {
		view.Err = err
		return nil, view
	}
	r.askRemote(ctx, &view)
	if r.copy && r.remote != "" && !s.sameRepository(ctx, r, view.RemoteHead) {
		// Whatever lies there is another project, such as the one that the specification is kept in.
		if r, err = s.mirror(ctx); err != nil {
			view.Err = err
			return nil, view
		}
	}
	if err := r.decide(ctx, &view); err != nil {
		view.Err = err
		return nil, view
	}
	if err := r.describe(ctx, &view); err != nil {
		view.Err = err
	}
	return r, view
}

// clone is the working copy, or the mirror on the host where there is none.
func (s *Site) clone(ctx context.Context) (*revisions, error) {
	machine, err := s.environment.Hosts(providers.Reference{})
	if err != nil {
		return nil, err
	}
	repository, err := git.Open(ctx, machine, s.environment.Clock, s.target.WorkingCopy)
	if err == nil && !repository.Bare() {
		r := &revisions{machine: machine, repository: repository, copy: true, remote: s.target.Repository, target: s.target}
		if r.remote == "" {
			r.remote = origin(ctx, machine, repository.Directory())
		}
		return r, nil
	}
	mirrored, mirrorErr := s.mirror(ctx)
	if mirrorErr != nil && err != nil {
		return nil, fmt.Errorf("%w; the working copy: %w", mirrorErr, err)
	}
	return mirrored, mirrorErr
}

// mirror is the bare repository on the host, made where it is missing.
func (s *Site) mirror(ctx context.Context) (*revisions, error) {
	if s.target.Repository == "" {
		return nil, fmt.Errorf("there is neither a clone at %s nor a repository: write working_copy or repository", s.target.WorkingCopy)
	}
	if err := s.findProject(); err != nil {
		return nil, err
	}
	repository, err := git.Create(ctx, s.host, s.environment.Clock, s.Mirror())
	if err != nil {
		return nil, err
	}
	return &revisions{machine: s.host, repository: repository, remote: s.target.Repository, target: s.target}, nil
}

// origin is the URL of the remote that a clone was made from, empty where there is none.
func origin(ctx context.Context, machine providers.Runner, folder string) string {
	var said strings.Builder
	err := machine.Run(ctx, providers.Command{Arguments: []string{"git", "-C", folder, "remote", "get-url", "origin"}, Stdout: &said})
	if err != nil {
		return "" // there is none
	}
	return strings.TrimSpace(said.String())
}

// sameRepository reports whether a working copy is one of the repository that is deployed.
func (s *Site) sameRepository(ctx context.Context, r *revisions, head string) bool {
	if s.target.Repository == "" {
		return true
	}
	machine, err := s.environment.Hosts(providers.Reference{})
	if err != nil {
		return false
	}
	if from := origin(ctx, machine, r.repository.Directory()); from == "" || sameURL(from, s.target.Repository) {
		return true
	}
	if head == "" {
		return false
	}
	has, err := r.repository.Has(ctx, head)
	return err == nil && has
}

// sameURL compares where repositories are, whatever the way there: "git@github.com:a/b.git" is "https://github.com/a/b".
func sameURL(a, b string) bool { return repositoryPath(a) == repositoryPath(b) }

// repositoryPath is a URL without its protocol, user, port and ending.
func repositoryPath(url string) string {
	url = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(url), "/"), ".git"), "/")
	host, name, ok := "", url, false
	if _, rest, found := strings.Cut(url, "://"); found {
		host, name, ok = strings.Cut(rest, "/")
	} else if colon := strings.IndexByte(url, ':'); colon > 0 && !strings.Contains(url[:colon], "/") {
		host, name, ok = url[:colon], strings.TrimPrefix(url[colon+1:], "/"), true
	}
	if !ok {
		return name
	}
	host = strings.ToLower(host[strings.LastIndexByte(host, '@')+1:])
	if colon := strings.IndexByte(host, ':'); colon >= 0 {
		host = host[:colon]
	}
	return strings.TrimPrefix(host+"/"+strings.TrimPrefix(name, "/"), "/")
}

// askRemote asks for the branch. That the remote does not answer is no reason to know nothing.
func (r *revisions) askRemote(ctx context.Context, view *providers.RevisionsView) {
	if r.remote == "" {
		return
	}
	head, err := r.repository.RemoteHead(ctx, r.remote, r.target.Branch)
	view.RemoteSeconds, view.RemoteHead, view.RemoteErr = head.Took.Seconds(), head.Commit, err
}

// decide finds the commit that should run.
func (r *revisions) decide(ctx context.Context, view *providers.RevisionsView) error {
	if r.target.Revision != "" {
		return r.pinned(ctx, view)
	}
	if !r.copy {
		if view.RemoteErr != nil {
			return view.RemoteErr
		}
		view.Wanted = view.RemoteHead
		return r.fetch(ctx, view.Wanted)
	}
	ours, err := r.repository.Resolve(ctx, "refs/heads/"+r.target.Branch)
	if errors.Is(err, git.ErrUnknown) && view.RemoteHead != "" {
		view.Wanted = view.RemoteHead
		return r.fetch(ctx, view.Wanted)
	}
	if err != nil {
		return err
	}
	view.Wanted, view.FromWorkingCopy = ours, true
	if errors.Is(view.RemoteErr, git.ErrUnknown) {
		view.RemoteErr = nil // it answers, and has no such branch yet
	}
	if view.RemoteHead == "" || view.RemoteHead == ours {
		return nil
	}
	return r.against(ctx, ours, view)
}

// against decides between the branch of the working copy and that of the remote, which differ.
func (r *revisions) against(ctx context.Context, ours string, view *providers.RevisionsView) error {
	if err := r.fetch(ctx, view.RemoteHead); err != nil {
		return err
	}
	relation, err := r.repository.Relate(ctx, ours, view.RemoteHead)
	if err != nil {
		return err
	}
	switch relation {
	case git.Ahead:
		view.Wanted, view.FromWorkingCopy = view.RemoteHead, false
	case git.Diverged:
		if !r.target.AllowOtherHistory {
			return fmt.Errorf("%w: the branch %s of %s and that of %s have parted (%.7s and %.7s), as after it was force-pushed: "+
				"bring the two together, or write allow_other_history = true to deploy that of the remote",
				git.ErrOtherHistory, r.target.Branch, r.remote, r.repository.Directory(), view.RemoteHead, ours)
		}
		view.Wanted, view.FromWorkingCopy = view.RemoteHead, false
	}
	return nil
}

// pinned finds the revision that the block names.
func (r *revisions) pinned(ctx context.Context, view *providers.RevisionsView) error {
	commit, err := r.repository.Resolve(ctx, r.target.Revision)
	if errors.Is(err, git.ErrUnknown) && view.RemoteHead != "" {
		// It may have come after this clone.
		if err := r.fetch(ctx, view.RemoteHead); err != nil {
			return err
		}
		commit, err = r.repository.Resolve(ctx, r.target.Revision)
	}
	if err != nil {
		return err
	}
	view.Wanted, view.FromWorkingCopy = commit, r.copy
	return nil
}

// fetch gets a commit from the remote, unless it is there.
func (r *revisions) fetch(ctx context.Context, commit string) error {
	return r.repository.Fetch(ctx, r.remote, r.target.Branch, commit)
}

// describe says what the wanted commit is, and what is not committed beside it.
func (r *revisions) describe(ctx context.Context, view *providers.RevisionsView) error {
	var subject strings.Builder
	if err := r.machine.Run(ctx, providers.Command{
		Arguments: []string{"git", "-C", r.repository.Directory(), "show", "--no-patch", "--format=%s", view.Wanted}, Stdout: &subject,
	}); err != nil {
		return fmt.Errorf("asking for the subject of %.7s: %w", view.Wanted, err)
	}
	view.Subject = strings.TrimSpace(subject.String())
	if !r.copy {
		return nil
	}
	return r.uncommitted(ctx, view)
}

// compare says what lies between the running commit and the wanted one.
func (r *revisions) compare(ctx context.Context, running string, view *providers.RevisionsView) {
	if running == "" {
		return
	}
	has, err := r.repository.Has(ctx, running)
	if err != nil || !has {
		if err != nil {
			view.Err = err
		}
		return
	}
	ancestor, err := r.repository.IsAncestor(ctx, running, view.Wanted)
	if err != nil {
		view.Err = err
		return
	}
	changes, err := r.repository.Changes(ctx, running, view.Wanted)
	if err != nil {
		view.Err = err
		return
	}
	commits, err := r.repository.Commits(ctx, running, view.Wanted)
	if err != nil {
		view.Err = err
		return
	}
	view.Known, view.OtherHistory = true, !ancestor
	for _, change := range changes {
		view.Changes = append(view.Changes, providers.FileChange{Path: change.Path, Kind: kinds[change.Kind]})
	}
	for _, commit := range commits {
		view.Commits = append(view.Commits, providers.Commit{Hash: commit.Hash, Subject: commit.Subject, Body: commit.Body, Author: commit.Author, Time: commit.Time})
	}
}

// kinds are the letters of changes.
var kinds = map[git.Kind]byte{git.Added: 'A', git.Modified: 'M', git.Deleted: 'D', git.Renamed: 'R', git.TypeChanged: 'T'}

// checkRemote is an error where the folder of the project is a clone of another repository than the one that is deployed.
func (s *Site) checkRemote(ctx context.Context) error {
	from := origin(ctx, s.host, s.target.Path)
	if from == "" || s.target.Repository == "" || sameURL(from, s.target.Repository) {
		return nil
	}
	return fmt.Errorf("%s on %s is a clone of %s, not of %s: write the folder of the right project as path", s.target.Path, s.host.Name(), from, s.target.Repository)
}
