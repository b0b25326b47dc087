package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"syscall"

	"github.com/castrolanda/imsctl/providers"
)

// visitor is told of what a walk finds. Names are relative to the root, which is ".".
type visitor interface {
	// entry is called for the root and everything below it that is not excluded, a folder before what is in it. Its error
	// ends the walk.
	entry(ctx context.Context, relative string, info providers.FileInfo) error
	// vanished is called for a folder that is gone when its turn comes.
	vanished(relative string)
	// unreadable is called for a folder that cannot be listed. An error ends the walk, nil lets it go on.
	unreadable(relative string, err error) error
}

// walk visits a resolved root and everything below it in the order of names.
func (s *source) walk(ctx context.Context, root string, info providers.FileInfo, v visitor) error {
	if s.oneFileSystem && info.Device == 0 {
		return fmt.Errorf("one_file_system cannot be kept: the host does not tell which file system %s is on", root)
	}
	w := &walker{source: s, root: root, device: info.Device, visitor: v}
	return w.enter(ctx, ".", info)
}

// walker is one walk.
type walker struct {
	*source
	visitor
	root   string
	device uint64
}

// enter visits one thing and, if it is a folder, what is in it.
func (w *walker) enter(ctx context.Context, relative string, info providers.FileInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.entry(ctx, relative, info); err != nil {
		return err
	}
	if !info.Mode.IsDir() || w.oneFileSystem && info.Device != w.device {
		return nil
	}
	entries, err := w.files.ReadDir(below(w.root, relative))
	switch {
	case err != nil && relative != "." && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)):
		w.vanished(relative)
		return nil
	case err != nil:
		return w.unreadable(relative, err)
	}
	for _, entry := range entries {
		name := path.Join(relative, entry.Name)
		if w.leavesOut(name, entry.Mode.IsDir()) {
			continue
		}
		if err := w.enter(ctx, name, entry); err != nil {
			return err
		}
	}
	return nil
}

// leavesOut reports whether a pattern excludes something.
func (s *source) leavesOut(relative string, folder bool) bool {
	for _, exclusion := range s.excluded {
		if exclusion.matches(relative, folder) {
			return true
		}
	}
	return false
}
