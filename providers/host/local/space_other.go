//go:build unix && !linux

package local

import (
	"os"

	"golang.org/x/sys/unix"
)

// Space tells the bytes an ordinary user can still write on the file system of path; see statfs(2).
func (*fileSystem) Space(path string) (int64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return int64(stat.Bavail) * int64(stat.Bsize), nil
}

// startWriteBack does nothing: the system has no way to start write-back without waiting for it.
func startWriteBack(*os.File, int64, int64) {}
