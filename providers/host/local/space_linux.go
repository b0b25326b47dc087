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
	return int64(stat.Bavail) * stat.Frsize, nil
}

// startWriteBack hands a range of a file to the kernel's write-back without waiting for it; see sync_file_range(2).
func startWriteBack(file *os.File, offset, length int64) {
	connection, err := file.SyscallConn()
	if err != nil {
		return // closed: there is nothing to hasten
	}
	// A file system without this operation writes back when Sync asks for it, and Sync tells of write errors.
	connection.Control(func(fd uintptr) {
		unix.SyncFileRange(int(fd), offset, length, unix.SYNC_FILE_RANGE_WRITE)
	})
}
