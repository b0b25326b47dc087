package files

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"
)

func (h here) exchange(folder, other string) error {
	err := unix.Renameat2(unix.AT_FDCWD, folder, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE)
	if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINVAL) {
		return err
	}
	return h.exchangeInSteps(folder, other, filepath.Join(filepath.Dir(folder), "old", "replaced"))
}
