package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/castrolanda/imsctl/internal/atomicfile"
	"github.com/castrolanda/imsctl/state"
)

// Replace implements state.Replacer. The state before stays among the snapshots.
func (s *session) Replace(ctx context.Context, document *state.Document) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.flush(s.backend.options.Patience)
	s.mu.Lock()
	closed, failure, serial, current := s.closed, s.failure, s.ledger.Serial(), s.ledger.Document()
	s.mu.Unlock()
	if closed {
		return errClosed
	}
	if failure != nil {
		return failure
	}
	if serial != s.saved {
		if err := s.fold(current); err != nil {
			return err
		}
	}
	ledger := state.NewLedger(document)
	if err := s.fold(ledger.Document()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger, s.durable = ledger, ledger.Serial()
	return nil
}

var _ state.Replacer = (*session)(nil)

// rescue tries once more to record what could not be recorded, and otherwise keeps the state as it should be in a file. The
// caller holds writing.
func (s *session) rescue(failure error) error {
	records, document, err := s.toKeep()
	if err != nil || len(records) == 0 {
		return errors.Join(failure, err)
	}
	if !errors.Is(failure, ErrLost) && s.recordAll(records, document.Lineage) == nil {
		return s.fold(document)
	}
	return s.backend.keepUnrecorded(document, records, failure)
}

// keepUnrecorded keeps the state as it should be, with the records that the server does not have, in a file. It returns the failure with
// what to do about it.
func (b *Backend) keepUnrecorded(document *state.Document, records []state.Record, failure error) error {
	document.Writer = b.options.Version
	data, err := state.EncodeUnrecorded(document, records)
	if err != nil {
		return errors.Join(failure, err)
	}
	if data, err = b.conceal(data); err != nil {
		return errors.Join(failure, err)
	}
	path, err := keep(b.options.Folder, data)
	if err != nil {
		return errors.Join(failure, fmt.Errorf("keeping what was done and could not be recorded: %w. The next plan finds it at the destinations", err))
	}
	return fmt.Errorf("what was done since is kept in %s: once the state can be reached, run \"imsctl state push %s\". The reason: %w",
		path, filepath.Base(path), failure)
}

// toKeep are the records that the server does not have, and the state with them; none when they record nothing that happened.
func (s *session) toKeep() ([]state.Record, *state.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	happened := slices.ContainsFunc(s.unrecorded, func(record state.Record) bool { return record.End != nil })
	if !happened {
		return nil, nil, nil
	}
	// What could not be recorded was not begun.
	for _, open := range s.ledger.Document().Intents {
		if !slices.Contains(s.refused, open.ID) {
			continue
		}
		ending := state.Record{Serial: s.ledger.Serial() + 1, End: &state.Ending{Intent: open.ID, Result: s.backend.notBegun()}}
		if err := s.ledger.Apply(ending); err != nil {
			return nil, nil, err
		}
		s.unrecorded = append(s.unrecorded, ending)
	}
	return slices.Clone(s.unrecorded), s.ledger.Document(), nil
}

// notBegun is the result of an intent that could not be recorded before anything was done.
func (b *Backend) notBegun() state.Result {
	return state.Result{
		Outcome: state.Failed, EndedAt: b.options.Clock.Now().UTC(), Error: "it was not begun, because that could not be recorded",
	}
}

// recordAll makes one entry of records.
func (s *session) recordAll(records []state.Record, lineage string) error {
	encoded := make([][]byte, len(records))
	for i, record := range records {
		data, _, err := state.EncodeRecord(record)
		if err != nil {
			return err
		}
		encoded[i] = data
	}
	return s.append(lineage, s.durable, encoded, 0)
}

// Where a state is kept that could not be recorded. A file that is there is somebody's only copy.
const (
	erroredFile  = "errored.state.json"
	erroredFiles = "errored-%d.state.json"
	erroredMode  = 0o600
	mostErrored  = 1000
)

// keep writes a file that is not there yet, and returns its path.
func keep(folder string, data []byte) (string, error) {
	for number := 1; number < mostErrored; number++ {
		name := erroredFile
		if number > 1 {
			name = fmt.Sprintf(erroredFiles, number)
		}
		path := filepath.Join(folder, name)
		if _, err := os.Lstat(path); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		return path, atomicfile.Write(path, data, erroredMode)
	}
	return "", fmt.Errorf("there are %d files like %s already", mostErrored, filepath.Join(folder, erroredFile))
}
