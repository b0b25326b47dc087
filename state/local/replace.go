package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/castrolanda/imsctl/internal/atomicfile"
	"github.com/castrolanda/imsctl/state"
)

var _ state.Replacer = (*session)(nil)

// Replace implements state.Replacer. The journal is folded into the snapshot and removed first: the snapshot before and the
// one after are both whole without it, so that a crash leaves the one or the other.
func (s *session) Replace(ctx context.Context, document *state.Document) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.flush()
	s.mu.Lock()
	closed, failure, serial := s.closed, s.failure, s.ledger.Serial()
	s.mu.Unlock()
	if closed {
		return errClosed
	}
	if failure != nil {
		return failure
	}
	if serial != s.saved {
		if err := s.fold(); err != nil {
			return err
		}
	}
	if err := s.dropJournal(); err != nil {
		return fmt.Errorf("removing the journal of the state %s (all of it is in the snapshot): %w", s.files.snapshot, err)
	}
	ledger := state.NewLedger(document)
	if err := s.save(ledger.Document()); err != nil {
		return err
	}
	s.lineage = ledger.Lineage()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger = ledger
	return nil
}

// dropJournal removes the journal for good. The caller holds writing.
func (s *session) dropJournal() error {
	if s.journal != nil {
		previous := s.journal
		s.journal = nil
		if err := previous.file.Close(); err != nil {
			return err
		}
	}
	if err := os.Remove(s.files.journal); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return atomicfile.SyncDirectory(filepath.Dir(s.files.journal))
}
