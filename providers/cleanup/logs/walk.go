package logs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/castrolanda/imsctl/providers"
)

// walker finds the files that patterns are about, without following symbolic links below the patterns' fixed beginnings.
type walker struct {
	files    providers.FileSystem
	patterns []string
	found    map[string]providers.FileInfo
	// unread say which folders could not be read, and why.
	unread []string
}

// walk finds them all, sorted by path.
func (w *walker) walk(ctx context.Context) ([]string, error) {
	w.found = make(map[string]providers.FileInfo)
	for _, pattern := range w.patterns {
		base, _ := doublestar.SplitPattern(pattern)
		base = path.Clean(base)
		info, err := w.files.Lstat(base)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, fmt.Errorf("looking for %s: %w", pattern, err)
		case !info.Mode.IsDir():
			w.unread = append(w.unread, base+" is no folder; a symbolic link is not followed")
			continue
		}
		if err := w.enter(ctx, base, path.Clean(pattern)); err != nil {
			return nil, err
		}
	}
	paths := make([]string, 0, len(w.found))
	for name := range w.found {
		paths = append(paths, name)
	}
	slices.Sort(paths)
	return paths, nil
}

// enter looks into a folder.
func (w *walker) enter(ctx context.Context, folder, pattern string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("looking for %s: %w", pattern, err)
	}
	entries, err := w.files.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrPermission):
		w.unread = append(w.unread, folder+" may not be read by this user")
		return nil
	case err != nil:
		return fmt.Errorf("looking for %s: %w", pattern, err)
	}
	for _, entry := range entries {
		at := path.Join(folder, entry.Name)
		switch {
		case entry.Mode.IsDir() && reaches(pattern, at):
			if err := w.enter(ctx, at, pattern); err != nil {
				return err
			}
		// A file with the other name is one whose removal was interrupted.
		case entry.Mode.IsRegular() && doublestar.MatchUnvalidated(pattern, strings.TrimSuffix(at, aside)):
			w.found[at] = entry
		}
	}
	return nil
}

// reaches reports whether a pattern can be about something in a folder.
func reaches(pattern, folder string) bool {
	return strings.Contains(pattern, "**") || strings.Count(folder, "/") < strings.Count(pattern, "/")
}
