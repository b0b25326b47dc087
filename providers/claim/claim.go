// Package claim keeps two imsctl from reading the same source at once, on whatever machines they run: whoever reads has a lock file
// on the host that is read, which names the holder and is renewed while it works.
package claim

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

const (
	// interval is how often a lock is renewed, and patience how long one is respected that is not renewed any more.
	interval = 15 * time.Second
	patience = 90 * time.Second
	// attempts is how often a lock is tried for that others give up or take meanwhile.
	attempts = 5
	// longest is how much of a lock file is read, in bytes.
	longest = 4096
	// rounds is how often what may hold a secret is hashed, which takes some hundredths of a second.
	rounds = 100_000
)

// holder is what a lock file says.
type holder struct {
	ID string `json:"id"`
	// Machine and PID tell whether the process still lives, to those on the same machine.
	Machine string    `json:"machine"`
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	User    string    `json:"user"`
	Run     string    `json:"run"`
	Since   time.Time `json:"since"`
}

// HeldError reports that somebody else is reading.
type HeldError struct {
	// What is read, and File the lock of it.
	What, File string
	held       holder
}

// Error implements error.
func (e *HeldError) Error() string {
	who := "another imsctl"
	if e.held.Host != "" {
		who = fmt.Sprintf("another imsctl, of %s on %s (process %d), since %s", e.held.User, e.held.Host, e.held.PID, e.held.Since.UTC().Format("2006-01-02 15:04:05 MST"))
	}
	return fmt.Sprintf("%s is being read by %s: wait for it; when none runs, its lock ends by itself after %s without a sign of life (%s)", e.What, who, patience, e.File)
}

// lock is a claim that is held.
type lock struct {
	files    providers.FileSystem
	path     string
	me       holder
	lost     context.CancelCauseFunc
	stop     chan struct{}
	finished chan struct{}
}

// folderOf finds the folder of locks of a host: the same for everybody there, whatever they may write to.
func folderOf(files providers.FileSystem) string {
	const everybody = 0o002
	if info, err := files.Lstat("/run/lock/."); err == nil && info.Mode.IsDir() && info.Mode.Perm()&everybody != 0 {
		return "/run/lock"
	}
	return "/tmp"
}

// nameOf is the name of the lock file of a claim. The host is no part of it: the file lies there, whatever people call the host.
func nameOf(claim providers.Claim) (string, error) {
	digest := sha256.Sum256([]byte(claim.What))
	if len(claim.More) > 0 {
		// Everybody on the host can read the name, and a secret in it must not be found out by trying.
		derived, err := pbkdf2.Key(sha256.New, strings.Join(claim.More, "\x00"), digest[:], rounds, sha256.Size)
		if err != nil {
			return "", fmt.Errorf("naming the lock of %s: %w", claim.What, err)
		}
		digest = [sha256.Size]byte(derived)
	}
	return "imsctl-" + hex.EncodeToString(digest[:12]) + ".lock", nil
}

// take takes a lock, or returns a *HeldError, in which what is the name of it for people. Its context ends when the lock is lost.
func take(ctx context.Context, files providers.FileSystem, name, what string, me holder) (context.Context, *lock, error) {
	l := &lock{files: files, path: folderOf(files) + "/" + name, me: me, stop: make(chan struct{}), finished: make(chan struct{})}
	for range attempts {
		err := l.make()
		if err == nil {
			ctx, l.lost = context.WithCancelCause(ctx)
			go l.renew()
			return ctx, l, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return ctx, nil, err
		}
		if err := l.clear(what); err != nil {
			return ctx, nil, err
		}
	}
	return ctx, nil, &HeldError{What: what, File: l.path}
}

// make makes the lock, which must not be there. It has its content from the beginning: the holder of an empty one, killed before it
// was written, would not be known to be gone.
func (l *lock) make() error {
	written := l.beside()
	if err := l.write(written); err != nil {
		return err
	}
	err := l.files.Link(written, l.path)
	return errors.Join(err, l.files.Remove(written))
}

// beside is a name beside the lock that nobody else has.
func (l *lock) beside() string { return l.path + "." + rand.Text()[:10] }

// write makes a file that says who we are, which must not be there.
func (l *lock) write(path string) error {
	text, err := json.Marshal(l.me)
	if err != nil {
		return err
	}
	file, err := l.files.Create(path, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	return errors.Join(err, file.Close())
}

// read reads a lock file. One that says nothing that is understood has an empty holder.
func (l *lock) read(path string) (held holder, err error) {
	file, err := l.files.Open(path)
	if err != nil {
		return held, err
	}
	text, err := io.ReadAll(io.LimitReader(file, longest))
	if err := errors.Join(err, file.Close()); err != nil {
		return held, err
	}
	if json.Unmarshal(text, &held) != nil {
		return holder{}, nil
	}
	return held, nil
}

// clear removes a lock whose holder is gone. Nil also means that it has gone by itself.
func (l *lock) clear(what string) error {
	held, err := l.read(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	over, err := l.over(held)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !over {
		return &HeldError{What: what, File: l.path, held: held}
	}
	// Of several that find it, one gets it out of the way; and should that be a new one, it is put back.
	aside := l.beside()
	if err := l.files.Rename(l.path, aside); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("removing the lock of somebody who is gone: %w", err)
	}
	moved, err := l.read(aside)
	if err == nil && moved.ID != held.ID {
		err = l.files.Link(aside, l.path)
	}
	return errors.Join(err, l.files.Remove(aside))
}

// over reports whether a holder is gone: its process, as seen from its machine, or its signs of life, by the clock of the host.
func (l *lock) over(held holder) (bool, error) {
	if held.Machine != "" && held.Machine == l.me.Machine && !alive(held.PID) {
		return true, nil
	}
	info, err := l.files.Lstat(l.path)
	if err != nil {
		return false, err
	}
	probe := l.beside()
	if err := l.write(probe); err != nil {
		return false, err
	}
	now, err := l.files.Lstat(probe)
	if err := errors.Join(err, l.files.Remove(probe)); err != nil {
		return false, err
	}
	return now.Modified.Sub(info.Modified) > patience, nil
}

// renew shows from time to time that the holder lives. A lock that is somebody else's by then is lost.
func (l *lock) renew() {
	defer close(l.finished)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
		}
		if err := l.again(); err != nil {
			l.lost(err)
			return
		}
	}
}

// again writes the lock anew. That this fails for other reasons than another holder is borne: the next time may do.
func (l *lock) again() error {
	held, err := l.read(l.path)
	if err == nil && held.ID != l.me.ID {
		return fmt.Errorf("the lock %s was taken by somebody else meanwhile", l.path)
	}
	if err != nil {
		return nil
	}
	fresh := l.beside()
	if l.write(fresh) == nil && l.files.Rename(fresh, l.path) != nil {
		_ = l.files.Remove(fresh)
	}
	return nil
}

// release gives the lock back.
func (l *lock) release() error {
	close(l.stop)
	<-l.finished
	l.lost(nil)
	held, err := l.read(l.path)
	if err != nil || held.ID != l.me.ID {
		// It is not ours to remove.
		return err
	}
	return l.files.Remove(l.path)
}
