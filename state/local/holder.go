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

// Holder implements state.Backend. The lock itself cannot be asked without taking it for a moment, which would make
// somebody else's attempt fail: what counts is whether the process that wrote itself into the lock file lives.
func (b *Backend) Holder(context.Context) (state.LockInfo, bool, error) {
	opened, err := os.Open(b.files().lock)
	if errors.Is(err, fs.ErrNotExist) {
		return state.LockInfo{}, false, nil
	}
	if err != nil {
		return state.LockInfo{}, false, fmt.Errorf("looking who holds the lock of the state %s: %w", b.path, err)
	}
	defer opened.Close()
	holder := readHolder(opened)
	return holder, holder != (state.LockInfo{}) && lives(holder), nil
}

// lives reports whether a holder's process is there. One on another machine is taken at its word.
func lives(holder state.LockInfo) bool {
	name, err := os.Hostname()
	if err != nil || holder.Host != name || holder.PID <= 0 {
		return true
	}
	return !errors.Is(unix.Kill(holder.PID, 0), unix.ESRCH)
}
