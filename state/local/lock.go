package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sys/unix"

	"github.com/castrolanda/imsctl/state"
)

// The pauses between two attempts to take a lock: each is twice the one before.
const (
	firstPause = 25 * time.Millisecond
	lastPause  = time.Second
)

// orphanPatience is how long a lock is waited for, without being asked to, whose holder is dead: a program that the holder was
// just starting when it was killed has a copy of the descriptor until it runs.
const orphanPatience = 10 * time.Second

// lockFile is a lock that is held.
type lockFile struct{ file *os.File }

// acquire takes the lock, waiting up to timeout. The file stays for ever: whoever removed it could let in two at once.
func (b *Backend) acquire(ctx context.Context, path string, holder state.LockInfo, timeout time.Duration) (*lockFile, error) {
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("making the folder of the state: %w", err)
	}
	opened, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, fmt.Errorf("locking the state %s: %w", b.path, err)
	}
	if err := b.wait(ctx, opened, timeout); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	lock := &lockFile{file: opened}
	holder.TakenAt = b.clock.Now().UTC()
	if err := lock.describe(holder); err != nil {
		return nil, errors.Join(fmt.Errorf("writing who holds the lock of the state %s: %w", b.path, err), lock.release())
	}
	return lock, nil
}

// wait tries until the lock is taken, the timeout is over or ctx ends. Without a timeout it tries once, or for as long as
// orphanPatience where the holder is dead.
func (b *Backend) wait(ctx context.Context, opened *os.File, timeout time.Duration) error {
	patience := timeout
	if patience <= 0 {
		patience = orphanPatience
	}
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("waiting for the lock of the state %s: %w", b.path, err)
		}
		err := flock(opened, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("locking the state %s: the file system refuses locks on %s: %w", b.path, opened.Name(), err)
		}
		locked := &state.LockedError{Location: b.path, Holder: readHolder(opened)}
		if timeout <= 0 && lives(locked.Holder) {
			return locked
		}
		next := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-next.C:
		case <-deadline.C:
			next.Stop()
			// One more attempt: the lock may have become free during the pause.
			if flock(opened, unix.LOCK_EX|unix.LOCK_NB) == nil {
				return nil
			}
			return locked
		}
		next.Stop()
	}
}

// flock calls flock(2) until no signal interrupts it.
func flock(opened *os.File, how int) error {
	for {
		err := unix.Flock(int(opened.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// maxHolderSize bounds what is read of a lock file, in bytes.
const maxHolderSize = 1 << 16

// readHolder returns who holds the lock, or the zero value when that cannot be read: the holder may be just writing it.
func readHolder(opened *os.File) state.LockInfo {
	data := make([]byte, maxHolderSize)
	// The length is all that counts: what was read decides, and a read at the end of the file is an error too.
	n, _ := opened.ReadAt(data, 0)
	var holder state.LockInfo
	if err := json.Unmarshal(data[:n], &holder); err != nil {
		return state.LockInfo{}
	}
	return holder
}

// describe writes the holder into the file, in the place of an earlier one. It need not survive a crash, which ends the
// lock.
func (l *lockFile) describe(holder state.LockInfo) error {
	data, err := json.Marshal(holder)
	if err != nil {
		return err
	}
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err = l.file.WriteAt(append(data, '\n'), 0)
	return err
}

// release gives the lock back. It is unlocked before it is closed, because a child process that is just being started may
// have a copy of the descriptor for a moment.
func (l *lockFile) release() error {
	err := l.file.Truncate(0)
	if unlockErr := flock(l.file, unix.LOCK_UN); unlockErr != nil {
		err = errors.Join(err, unlockErr)
	}
	if closeErr := l.file.Close(); closeErr != nil && !errors.Is(closeErr, fs.ErrClosed) {
		err = errors.Join(err, closeErr)
	}
	return err
}
