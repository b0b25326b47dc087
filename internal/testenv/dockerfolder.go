package testenv

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// dockerPrefix begins the names of the folders, and of the control groups, of engines.
const dockerPrefix = "imsctl-docker-"

// lockFolder marks a folder as in use for as long as the file is open. It appears in the folder when it is locked already.
func lockFolder(folder string) (*os.File, error) {
	name := filepath.Join(folder, "lock")
	file, err := os.Create(name + ".new")
	if err != nil {
		return nil, err
	}
	if !tryLock(file) {
		return nil, errors.Join(fmt.Errorf("%s cannot be locked", name), file.Close())
	}
	return file, os.Rename(name+".new", name)
}

// sweepDocker removes what is left of engines whose tests were killed.
func sweepDocker() {
	locks, _ := filepath.Glob(filepath.Join(os.TempDir(), dockerPrefix+"*", "lock"))
	for _, name := range locks {
		file, err := os.Open(name)
		if err != nil {
			continue
		}
		if tryLock(file) {
			_ = removeDocker(filepath.Dir(name)) // the next one tries again
		}
		file.Close()
	}
}

// removeDocker removes an engine's folder and its control groups.
func removeDocker(folder string) error {
	return errors.Join(removeGroups(folder), os.RemoveAll(folder))
}

// removeGroups removes an engine's control groups, which the system keeps when their processes are gone.
func removeGroups(folder string) error {
	var groups []string
	for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		parents, _ := filepath.Glob(pattern + filepath.Base(folder))
		for _, parent := range parents {
			_ = filepath.WalkDir(parent, func(path string, entry fs.DirEntry, err error) error {
				if err == nil && entry.IsDir() {
					groups = append(groups, path)
				}
				return nil
			})
		}
	}
	var errs []error
	for _, group := range slices.Backward(groups) {
		// Some hierarchies are the same under several names.
		if err := os.Remove(group); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
