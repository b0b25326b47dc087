package files

import (
	"archive/tar"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// describe gives an entry its owner, mode and times. Owners are for root only, as with every tar; changing them takes
// setuid bits away, so that modes come after.
func (u *unpacking) describe(header *tar.Header) error {
	if u.asRoot {
		if err := u.root.Lchown(header.Name, header.Uid, header.Gid); err != nil {
			return err
		}
	}
	if header.Typeflag == tar.TypeSymlink {
		return u.parent(header.Name, func(folder *os.File, base string) error { return setLinkTime(folder, base, header.ModTime) })
	}
	if err := u.root.Chmod(header.Name, fileMode(header.Mode)); err != nil {
		return err
	}
	return u.root.Chtimes(header.Name, header.ModTime, header.ModTime)
}

// setLinkTime gives a symbolic link itself its time.
func setLinkTime(folder *os.File, base string, modified time.Time) error {
	stamp, err := unix.TimeToTimespec(modified)
	if err != nil {
		return err
	}
	return unix.UtimesNanoAt(int(folder.Fd()), base, []unix.Timespec{stamp, stamp}, unix.AT_SYMLINK_NOFOLLOW)
}

// specialBits are the bits of a mode beyond the permissions: Go's on the left, tar's on the right.
func specialBits() map[fs.FileMode]int64 {
	return map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000}
}

// tarMode is a file's mode as tar counts it.
func tarMode(mode fs.FileMode) int64 {
	bits := int64(mode.Perm())
	for flag, bit := range specialBits() {
		if mode&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

// fileMode is the reverse of tarMode.
func fileMode(bits int64) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	for flag, bit := range specialBits() {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	return mode
}
