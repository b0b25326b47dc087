package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// attempts is how often a lock is tried for that others give up or take meanwhile.
const attempts = 5

// lockFile is the deploy lock.
func (s *Site) lockFile() string { return s.meta("deploy.lock") }

// Lock takes the deploy lock of the host, and gives a context that ends when it is lost. A holder that has not been heard of for a
// minute, by the clock of the host, and does not show up while it is waited for, is taken for dead.
func (s *Site) Lock(ctx context.Context, holder providers.DeployHolder) (context.Context, func(context.Context) error, error) {
	if err := s.findProject(); err != nil {
		return nil, nil, err
	}
	if err := s.host.Files().MkdirAll(s.meta(), folderMode); err != nil {
		return nil, nil, fmt.Errorf("making the folder of the deploy lock: %w", err)
	}
	var locked *providers.DeployLockedError
	for range attempts {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		now, err := s.hostTime()
		if err != nil {
			return nil, nil, err
		}
		holder.Since, holder.Alive = now, now
		err = s.makeLock(holder)
		if err == nil {
			held, unlock := s.hold(ctx, holder)
			return held, unlock, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, nil, fmt.Errorf("taking the deploy lock: %w", err)
		}
		if locked, err = s.held(); err != nil {
			return nil, nil, err
		}
		if locked == nil {
			continue // given up meanwhile
		}
		if !s.silent(locked) {
			return nil, nil, locked
		}
		taken, err := s.takeOver(ctx, locked)
		if err != nil {
			return nil, nil, err
		}
		if taken {
			holder.Message += fmt.Sprintf(" (the lock was taken over from %s, process %d, who was silent for %s)", locked.Holder.By, locked.Holder.PID, locked.Silent.Round(time.Second))
		}
	}
	if locked == nil {
		return nil, nil, errors.New("taking the deploy lock: others take it and give it up all the time")
	}
	return nil, nil, locked
}

// BreakLock takes the lock away from a holder by its ID, whatever it does.
func (s *Site) BreakLock(ctx context.Context, id string) error {
	locked, err := s.held()
	if err != nil {
		return err
	}
	if locked == nil {
		return errors.New("nobody holds the deploy lock")
	}
	if locked.Holder.ID != id {
		return fmt.Errorf("the deploy lock is not held by %q but by %q: %w", id, locked.Holder.ID, locked)
	}
	_, err = s.remove(id)
	return err
}

// hostTime is the host's clock, as its file system tells it.
func (s *Site) hostTime() (time.Time, error) {
	files, probe := s.host.Files(), s.beside(s.meta("time"))
	if err := writeNew(files, probe, nil, metaMode); err != nil {
		return time.Time{}, fmt.Errorf("asking for the time on %s: %w", s.host.Name(), err)
	}
	info, err := files.Lstat(probe)
	if err := errors.Join(err, files.Remove(probe)); err != nil {
		return time.Time{}, fmt.Errorf("asking for the time on %s: %w", s.host.Name(), err)
	}
	return info.Modified.UTC(), nil
}

// makeLock makes the lock, which must not be there. It has its content from the beginning.
func (s *Site) makeLock(holder providers.DeployHolder) error {
	text, err := json.Marshal(holder)
	if err != nil {
		return err
	}
	files, beside := s.host.Files(), s.beside(s.lockFile())
	if err := writeNew(files, beside, append(text, '\n'), metaMode); err != nil {
		return errors.Join(err, removeQuietly(files, beside))
	}
	err = files.Link(beside, s.lockFile())
	if errors.Is(err, providers.ErrTemporary) {
		// Perhaps it was done, and only the answer lost.
		if now, readErr := s.readLock(); readErr == nil && now.ID == holder.ID {
			err = nil
		}
	}
	return errors.Join(err, removeQuietly(files, beside))
}

// readLock reads who has the lock. What is not understood is a holder without a name.
func (s *Site) readLock() (providers.DeployHolder, error) {
	text, err := s.read(s.lockFile(), longestRecord)
	if err != nil {
		return providers.DeployHolder{}, err
	}
	return parseHolder(text), nil
}

// parseHolder reads a lock file.
func parseHolder(text []byte) providers.DeployHolder {
	var holder providers.DeployHolder
	if json.Unmarshal(text, &holder) != nil || holder.ID == "" {
		return providers.DeployHolder{ID: "unknown", By: "somebody unknown", Message: "something that the lock does not tell"}
	}
	return holder
}

// held is who has the lock, nil for nobody.
func (s *Site) held() (*providers.DeployLockedError, error) {
	holder, err := s.readLock()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the deploy lock: %w", err)
	}
	info, err := s.host.Files().Lstat(s.lockFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the deploy lock: %w", err)
	}
	now, err := s.hostTime()
	if err != nil {
		return nil, err
	}
	holder.Alive = info.Modified.UTC()
	return &providers.DeployLockedError{Holder: holder, Age: max(now.Sub(holder.Since), 0), Silent: now.Sub(holder.Alive)}, nil
}

// silent reports whether nothing has been heard of a holder for too long. One that was heard of in the future has seen another
// time: the clock was set back.
func (s *Site) silent(locked *providers.DeployLockedError) bool {
	return locked.Silent > s.timing.silence || locked.Silent < -s.timing.silence
}

// takeOver removes the lock of a holder that seems dead, unless it shows up while it is waited for: it is the clock then that is wrong.
func (s *Site) takeOver(ctx context.Context, locked *providers.DeployLockedError) (bool, error) {
	if err := clock.Sleep(ctx, s.timing.heartbeat*3/2); err != nil {
		return false, err
	}
	again, err := s.held()
	if err != nil || again == nil {
		return false, err
	}
	if again.Holder.ID != locked.Holder.ID || !again.Holder.Alive.Equal(locked.Holder.Alive) {
		return false, again
	}
	return s.remove(locked.Holder.ID)
}

// remove removes the lock if it is that of a holder. Of several that try, one gets it out of the way; and should it be another's, it is
// put back.
func (s *Site) remove(id string) (bool, error) {
	files, aside := s.host.Files(), s.beside(s.lockFile())
	if err := files.Rename(s.lockFile(), aside); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("removing the deploy lock: %w", err)
	}
	text, err := s.read(aside, longestRecord)
	ours := err == nil && parseHolder(text).ID == id
	if err == nil && !ours {
		err = files.Link(aside, s.lockFile())
	}
	return ours, errors.Join(err, files.Remove(aside))
}
