package site

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// Return makes a release that is there the one that runs, as Switch does. That files of it were changed since is a warning only: with
// these files it ran before, and there may be nothing else to go back to.
func (s *Site) Return(ctx context.Context, release providers.Release) (providers.Activation, error) {
	dirty := s.dirty(ctx, release.ID)
	var changed *DirtyError
	if dirty != nil && !errors.As(dirty, &changed) {
		return providers.Activation{}, dirty
	}
	// What could not be brought here may be what has filled the disk.
	leftErr := s.removeUnsealed(ctx, nil)
	activation, err := s.activate(ctx, release)
	if leftErr != nil {
		activation.Warnings = append(activation.Warnings, leftErr.Error())
	}
	if changed != nil {
		activation.Warnings = append(activation.Warnings, changed.Error())
	}
	return activation, err
}

// Switch makes a sealed release the one that runs: the link leads to it, compose makes those containers anew whose configuration, image or
// mounted files are others, and all services are up and healthy when it returns. It can be repeated after any interruption, and
// does nothing where nothing is to be done. A *DirtyError when files of the release were changed.
func (s *Site) Switch(ctx context.Context, release providers.Release) (providers.Activation, error) {
	if err := s.dirty(ctx, release.ID); err != nil {
		return providers.Activation{}, err
	}
	return s.activate(ctx, release)
}

// activate makes a release the one that runs.
func (s *Site) activate(ctx context.Context, release providers.Release) (providers.Activation, error) {
	made, err := s.sealOf(release.ID)
	if err != nil {
		return providers.Activation{}, err
	}
	if made, err = s.useImages(ctx, release.ID, made); err != nil {
		return providers.Activation{}, fmt.Errorf("the images of release %s: %w", release.ID, err)
	}
	// Compose's view of the release is that of the link, under which containers know it.
	loaded, err := s.load(ctx, call{project: made.Project, folder: s.Folder(release.ID)})
	if err != nil {
		return providers.Activation{}, err
	}
	previous, err := s.current()
	if err != nil {
		return providers.Activation{}, err
	}
	before, err := s.containers(ctx, made.Project)
	if err != nil {
		return providers.Activation{}, err
	}
	if err := s.note(before, notEmpty(previous)...); err != nil {
		return providers.Activation{}, err
	}
	if previous != release.ID {
		if err := s.switchLink(ctx, release.ID); err != nil {
			return providers.Activation{}, err
		}
	}
	after, err := s.bringUp(ctx, call{made.Project, s.link(), s.labels(release.ID, made)}, loaded, release.WaitTimeout)
	activation := providers.Activation{Services: changedServices(before, after), Warnings: warnings(loaded)}
	if after != nil {
		err = errors.Join(err, s.note(after, notEmpty(previous, release.ID)...))
	}
	return activation, err
}

// notEmpty are the names that are none, once each.
func notEmpty(names ...string) []string {
	return slices.Compact(slices.DeleteFunc(names, func(name string) bool { return name == "" }))
}

// bringUp has compose bring services up, waits until they are well and returns their containers.
//
// Compose's own waiting is not used: it takes a service that has done its work and ended for a failure, in most versions.
func (s *Site) bringUp(ctx context.Context, c call, loaded *config, least time.Duration) ([]providers.Container, error) {
	_, upErr := s.compose(ctx, c, "up", "--detach", "--remove-orphans", "--no-build", "--quiet-pull")
	found, err := s.containers(ctx, c.project)
	if err != nil {
		return nil, errors.Join(upErr, err)
	}
	if upErr != nil {
		// Which of the containers is to blame is seen better from them.
		return found, errors.Join(append(bads(judge(loaded, found)), s.explainPort(ctx, upErr))...)
	}
	return s.settle(ctx, c.project, loaded, max(least, loaded.wait()))
}

// settle waits until all services are well, or one is in a bad way, or for as long as all health checks may need.
func (s *Site) settle(ctx context.Context, project string, loaded *config, wait time.Duration) ([]providers.Container, error) {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		found, err := s.containers(ctx, project)
		if err != nil {
			return nil, err
		}
		judged := judge(loaded, found)
		switch {
		case len(judged.bad) > 0:
			return found, errors.Join(bads(judged)...)
		case judged.well():
			return found, nil
		}
		if err := clock.Sleep(waiting, s.timing.poll); err != nil {
			if ctx.Err() != nil {
				return found, ctx.Err()
			}
			return found, fmt.Errorf("not up after %s: %s", wait, strings.Join(judged.waiting, "; "))
		}
	}
}

// bads are errors of what is in a bad way.
func bads(judged verdict) []error {
	var errs []error
	for _, text := range judged.bad {
		errs = append(errs, errors.New(text))
	}
	return errs
}

// warnings are what is worth a look in a compose file.
func warnings(loaded *config) []string {
	var list []string
	if unchecked := loaded.unchecked(); len(unchecked) > 0 {
		list = append(list, fmt.Sprintf("without a health check, and so well as soon as they run: %s", strings.Join(unchecked, ", ")))
	}
	return list
}

// activeCall is how compose is called for what runs, and what it understands of it.
func (s *Site) activeCall(ctx context.Context) (call, error) {
	folder, _, err := s.Active(ctx)
	if err != nil {
		return call{}, err
	}
	return s.callIn(ctx, path.Clean(folder))
}
