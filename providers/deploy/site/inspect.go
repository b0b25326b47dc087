package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/git"
)

// Inspect looks at the repository and at the host, at the same time, and then at what lies between the revisions. What goes wrong in one
// part is said there and leaves the other alone.
func (s *Site) Inspect(ctx context.Context) providers.DeployInspection {
	var seen providers.DeployInspection
	var working sync.WaitGroup
	var wanted *revisions
	working.Go(func() { wanted, seen.Revisions = s.wanted(ctx) })
	working.Go(func() { seen.Site = s.View(ctx) })
	var remote *providers.RemoteView
	working.Go(func() { remote = s.askRemote(ctx) })
	working.Wait()
	seen.Site.Remote = remote
	if wanted != nil && seen.Revisions.Err == nil {
		wanted.compare(ctx, seen.Site.Running, &seen.Revisions)
	}
	return seen
}

// remotePatience is how long the remote may take to answer the host: what takes longer is as good as nothing.
const remotePatience = 10 * time.Second

// askRemote has the host ask the remote. Nil where it cannot be asked: without an address, without git, or without a connection.
func (s *Site) askRemote(ctx context.Context) *providers.RemoteView {
	if s.target.Repository == "" {
		return nil
	}
	if _, err := s.host.LookPath(ctx, "git"); err != nil {
		return nil // it says nothing of the remote
	}
	took, err := git.Ask(ctx, s.host, s.environment.Clock, s.target.Repository, remotePatience)
	if ctx.Err() != nil {
		return nil
	}
	return &providers.RemoteView{Err: err, Seconds: took.Seconds()}
}

// View implements providers.Site.
func (s *Site) View(ctx context.Context) providers.SiteView {
	view := providers.SiteView{FreeBytes: -1}
	if err := s.look(ctx, &view); err != nil {
		view.Err = err
	}
	return view
}

// look fills the view.
func (s *Site) look(ctx context.Context, view *providers.SiteView) error {
	asked := s.environment.Clock.Now()
	if err := s.findProject(); err != nil {
		return err
	}
	view.Seconds = s.environment.Clock.Now().Sub(asked).Seconds()
	s.measure(ctx, view)
	id, err := s.lookAtReleases(ctx, view)
	if err != nil {
		return err
	}
	if view.Held, err = s.held(); err != nil {
		return err
	}
	if view.Held != nil && s.silent(view.Held) {
		view.Held = nil // who deploys next takes it over
	}
	return s.lookAtServices(ctx, id, view)
}

// lookAtReleases finds the releases and which of them runs.
func (s *Site) lookAtReleases(ctx context.Context, view *providers.SiteView) (string, error) {
	id, err := s.current()
	if err != nil {
		return "", err
	}
	if view.Releases, err = s.records(); err != nil {
		return "", err
	}
	there, err := s.sealedIDs()
	if err != nil {
		return "", err
	}
	for _, record := range view.Releases {
		if record.ID == id {
			view.Current = &record
		}
	}
	view.Back = goesBackTo(id, view, there)
	if id == "" {
		view.Running, err = s.plainCommit(ctx)
		return "", err
	}
	if !slices.Contains(there, id) {
		// Somebody removed it, and the next deploy, or a rollback, sets that right.
		view.Current = nil
		view.Drift = append(view.Drift, fmt.Sprintf("the link %s leads to a release that is not there", s.link()))
		return id, nil
	}
	if view.Current == nil {
		view.Current = &providers.ReleaseRecord{Release: providers.Release{ID: id}, Deploy: s.target.Address}
	}
	view.Running = view.Current.Commit
	return id, nil
}

// goesBackTo is the release that comes before the current one, of those that proved healthy and are there: the one that ran when it came, or else the
// newest that is older. What was gone back from is newer, and is not gone back to: a second rollback goes further back. Only from a current one
// that never proved healthy, with nothing older, is it the newest of all.
func goesBackTo(id string, view *providers.SiteView, there []string) string {
	older, newest := "", ""
	for _, record := range view.Releases {
		if record.ID == id || !record.Promoted || !slices.Contains(there, record.ID) {
			continue
		}
		newest = record.ID // they are sorted
		if record.ID < id {
			older = record.ID
		}
		if record.ID < id && view.Current != nil && record.ID == view.Current.Previous {
			return record.ID
		}
	}
	if older == "" && (view.Current == nil || !view.Current.Promoted) {
		return newest
	}
	return older
}

// plainCommit is what is checked out in the folder of a project that was never deployed by imsctl; empty where it is no clone.
func (s *Site) plainCommit(ctx context.Context) (string, error) {
	there, err := s.exists(path.Join(s.target.Path, ".git"))
	if err != nil || !there {
		return "", err
	}
	if err := s.checkRemote(ctx); err != nil {
		return "", err
	}
	said, err := s.output(ctx, "", "git", "-C", s.target.Path, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	var exit *providers.ExitError
	if errors.As(err, &exit) {
		return "", nil // a clone without a commit, or one that git refuses to look at, runs nothing that is known
	}
	if err != nil {
		return "", fmt.Errorf("asking git what runs in %s: %w", s.target.Path, err)
	}
	return strings.TrimSpace(string(said)), nil
}

// lookAtServices compares what runs with what is declared.
func (s *Site) lookAtServices(ctx context.Context, id string, view *providers.SiteView) error {
	active, err := s.activeConfig(ctx, id)
	if err != nil && !errors.Is(err, errNothingRuns) {
		return err
	}
	if view.Containers, err = s.containers(ctx, active.call.project); err != nil {
		return err
	}
	if err := s.stale(ctx, active.call.project, view.Containers); err != nil {
		return err
	}
	if active.loaded == nil {
		return nil
	}
	view.WaitTimeout, view.Unchecked = active.loaded.wait(), active.loaded.unchecked()
	return s.drift(ctx, active, view)
}

// active is what is meant to run.
type active struct {
	// id is that of the release, empty for a plain project.
	id     string
	call   call
	sealed seal
	loaded *config
}

// errNothingRuns: there is no compose file yet.
var errNothingRuns = errors.New("nothing is deployed yet")

// activeConfig has compose read what is meant to run: the current release, or the plain project.
func (s *Site) activeConfig(ctx context.Context, id string) (active, error) {
	if id != "" {
		if sealed, err := s.isSealed(id); err != nil {
			return active{}, err
		} else if !sealed {
			return active{call: call{project: s.lastProject(), folder: s.link()}}, errNothingRuns
		}
	} else {
		_, err := s.host.Files().Lstat(path.Join(s.target.Path, s.target.Compose))
		there, listErr := s.host.Files().ReadDir(s.target.Path)
		if errors.Is(err, fs.ErrNotExist) && listErr == nil && !slices.ContainsFunc(there, isProjectFile) {
			return active{call: call{project: s.defaultProject(), folder: s.target.Path}}, errNothingRuns
		}
		loaded, err := s.load(ctx, call{folder: s.target.Path})
		if err != nil {
			return active{}, err
		}
		c := call{folder: s.target.Path, project: s.target.Project}
		if c.project == "" {
			c.project = s.projectFrom(loaded.Name, s.target.Path)
		}
		return active{call: c, loaded: loaded}, nil
	}
	made, err := s.sealOf(id)
	if err != nil {
		return active{}, err
	}
	c := call{made.Project, s.link(), s.labels(id, made)}
	loaded, err := s.load(ctx, c)
	return active{id, c, made, loaded}, err
}

// isProjectFile reports whether something in a folder is a part of a project, and not of imsctl.
func isProjectFile(entry providers.FileInfo) bool {
	return !slices.Contains([]string{"releases", "shared", "current", ".imsctl"}, entry.Name)
}

// lastProject is the name of the compose project in the newest release that is there.
func (s *Site) lastProject() string {
	ids, err := s.sealedIDs()
	if err != nil || len(ids) == 0 {
		return s.defaultProject()
	}
	made, err := s.sealOf(ids[len(ids)-1])
	if err != nil {
		return s.defaultProject()
	}
	return made.Project
}
