// Package site is the project of a deploy block on its host: its releases, the link to the one that runs, its containers and the
// lock of its deploys. How a release comes there is a strategy's business.
//
// # What lies on the host
//
//	PATH/current            a link to the release that runs, replaced in one step
//	PATH/releases/ID        a release, whole and never changed again
//	PATH/releases/ID.staging  one that is being made, or was when its deploy died
//	PATH/shared             what all releases have in common
//	PATH/.imsctl            what imsctl remembers: the lock, the mirror of the repository, and of each release a record,
//	                        what was sealed and the hashes of its files
package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// Site implements providers.Site on any host. It is safe for concurrent use.
type Site struct {
	environment providers.Environment
	target      providers.DeployTarget
	host        providers.Host
	engine      providers.Containers
	timing      timing

	mu sync.Mutex
	// program is how compose is called on the host, once that is known.
	program []string
}

// timing is how long things are waited for.
type timing struct {
	// heartbeat is how often the holder of the lock shows that it lives, silence after how long without that it is taken for dead.
	heartbeat, silence time.Duration
	// poll is the pause between two looks at containers.
	poll time.Duration
}

// usualTiming is that of real life.
func usualTiming() timing {
	return timing{heartbeat: 10 * time.Second, silence: time.Minute, poll: 250 * time.Millisecond}
}

var _ providers.Site = (*Site)(nil)

// New returns the site of a target. It does no I/O.
func New(environment providers.Environment, target providers.DeployTarget) (*Site, error) {
	host, err := environment.Hosts(target.Host)
	if err != nil {
		return nil, fmt.Errorf("the host of %s: %w", target.Address, err)
	}
	engine, err := environment.Containers(host)
	if err != nil {
		return nil, fmt.Errorf("the containers of %s: %w", target.Address, err)
	}
	return &Site{environment: environment, target: target, host: host, engine: engine, timing: usualTiming()}, nil
}

// Host is the machine.
func (s *Site) Host() providers.Host { return s.host }

// Target is what the deploy block says.
func (s *Site) Target() providers.DeployTarget { return s.target }

// Folder is where the files of a release lie, once it is sealed.
func (s *Site) Folder(id string) string { return path.Join(s.target.Path, "releases", id) }

// Mirror is the bare repository on the host that revisions are fetched into. It need not exist.
func (s *Site) Mirror() string { return s.meta("repository.git") }

// Active is the folder that runs: the link to the current release, or the project's folder itself where no release was ever made.
func (s *Site) Active(ctx context.Context) (folder, id string, err error) {
	id, err = s.current()
	if err != nil {
		return "", "", err
	}
	if id == "" {
		return s.target.Path, "", nil
	}
	return s.link(), id, nil
}

// link is the path of the link to the current release.
func (s *Site) link() string { return path.Join(s.target.Path, "current") }

// meta is a path below the folder of what imsctl remembers.
func (s *Site) meta(elements ...string) string {
	return path.Join(append([]string{s.target.Path, ".imsctl"}, elements...)...)
}

// remembered is the path of something that imsctl remembers of a release.
func (s *Site) remembered(id, what string) string { return s.meta("releases", id+"."+what) }

// staging is where a release is made.
func (s *Site) staging(id string) string { return s.Folder(id) + ".staging" }

// current is the ID of the release that the link leads to, empty when there is no link.
func (s *Site) current() (string, error) {
	to, err := s.host.Files().Readlink(s.link())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		if info, statErr := s.host.Files().Lstat(s.link()); statErr == nil && info.Mode&fs.ModeSymlink == 0 {
			return "", fmt.Errorf("%s is no link to a release: move it out of the way", s.link())
		}
		return "", fmt.Errorf("reading which release is current: %w", err)
	}
	folder, id := path.Split(path.Clean(to))
	if path.Base(path.Clean(folder)) != "releases" || !isID(id) {
		return "", fmt.Errorf("the link %s leads to %s, which is no release: remove the link", s.link(), to)
	}
	return id, nil
}

// isID reports whether a name can be that of a release, which becomes part of paths and of the names of images.
func isID(id string) bool {
	if id == "" || len(id) > 100 || !isAlphanumeric(id[0]) {
		return false
	}
	for i := range len(id) {
		if !isAlphanumeric(id[i]) && id[i] != '-' && id[i] != '_' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// checkID is an error for what can be no release.
func checkID(id string) error {
	if !isID(id) {
		return fmt.Errorf("%q is no name of a release", id)
	}
	return nil
}
