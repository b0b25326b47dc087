package local

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
)

// obstacle is something that is where a folder should be.
type obstacle struct{ path, what string }

func (o *obstacle) Error() string {
	return fmt.Sprintf("%s is %s, not a folder: move it away, or let the destination's path name another folder", o.path, o.what)
}

// isFolder reports whether there is a folder at a path, links followed. Anything else there is an *obstacle.
func (d *destination) isFolder(name string) (bool, error) {
	// "/." makes the system resolve a link at the end of the path.
	info, err := d.files.Lstat(name + "/.")
	switch {
	case err == nil && info.Mode.IsDir():
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err == nil || errors.Is(err, syscall.ENOTDIR):
		return false, &obstacle{path: name, what: "a file or lies below one"}
	}
	return false, fmt.Errorf("looking at folder %s: %w", name, err)
}

// checkFolders checks that a folder of keys ("." for the root) consists of real folders: an error that is fs.ErrNotExist
// where one is missing, an *obstacle where one is something else.
func (d *destination) checkFolders(folder string) error {
	exists, err := d.isFolder(d.root)
	if err != nil {
		return err
	}
	if !exists {
		return fmt.Errorf("folder %s: %w", d.root, fs.ErrNotExist)
	}
	for _, name := range lineage(folder) {
		info, err := d.files.Lstat(d.path(name))
		if err != nil {
			return fmt.Errorf("looking at folder %s: %w", d.path(name), err)
		}
		if info.Mode&fs.ModeSymlink != 0 {
			return &obstacle{path: d.path(name), what: "a symbolic link"}
		}
		if !info.Mode.IsDir() {
			return &obstacle{path: d.path(name), what: "a file"}
		}
	}
	return nil
}

// isAbsent reports whether an error of checkFolders means that nothing can be in the folder: it is missing, or below the
// root there is a link or a file in its place, and what lies beyond those is no part of the destination.
func (d *destination) isAbsent(err error) bool {
	var blocked *obstacle
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &blocked) && blocked.path != d.root
}

// lineage lists a folder of keys and the folders it lies in, the topmost first, without the root.
func lineage(folder string) []string {
	var names []string
	for folder != "." {
		names = append(names, folder)
		folder = path.Dir(folder)
	}
	slices.Reverse(names)
	return names
}

// makeFolders makes a folder of keys and whatever it lies in, and returns the paths that were missing, the topmost first.
// They are not durable before syncFolders.
func (d *destination) makeFolders(folder string) ([]string, error) {
	if err := d.checkFolders(folder); !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var missing []string
	for name := d.path(folder); ; name = path.Dir(name) {
		exists, err := d.isFolder(name)
		if err != nil {
			return nil, err
		}
		if exists || name == "/" {
			break
		}
		missing = append(missing, name)
	}
	slices.Reverse(missing)
	if err := d.files.MkdirAll(d.path(folder), 0o700); err != nil {
		return nil, fmt.Errorf("making folder %s: %w%s", d.path(folder), err, advice(err))
	}
	return missing, nil
}

// syncFolders makes the entries of a folder of keys durable, and those that lead to it: the folder may have been made by
// another upload that has not come to its own commit.
func (d *destination) syncFolders(folder string, made []string) error {
	paths := []string{d.root}
	for _, name := range lineage(folder) {
		paths = append(paths, d.path(name))
	}
	for _, name := range made {
		if parent := path.Dir(name); !slices.Contains(paths, parent) {
			paths = append(paths, parent)
		}
	}
	for _, name := range paths {
		if err := d.files.SyncDir(name); err != nil {
			return fmt.Errorf("making folder %s durable: %w", name, err)
		}
	}
	return nil
}

// syncNearest makes the entries of a folder of keys durable, or of the one it was in, where it was removed as empty meanwhile.
func (d *destination) syncNearest(folder string) error {
	for {
		err := d.files.SyncDir(d.path(folder))
		if !errors.Is(err, fs.ErrNotExist) || folder == "." {
			return err
		}
		folder = path.Dir(folder)
	}
}

// removeMade removes folders that an aborted upload made, unless something is in them now.
func (d *destination) removeMade(made []string) error {
	for _, name := range slices.Backward(made) {
		err := d.files.Remove(name)
		if errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, fs.ErrExist) {
			return nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing folder %s, made for an upload that was given up: %w", name, err)
		}
	}
	return nil
}

// tidy removes a folder of keys and those it lies in as far as they are empty, but never the root. An empty folder that
// cannot be removed does no harm and is nothing a deletion should fail for.
func (d *destination) tidy(folder string) {
	for ; folder != "."; folder = path.Dir(folder) {
		if d.files.Remove(d.path(folder)) != nil {
			return
		}
	}
}

// advice says what to do about a folder that cannot be written to, as the end of a message.
func advice(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "; give the user that imsctl runs as the right to write there, or let the destination's path name another folder"
	case errors.Is(err, syscall.EROFS):
		return "; mount that file system for writing, or let the destination's path name another folder"
	}
	return ""
}

// beneath returns the key of an absolute path inside the root.
func (d *destination) beneath(name string) (key string, ok bool) {
	root := strings.TrimSuffix(d.root, "/") + "/"
	key, ok = strings.CutPrefix(name, root)
	return key, ok && path.Clean(key) == key
}
