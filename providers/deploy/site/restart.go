package site

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// Restart makes all services start again at the revision that is there, the current release or a plain project, and returns when they are
// up and healthy. Compose makes those anew whose configuration or image is another one than that which is declared, and starts what does not run; the
// others are restarted in their containers. least is how long the services may take, at least. Files of a release that were changed in
// place are no obstacle: what is there is what is meant.
func (s *Site) Restart(ctx context.Context, least time.Duration) (providers.Activation, error) {
	id, err := s.current()
	if err != nil {
		return providers.Activation{}, err
	}
	what, err := s.activeConfig(ctx, id)
	if errors.Is(err, errNothingRuns) {
		return providers.Activation{}, fmt.Errorf("%w in %s on %s: there is nothing to restart", err, s.target.Path, s.host.Name())
	}
	if err != nil {
		return providers.Activation{}, err
	}
	if id != "" {
		if _, err := s.useImages(ctx, id, what.sealed); err != nil {
			return providers.Activation{}, fmt.Errorf("the images of release %s: %w", id, err)
		}
	}
	before, err := s.containers(ctx, what.call.project)
	if err != nil {
		return providers.Activation{}, err
	}
	after, err := s.startAgain(ctx, what, before, least)
	activation := providers.Activation{Services: changedServices(before, after), Warnings: warnings(what.loaded)}
	if after != nil {
		err = errors.Join(err, s.note(after, notEmpty(id)...))
	}
	return activation, err
}

// startAgain has compose bring up what is not as it is declared, restarts the others, and waits until all are well.
func (s *Site) startAgain(ctx context.Context, what active, before []providers.Container, least time.Duration) ([]providers.Container, error) {
	arguments := []string{"up", "--detach", "--remove-orphans", "--quiet-pull"}
	if what.sealed.Project != "" {
		arguments = append(arguments, "--no-build")
	}
	_, upErr := s.compose(ctx, what.call, arguments...)
	found, err := s.containers(ctx, what.call.project)
	if err != nil {
		return nil, errors.Join(upErr, err)
	}
	touched := changedServices(before, found)
	var rest []string
	for _, one := range found {
		if !slices.Contains(touched, one.Service) {
			rest = append(rest, one.Service)
		}
	}
	if slices.Sort(rest); len(rest) > 0 {
		// Also after a failure of the others: what one service lacks may be what another one needs a restart for.
		if _, err := s.compose(ctx, what.call, append([]string{"restart", "--no-deps"}, slices.Compact(rest)...)...); err != nil {
			return found, errors.Join(upErr, err)
		}
	}
	if upErr != nil {
		return found, errors.Join(append(bads(judge(what.loaded, found)), upErr)...)
	}
	return s.settle(ctx, what.call.project, what.loaded, max(least, what.loaded.wait()))
}
