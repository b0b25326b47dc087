// Package local keeps the state in a file on this machine: a snapshot, a journal of what happened since, and a lock.
//
// The lock is flock(2): the kernel gives it back when its process dies, however it dies. It holds between processes of one
// machine, and over NFS only where the server and all clients support locks (Linux emulates flock there since 2.6.12);
// several machines should not share a state through a network file system.
package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
)

// What the names of the other files add to that of the snapshot.
const (
	journalSuffix = ".journal"
	backupSuffix  = ".backup"
	lockSuffix    = ".lock"
)

const (
	fileMode   = 0o600
	folderMode = 0o700
)

// Backend keeps a state in the file at a path and in others beside it. It implements state.Backend.
type Backend struct {
	path    string
	clock   clock.Clock
	version string
	// open opens a journal to append to it.
	open func(path string) (file, error)
	// journalLimit is the length in bytes from which on a journal is folded into a new snapshot.
	journalLimit int64
	// largeSize is the length in bytes from which on a snapshot is not written at the end of each session.
	largeSize int64
}

var _ state.Backend = (*Backend)(nil)

// New returns the backend of the state file at path, without touching it. Locks are dated by the clock; version is that of
// imsctl, for the snapshots it writes.
func New(path string, clock clock.Clock, version string) *Backend {
	return &Backend{path: path, clock: clock, version: version, open: openFile, journalLimit: 32 << 20, largeSize: 32 << 20}
}

// Location implements state.Backend.
func (b *Backend) Location() string { return b.path }

// readAttempts and readPause: a reader without the lock may meet files that a writer is just exchanging, or cutting. What
// is still wrong after these attempts is damage.
const (
	readAttempts = 3
	readPause    = 20 * time.Millisecond
)

// Read implements state.Backend.
func (b *Backend) Read(ctx context.Context) (*state.Document, error) {
	files := b.files()
	for attempt := 1; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("reading the state %s: %w", b.path, err)
		}
		stored, err := files.load()
		if err == nil {
			return stored.ledger.Document(), nil
		}
		var damage *state.DamageError
		if attempt == readAttempts || !errors.As(err, &damage) {
			return nil, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(readPause):
		}
	}
}

// files are the paths of one state.
type files struct{ snapshot, journal, backup, lock string }

// files resolves the path now: a state file that is a link is kept where the link leads, with its other files beside it,
// so that all its names share one lock.
func (b *Backend) files() files {
	path := b.path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return files{snapshot: path, journal: path + journalSuffix, backup: path + backupSuffix, lock: path + lockSuffix}
}

// file is an open journal.
type file interface {
	Write(data []byte) (int, error)
	Sync() error
	Close() error
}

// openFile opens an existing file to append to it.
func openFile(path string) (file, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND, fileMode)
}
