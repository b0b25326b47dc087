package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/castrolanda/imsctl/providers"
)

// newRestorer makes the restorer for a target.
func newRestorer(_ providers.Environment, target providers.Target) (providers.Restorer, error) {
	if target.Kind != providers.TargetDirectory {
		return nil, fmt.Errorf("an archive of files cannot be restored to a %s: restore it to a folder, a file or standard output", target.Kind)
	}
	if target.Location == "" {
		return nil, errors.New("the folder to restore to has no name")
	}
	path, err := filepath.Abs(target.Location)
	if err != nil {
		return nil, fmt.Errorf("finding the folder to restore to: %w", err)
	}
	return &restorer{target: path}, nil
}

// restorer implements providers.Restorer on the machine imsctl runs on.
type restorer struct{ target string }

// Prepare refuses a target that holds something, or that could not be given its name in one step. It changes nothing.
func (r *restorer) Prepare(context.Context) error {
	parent := filepath.Dir(r.target)
	above, err := os.Stat(parent)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the folder %s, in which %s would be made, does not exist", parent, filepath.Base(r.target))
	case err != nil:
		return fmt.Errorf("looking at the folder to restore into: %w", err)
	case !above.IsDir():
		return fmt.Errorf("%s is not a folder", parent)
	}
	if err := unix.Faccessat(unix.AT_FDCWD, parent, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return fmt.Errorf("the folder %s, in which %s would be made, cannot be written to: %w", parent, filepath.Base(r.target), err)
	}
	target, err := os.Lstat(r.target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking at the folder to restore to: %w", err)
	case target.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link: name the folder that it stands for", r.target)
	case !target.IsDir():
		return fmt.Errorf("%s exists and is not a folder: nothing was changed; name a folder that does not exist, or an empty one", r.target)
	case !sameDevice(above, target):
		return fmt.Errorf("%s is a mount point, which cannot be replaced in one step: name a new folder in it", r.target)
	}
	return r.empty()
}

// empty refuses a target folder that holds something.
func (r *restorer) empty() error {
	folder, err := os.Open(r.target)
	if err != nil {
		return fmt.Errorf("looking into the folder to restore to: %w", err)
	}
	defer folder.Close()
	names, err := folder.Readdirnames(1)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return fmt.Errorf("looking into the folder to restore to: %w", err)
	}
	return &providers.OccupiedError{Target: r.target, Holds: []string{printable(names[0])}, Advice: "name a folder that does not exist, or an empty one"}
}

// sameDevice reports whether two files are on one file system, as far as the system tells.
func sameDevice(a, b fs.FileInfo) bool {
	first, known := a.Sys().(*syscall.Stat_t)
	second, alsoKnown := b.Sys().(*syscall.Stat_t)
	return !known || !alsoKnown || first.Dev == second.Dev
}

// Restore unpacks beside the target and gives the result the target's name when all of it is there. Only a process that
// dies on the way leaves the hidden folder, ".imsctl-restore-" and a number, behind.
func (r *restorer) Restore(ctx context.Context, archive io.Reader) (restored providers.Restored, err error) {
	temporary, err := os.MkdirTemp(filepath.Dir(r.target), ".imsctl-restore-")
	if err != nil {
		return restored, fmt.Errorf("making a folder to unpack into: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, discard(temporary))
		}
	}()
	if err := unpack(ctx, archive, temporary); err != nil {
		return restored, err
	}
	if err := ctx.Err(); err != nil {
		return restored, err
	}
	// The system replaces an empty folder in the same step and refuses anything else.
	if err := unix.Rename(temporary, r.target); err != nil {
		return restored, fmt.Errorf("giving the restored folder its name, %s, where there must be nothing or an empty folder: %w", r.target, err)
	}
	return restored, nil
}

// discard removes what was unpacked. Folders may have got modes by then under which their owner cannot empty them.
func discard(folder string) error {
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(folder))
}
