package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// linkShared puts links to what is shared into a release that is being made.
func (s *Site) linkShared(ctx context.Context, id string) error {
	for _, shared := range s.target.Shared {
		kept := path.Join(s.target.Path, "shared", shared)
		if err := s.keepShared(ctx, shared, kept, path.Join(s.staging(id), shared)); err != nil {
			return fmt.Errorf("the shared path %s: %w", shared, err)
		}
		up := strings.Repeat("../", strings.Count(shared, "/")+2)
		if err := s.replaceByLink(ctx, up+path.Join("shared", shared), path.Join(s.staging(id), shared)); err != nil {
			return fmt.Errorf("linking the shared path %s: %w", shared, err)
		}
	}
	return nil
}

// keepShared makes sure that what is shared is there. The first time it is what the plain project has, or else the release.
func (s *Site) keepShared(ctx context.Context, shared, kept, inRelease string) error {
	plain := path.Join(s.target.Path, shared)
	there, err := s.exists(kept)
	if err != nil {
		return err
	}
	if there {
		return s.mendPlain(ctx, shared, plain)
	}
	for _, folder := range []string{path.Dir(kept), s.meta()} {
		if err := s.host.Files().MkdirAll(folder, folderMode); err != nil {
			return err
		}
	}
	info, err := s.host.Files().Lstat(plain)
	switch {
	case err == nil && info.Mode.IsRegular():
		// Both names are the same file, so that the plain project has it at every moment.
		return s.host.Files().Link(plain, kept)
	case err == nil:
		if err := s.host.Files().Rename(plain, kept); err != nil {
			return err
		}
		return s.mendPlain(ctx, shared, plain)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if there, err = s.exists(inRelease); err != nil {
		return err
	}
	if there {
		beside := s.meta("shared" + newSuffix)
		if err := s.run(ctx, "rm", "-rf", "--", beside); err != nil {
			return err
		}
		if err := s.run(ctx, "cp", "-a", "--", inRelease, beside); err != nil {
			return err
		}
		return s.host.Files().Rename(beside, kept)
	}
	if base := path.Base(shared); strings.HasPrefix(base, ".") || path.Ext(base) != "" {
		return fmt.Errorf("it is not there: neither as %s nor as %s nor in the release; write the file %s first", kept, plain, kept)
	}
	return s.host.Files().MkdirAll(kept, folderMode)
}

// mendPlain gives a plain project a link in the place of what was moved away from it.
func (s *Site) mendPlain(ctx context.Context, shared, plain string) error {
	isPlain, err := s.exists(path.Join(s.target.Path, s.target.Compose))
	if err != nil || !isPlain {
		return err
	}
	there, err := s.exists(plain)
	if err != nil || there {
		return err
	}
	up := strings.Repeat("../", strings.Count(shared, "/"))
	return s.run(ctx, "ln", "-s", up+path.Join("shared", shared), plain)
}

// replaceByLink puts a link where something may be.
func (s *Site) replaceByLink(ctx context.Context, to, name string) error {
	if err := s.host.Files().MkdirAll(path.Dir(name), folderMode); err != nil {
		return err
	}
	if err := s.run(ctx, "rm", "-rf", "--", name); err != nil {
		return err
	}
	return s.run(ctx, "ln", "-s", to, name)
}

// switchLink makes the link lead to a release, in one step.
func (s *Site) switchLink(ctx context.Context, id string) error {
	beside := s.meta("current." + id + newSuffix)
	if _, err := s.shell(ctx, `rm -f "$2" && ln -s "$1" "$2"`, path.Join("releases", id), beside); err != nil {
		return fmt.Errorf("making a link to the release: %w", err)
	}
	if err := s.host.Files().Rename(beside, s.link()); err != nil {
		return fmt.Errorf("switching the link to the release: %w", err)
	}
	if err := s.host.Files().SyncDir(s.target.Path); err != nil {
		return fmt.Errorf("switching the link to the release: %w", err)
	}
	return nil
}
