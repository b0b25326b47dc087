package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/castrolanda/imsctl/state"
)

var _ state.Unlocker = (*Backend)(nil)

// Unlock implements state.Unlocker. The kernel has ended the lock of a process that is gone already: what is left of it is
// the record, which is cleared. The lock of a process that lives cannot be taken from it.
func (b *Backend) Unlock(_ context.Context, id string) (holder state.LockInfo, err error) {
	opened, err := os.OpenFile(b.files().lock, os.O_RDWR, fileMode)
	if errors.Is(err, fs.ErrNotExist) {
		return holder, b.notLocked()
	}
	if err != nil {
		return holder, fmt.Errorf("looking who holds the lock of the state %s: %w", b.path, err)
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	lockErr := flock(opened, unix.LOCK_EX|unix.LOCK_NB)
	if lockErr != nil && !errors.Is(lockErr, unix.EWOULDBLOCK) {
		return holder, fmt.Errorf("looking whether the state %s is locked: %w", b.path, lockErr)
	}
	holder = readHolder(opened)
	switch {
	case lockErr == nil && holder == (state.LockInfo{}):
		return holder, b.notLocked()
	case holder.ID != id:
		return holder, fmt.Errorf("the lock of the state %s has the id %q, not %q: it is that of %s", b.path, holder.ID, id, holder)
	case lockErr != nil:
		return holder, &state.LockedError{Location: b.path, Holder: holder}
	}
	if err := opened.Truncate(0); err != nil {
		return holder, fmt.Errorf("clearing the lock of the state %s: %w", b.path, err)
	}
	return holder, flock(opened, unix.LOCK_UN)
}

// notLocked is the error of who wants to end a lock that is not there.
func (b *Backend) notLocked() error {
	return fmt.Errorf("the state %s is not locked, and nothing is left of an earlier lock", b.path)
}
