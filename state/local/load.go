package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/castrolanda/imsctl/state"
)

// stored is what lies on the disk.
type stored struct {
	ledger *state.Ledger
	// snapshot is nil when there is none, journal likewise. snapshotLength is the length of its file in bytes.
	snapshot       *state.Document
	snapshotLength int64
	journal        *state.Journal
	// journalLength is the length of the journal's file in bytes, the remnant of an interrupted write included.
	journalLength int64
}

// load reads the journal, then the snapshot: a writer puts a new snapshot in place before it empties the journal, so that
// a snapshot read second is never older than the journal's beginning.
func (f files) load() (*stored, error) {
	var found stored
	data, err := os.ReadFile(f.journal)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("reading the journal of the state: %w", f.plain(err))
	default:
		found.journalLength = int64(len(data))
		if found.journal, err = state.DecodeJournal(data); err != nil {
			return nil, f.describe(f.journal, "the journal of the state", err)
		}
	}
	if found.snapshot, found.snapshotLength, err = f.readSnapshot(); err != nil {
		return nil, err
	}
	if found.ledger, err = state.Replay(found.snapshot, found.journal); err != nil {
		return nil, f.describe(f.snapshot, "the state", err)
	}
	return &found, nil
}

// readSnapshot returns nil when there is no snapshot.
func (f files) readSnapshot() (document *state.Document, length int64, err error) {
	reader, err := os.Open(f.snapshot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading the state: %w", f.plain(err))
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	info, err := reader.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("reading the state: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("the state %s is not a file but a %s: give the path of a file", f.snapshot, kindOf(info.Mode()))
	}
	document, err = state.Decode(reader)
	if err != nil {
		return nil, 0, f.describe(f.snapshot, "the state", err)
	}
	return document, info.Size(), nil
}

// kindOf names what is no regular file.
func kindOf(mode fs.FileMode) string {
	if mode.IsDir() {
		return "folder"
	}
	return "special file"
}

// plain adds what to do to errors of the system.
func (f files) plain(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: run imsctl as the user who owns %s", err, f.snapshot)
	}
	return err
}

// describe adds to what is wrong with a file's content where it is and what to do.
func (f files) describe(path, name string, err error) error {
	var newer *state.NewerError
	if errors.As(err, &newer) {
		return fmt.Errorf("%s %s was %w", name, path, newer)
	}
	var damage *state.DamageError
	if !errors.As(err, &damage) {
		return fmt.Errorf("reading %s %s: %w", name, path, err)
	}
	return fmt.Errorf("%s %s is damaged: %w. Nothing was changed. %s", name, path, damage, f.advice())
}

// advice says how to go back to the snapshot before the last one.
func (f files) advice() string {
	if _, err := os.Stat(f.backup); err != nil {
		return fmt.Sprintf("There is no older one (%s): restore %s and %s together from a copy, or move both away: \"imsctl state rebuild\" then makes it again from the destinations",
			f.backup, f.snapshot, f.journal)
	}
	return fmt.Sprintf("To go back to the state before the last change, move %s and %s away and copy %s to %s; \"imsctl state rebuild\" then adds what it does not know",
		f.snapshot, f.journal, f.backup, f.snapshot)
}
