package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Prune removes the oldest releases until only so many are left, never the current one, nor one of keep, nor one whose files a container
// may still see; and what deploys left that were interrupted. It returns the IDs of the releases that are gone.
func (s *Site) Prune(ctx context.Context, count int, keep ...string) ([]string, error) {
	current, err := s.current()
	if err != nil {
		return nil, err
	}
	if err := s.removeLeftovers(ctx, keep); err != nil {
		return nil, err
	}
	if err := s.dropStrayImages(ctx, current, keep); err != nil {
		return nil, err
	}
	if err := s.removeHookContainers(ctx, current); err != nil {
		return nil, err
	}
	old, err := s.superfluous(max(count, 1))
	if err != nil || len(old) == 0 {
		return nil, err
	}
	seen, err := s.seen(ctx, current)
	if err != nil {
		return nil, err
	}
	var gone []string
	for _, id := range old {
		if id == current || slices.Contains(keep, id) || slices.Contains(seen, id) {
			continue
		}
		if err := s.removeRelease(ctx, id); err != nil {
			return gone, fmt.Errorf("removing the release %s: %w", id, err)
		}
		gone = append(gone, id)
	}
	return gone, nil
}

// superfluous are the releases that are not among the newest so many, oldest first. One that never proved healthy does not count, and is
// superfluous as soon as a newer one did.
func (s *Site) superfluous(count int) ([]string, error) {
	ids, err := s.sealedIDs()
	if err != nil {
		return nil, err
	}
	records, err := s.records()
	if err != nil {
		return nil, err
	}
	failed := make(map[string]bool)
	for _, record := range records {
		failed[record.ID] = !record.Promoted
	}
	var old []string
	kept := 0
	for _, id := range slices.Backward(ids) {
		switch {
		case kept >= count, failed[id] && kept > 0:
			old = append(old, id)
		case !failed[id]:
			kept++
		}
	}
	slices.Reverse(old)
	return old, nil
}

// seen are the releases whose files containers may see: one that was left alone by many deploys sees those that it was started with.
func (s *Site) seen(ctx context.Context, current string) ([]string, error) {
	if current == "" {
		return nil, nil
	}
	made, err := s.sealOf(current)
	if err != nil {
		return nil, err
	}
	found, err := s.containers(ctx, made.Project)
	if err != nil {
		return nil, err
	}
	if err := s.observe(found, current); err != nil {
		return nil, err
	}
	known, err := s.knownStarts()
	if err != nil {
		return nil, err
	}
	var list []string
	for _, one := range known {
		list = append(list, one.Releases...)
	}
	return list, nil
}

// removeRelease removes a release with its images and all that is remembered of it. What is left of it in between is a release whose
// images would be made again, and then nothing.
func (s *Site) removeRelease(ctx context.Context, id string) error {
	made, err := s.sealOf(id)
	if err != nil {
		return err
	}
	var names []string
	for _, image := range made.Images {
		names = append(names, image.Kept)
	}
	if err := s.dropImages(ctx, names); err != nil {
		return err
	}
	if err := s.removeAll(ctx, s.Folder(id)); err != nil {
		return err
	}
	return s.forget(id)
}

// forget removes what is remembered of a release, the seal before what it stands for.
func (s *Site) forget(id string) error {
	for _, what := range []string{"seal", "files", "labels.yaml", "images.yaml", "json"} {
		if err := removeQuietly(s.host.Files(), s.remembered(id, what)); err != nil {
			return err
		}
	}
	return nil
}

// dropImages takes names from images that releases gave them. An image that nobody else has a name for goes; one that a container runs
// and that has no other name stays until the next time.
func (s *Site) dropImages(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	_, err := s.shell(ctx, `for i; do docker image rm "$i" >/dev/null 2>&1 || :; done`, names...)
	return err
}

// dropStrayImages drops the names of releases that are not there: interrupted deploys and removals leave such.
func (s *Site) dropStrayImages(ctx context.Context, current string, keep []string) error {
	if current == "" {
		return nil
	}
	made, err := s.sealOf(current)
	if err != nil {
		return err
	}
	ids, err := s.sealedIDs()
	if err != nil {
		return err
	}
	said, err := s.output(ctx, "", "docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", keptRepository(made.Project))
	if err != nil {
		return fmt.Errorf("looking for images of releases that are gone: %w", err)
	}
	var stray []string
	for _, name := range strings.Fields(string(said)) {
		id, _, ok := strings.Cut(strings.TrimPrefix(name, keptRepository(made.Project)+":"), ".")
		if ok && isID(id) && !slices.Contains(ids, id) && !slices.Contains(keep, id) {
			stray = append(stray, name)
		}
	}
	return s.dropImages(ctx, stray)
}

// removeHookContainers removes the containers that were made for hooks and do not run: whoever should have removed them has died, and compose
// leaves alone what was never started. The deploy that prunes has no hook left.
func (s *Site) removeHookContainers(ctx context.Context, current string) error {
	if current == "" {
		return nil
	}
	made, err := s.sealOf(current)
	if err != nil {
		return err
	}
	all, err := s.engine.Find(ctx, "*")
	if err != nil {
		return fmt.Errorf("looking for containers of interrupted hooks: %w", err)
	}
	for _, one := range all {
		ended := one.State == "created" || one.State == "exited" || one.State == "dead"
		if !one.OneOff || !ended || one.Project != made.Project || !strings.HasPrefix(one.Name, hookPrefix) {
			continue
		}
		if err := s.removeContainer(ctx, one.Name); err != nil {
			return fmt.Errorf("removing the container %s of an interrupted hook: %w", one.Name, err)
		}
	}
	return nil
}

// removeLeftovers removes what interrupted deploys and removals left.
func (s *Site) removeLeftovers(ctx context.Context, keep []string) error {
	if err := s.removeUnsealed(ctx, keep); err != nil {
		return err
	}
	if err := s.removeHalves(); err != nil {
		return err
	}
	return s.forgetUnmade(keep)
}

// removeUnsealed removes the folders of what is not whole.
func (s *Site) removeUnsealed(ctx context.Context, keep []string) error {
	folder := path.Dir(s.Folder("x"))
	list, err := s.host.Files().ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing the releases: %w", err)
	}
	for _, entry := range list {
		id, staging := strings.CutSuffix(entry.Name, ".staging")
		if unsealed := strings.HasSuffix(entry.Name, leavingSuffix) || staging && !slices.Contains(keep, id); !unsealed || !entry.Mode.IsDir() {
			continue
		}
		if err := s.removeAll(ctx, path.Join(folder, entry.Name)); err != nil {
			return err
		}
	}
	return nil
}

// removeHalves removes files that were written beside those that they should have replaced. Those of the lock may be of somebody who
// waits for it now.
func (s *Site) removeHalves() error {
	for _, folder := range []string{s.meta(), s.meta("releases")} {
		list, err := s.host.Files().ReadDir(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("looking for what is left of interrupted deploys: %w", err)
		}
		for _, entry := range list {
			waits := strings.HasPrefix(entry.Name, "deploy.lock.") || strings.HasPrefix(entry.Name, "time.")
			if entry.Mode.IsDir() || waits || !strings.HasSuffix(entry.Name, newSuffix) {
				continue
			}
			if err := removeQuietly(s.host.Files(), path.Join(folder, entry.Name)); err != nil {
				return fmt.Errorf("removing what is left of interrupted deploys: %w", err)
			}
		}
	}
	return nil
}

// forgetUnmade removes what is remembered of releases that are not there, but for their records: a failed deploy stays on record as long as a
// release that came before it is there.
func (s *Site) forgetUnmade(keep []string) error {
	ids, err := s.sealedIDs()
	if err != nil {
		return err
	}
	list, err := s.host.Files().ReadDir(s.meta("releases"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range list {
		id, what, _ := strings.Cut(entry.Name, ".")
		if !isID(id) || slices.Contains(ids, id) || slices.Contains(keep, id) {
			continue
		}
		if what == "json" && (len(ids) == 0 || id > ids[0]) {
			continue
		}
		if err := removeQuietly(s.host.Files(), s.meta("releases", entry.Name)); err != nil {
			return err
		}
	}
	return nil
}
