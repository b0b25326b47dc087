//go:build !linux

package files

import (
	"archive/tar"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// makeSpecial refuses: this system cannot make a special file relative to an open folder, and by path an archive could
// lead it elsewhere.
func makeSpecial(*os.File, string, *tar.Header) error {
	return errors.New("named pipes and devices cannot be unpacked on this system")
}

// makeDurable has the system write back everything.
func makeDurable(*os.File) error { return unix.Sync() }
