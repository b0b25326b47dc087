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

// source implements providers.Source.
type source struct {
	files   providers.FileSystem
	root    string
	exclude []string
}

// Format is that of a tar archive: its mark stands in the first entry, and it ends with zeros.
func (s *source) Format() providers.Format {
	return providers.Format{Extension: ".tar", Headers: [][]byte{[]byte("ustar")}, Trailer: make([]byte, 1024)}
}

// tarBlock is what a tar archive counts in, in bytes.
const tarBlock = 512

// Inspect walks the tree and adds up what an archive of it would have.
func (s *source) Inspect(ctx context.Context) (providers.Inspection, error) {
	total := int64(2 * tarBlock)
	err := s.walk(ctx, func(_ string, info providers.FileInfo) error {
		total += tarBlock
		if info.Mode.IsRegular() {
			total += (info.Size + tarBlock - 1) / tarBlock * tarBlock
		}
		return nil
	}, func(string) {}, nil)
	if err != nil {
		return providers.Inspection{}, err
	}
	return providers.Inspection{Bytes: total}, nil
}

// rootInfo finds what the path is. It is the only place where a link is followed, once.
func (s *source) rootInfo() (string, providers.FileInfo, error) {
	info, err := s.files.Lstat(s.root)
	if err == nil && info.Mode&fs.ModeSymlink != 0 {
		// "/." makes the system follow a link to a folder.
		if folder, err := s.files.Lstat(s.root + "/."); err == nil {
			folder.Name = path.Base(s.root)
			return s.root + "/.", folder, nil
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", info, fmt.Errorf("%s does not exist", s.root)
	case err != nil:
		return "", info, err
	}
	return s.root, info, nil
}

// walk calls visit for the root (as ".") and for everything below it that is not excluded, in the order of names, a folder
// before what is in it. Names are relative to the root. What vanishes between the listing of its folder and its turn is told
// to vanished. An unreadable folder goes to unreadable, which may let the walk go on; nil ends the walk with the error.
func (s *source) walk(ctx context.Context, visit func(string, providers.FileInfo) error, vanished func(string), unreadable func(string, error) error) error {
	root, info, err := s.rootInfo()
	if err != nil {
		return err
	}
	w := &walker{source: s, root: root, visit: visit, vanished: vanished, unreadable: unreadable}
	return w.enter(ctx, ".", info)
}

// walker is one walk.
type walker struct {
	*source
	root       string
	visit      func(string, providers.FileInfo) error
	vanished   func(string)
	unreadable func(string, error) error
}

// path is where a relative name lies.
func (w *walker) path(relative string) string {
	if relative == "." {
		return w.root
	}
	return path.Join(w.root, relative)
}

// enter visits one thing and, if it is a folder, what is in it.
func (w *walker) enter(ctx context.Context, relative string, info providers.FileInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.visit(relative, info); err != nil {
		return err
	}
	if !info.Mode.IsDir() {
		return nil
	}
	entries, err := w.files.ReadDir(w.path(relative))
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		w.vanished(relative)
		return nil
	case err != nil && w.unreadable != nil:
		return w.unreadable(relative, err)
	case err != nil:
		return unreadableError(w.path(relative), err)
	}
	for _, entry := range entries {
		below := path.Join(relative, entry.Name)
		if w.excluded(below) {
			continue
		}
		if err := w.enter(ctx, below, entry); err != nil {
			return err
		}
	}
	return nil
}

// unreadableError says what cannot be read and what to do.
func unreadableError(path string, err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return fmt.Errorf("%s cannot be read: %w; run imsctl as a user that can read it, or exclude it", path, err)
}
