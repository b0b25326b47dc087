package files

import (
	"archive/tar"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// makeSpecial makes a named pipe or a device in a folder.
func makeSpecial(folder *os.File, base string, header *tar.Header) error {
	const mode = 0o600
	fd, device := int(folder.Fd()), int(unix.Mkdev(uint32(header.Devmajor), uint32(header.Devminor)))
	switch header.Typeflag {
	case tar.TypeChar:
		return deviceError(unix.Mknodat(fd, base, unix.S_IFCHR|mode, device))
	case tar.TypeBlock:
		return deviceError(unix.Mknodat(fd, base, unix.S_IFBLK|mode, device))
	default:
		return unix.Mkfifoat(fd, base, mode)
	}
}

func deviceError(err error) error {
	if err != nil {
		return fmt.Errorf("making a device, which only root can outside of most containers: %w", err)
	}
	return nil
}

// makeDurable writes back everything on the file system of a folder; one call is far cheaper than one for each file.
func makeDurable(folder *os.File) error { return unix.Syncfs(int(folder.Fd())) }
