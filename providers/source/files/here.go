package files

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// here is the machine imsctl runs on.
type here struct{}

func (here) look(path string) (fs.FileMode, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, err
	}
	return info.Mode(), nil
}

func (here) mounted(folder string) bool {
	info, err := os.Lstat(folder)
	above, aboveErr := os.Stat(filepath.Dir(folder))
	return err == nil && aboveErr == nil && !sameDevice(above, info)
}

// sameDevice reports whether two files are on one file system, as far as the system tells.
func sameDevice(a, b fs.FileInfo) bool {
	first, known := a.Sys().(*syscall.Stat_t)
	second, alsoKnown := b.Sys().(*syscall.Stat_t)
	return !known || !alsoKnown || first.Dev == second.Dev
}

func (here) list(folder string, limit int) ([]string, error) {
	opened, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	names, err := opened.Readdirnames(limit)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	slices.Sort(names)
	return names, err
}

func (here) ready(_ context.Context, folder string) error {
	return unix.Faccessat(unix.AT_FDCWD, folder, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}

func (here) temporary(_ context.Context, folder string) (string, error) {
	made, err := os.MkdirTemp(folder, ".imsctl-restore-")
	if err != nil {
		return "", err
	}
	for _, name := range []string{"new", "old"} {
		if err := os.Mkdir(filepath.Join(made, name), 0o700); err != nil {
			return "", errors.Join(err, os.RemoveAll(made))
		}
	}
	return made, nil
}

func (here) unpack(_ context.Context, from *picker, folder string) error { return unpack(from, folder) }

func (here) rename(from, to string) error { return unix.Rename(from, to) }

func (here) alike(_ context.Context, folder, like string) error {
	info, err := os.Lstat(like)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := os.Lchown(folder, int(stat.Uid), int(stat.Gid)); err != nil {
			return err
		}
	}
	return errors.Join(os.Chmod(folder, info.Mode()), os.Chtimes(folder, time.Time{}, info.ModTime()))
}

func (here) discard(_ context.Context, folder string) error { return discard(folder) }

// discard removes what was unpacked or replaced. Folders may have modes under which their owner cannot empty them.
func discard(folder string) error {
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(folder))
}

// exchangeInSteps is for systems that cannot do it in one: between the steps there is nothing at the place for a moment.
func (h here) exchangeInSteps(folder, other, aside string) error {
	if err := h.rename(other, aside); err != nil {
		return err
	}
	if err := h.rename(folder, other); err != nil {
		return errors.Join(err, h.rename(aside, other))
	}
	return nil
}
