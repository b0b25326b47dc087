package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/castrolanda/imsctl/internal/atomicfile"
	"github.com/castrolanda/imsctl/state"
)

// journal is a journal that is appended to.
type journal struct {
	file file
	size int64
}

// createJournal puts a new journal in place that begins after the document with serial base.
func (b *Backend) createJournal(path, lineage string, base uint64) (*journal, error) {
	header := state.EncodeJournalHeader(lineage, base)
	if err := atomicfile.Write(path, header, fileMode); err != nil {
		return nil, fmt.Errorf("making the journal: %w", err)
	}
	opened, err := b.open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	return &journal{file: opened, size: int64(len(header))}, nil
}

// openJournal continues a journal that was read, after cutting off the remnant of an interrupted write.
func (b *Backend) openJournal(path string, found *stored) (*journal, error) {
	if found.journalLength > found.journal.Size {
		if err := cut(path, found.journal.Size); err != nil {
			return nil, fmt.Errorf("cutting an interrupted write off the journal: %w", err)
		}
	}
	opened, err := b.open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	return &journal{file: opened, size: found.journal.Size}, nil
}

// cut shortens a file for good.
func cut(path string, size int64) error {
	opened, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := opened.Truncate(size); err != nil {
		return errors.Join(err, opened.Close())
	}
	return errors.Join(opened.Sync(), opened.Close())
}

// append writes one line and waits until it is on the disk.
func (j *journal) append(line []byte) error {
	n, err := j.file.Write(line)
	j.size += int64(n)
	if err != nil {
		return fmt.Errorf("appending to the journal: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("making the journal durable: %w", err)
	}
	return nil
}

// fold writes a snapshot, then empties the journal. A crash between the two is harmless: what the journal still holds is in
// the snapshot, and known to be by its serials. The snapshot contains also what waits for the journal: that batch needs
// none any more. The caller holds writing.
func (s *session) fold() error {
	s.mu.Lock()
	document, waiting := s.ledger.Document(), s.pending
	s.pending = nil
	s.mu.Unlock()
	err := s.save(document)
	if waiting != nil {
		waiting.written, waiting.err = true, err
	}
	if err != nil {
		return err
	}
	emptied, err := s.backend.createJournal(s.files.journal, document.Lineage, document.Serial)
	if err != nil {
		return fmt.Errorf("emptying the journal of the state %s (all changes are safe): %w", s.files.snapshot, err)
	}
	previous := s.journal
	s.journal = emptied
	if previous != nil {
		return previous.file.Close()
	}
	return nil
}

// save writes a snapshot and keeps the one before.
func (s *session) save(document *state.Document) error {
	document.Writer = s.backend.version
	data, err := state.Encode(document)
	if err != nil {
		return err
	}
	if err := s.files.keepBackup(); err != nil {
		return fmt.Errorf("keeping the last snapshot of the state as %s (what was recorded before is safe in %s): %w", s.files.backup, s.files.journal, err)
	}
	if err := atomicfile.Write(s.files.snapshot, data, fileMode); err != nil {
		return fmt.Errorf("writing the state %s (what was recorded before is safe in %s): %w", s.files.snapshot, s.files.journal, err)
	}
	s.saved, s.size = document.Serial, int64(len(data))
	s.folded = max(s.backend.journalLimit, s.size)
	return nil
}

// keepBackup makes the snapshot's file also the backup. The snapshot itself stays where it is: its name is never without
// a file.
func (f files) keepBackup() error {
	if _, err := os.Lstat(f.snapshot); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	temporary := filepath.Join(filepath.Dir(f.backup), "."+filepath.Base(f.backup)+".0.tmp")
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Link(f.snapshot, temporary); err == nil {
		return os.Rename(temporary, f.backup)
	}
	// Not every file system has links.
	data, err := os.ReadFile(f.snapshot)
	if err != nil {
		return err
	}
	return atomicfile.Write(f.backup, data, fileMode)
}

// removeTemporary removes the files that a session which died while writing left. Only the holder of the lock may do so.
func (f files) removeTemporary() error {
	folder := filepath.Dir(f.snapshot)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("looking for unfinished files of the state: %w", err)
	}
	for _, entry := range entries {
		if !f.isTemporary(entry.Name()) {
			continue
		}
		if err := os.Remove(filepath.Join(folder, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing an unfinished file of the state: %w", err)
		}
	}
	return nil
}

// isTemporary recognises the names that files of this state have before they are renamed.
func (f files) isTemporary(name string) bool {
	for _, path := range []string{f.snapshot, f.journal, f.backup} {
		number, found := strings.CutPrefix(name, "."+filepath.Base(path)+".")
		if !found {
			continue
		}
		if number, found = strings.CutSuffix(number, ".tmp"); found && number != "" && strings.Trim(number, "0123456789") == "" {
			return true
		}
	}
	return false
}

// makeFolder makes a folder and those above it, for good.
func makeFolder(path string) error {
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if err := makeFolder(parent); err != nil {
		return err
	}
	if err := os.Mkdir(path, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return atomicfile.SyncDirectory(parent)
}
