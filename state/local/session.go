package local

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/state"
)

// session is the right to change the state. What happens is applied in memory and appended to the journal in the same
// order; whoever asked for it waits until it is on the disk. Those who ask meanwhile share the next write and its fsync.
type session struct {
	backend *Backend
	files   files
	lock    *lockFile
	lineage string

	// writing is held by whoever writes files. It is taken before mu.
	writing sync.Mutex
	// journal is nil until the first record is written to a new one.
	journal *journal
	// saved is the serial of the snapshot on the disk, size its length in bytes.
	saved uint64
	size  int64
	// folded is the length in bytes from which on the journal is folded into a new snapshot.
	folded int64

	mu      sync.Mutex
	ledger  *state.Ledger
	pending *batch
	// failure is why nothing can be recorded any more.
	failure error
	closed  bool
}

// batch is what is written at once. Its fields but records belong to the holder of writing.
type batch struct {
	records [][]byte
	written bool
	err     error
}

// errClosed refuses what comes after Close.
var errClosed = errors.New("the session with the state is closed")

// Lock implements state.Backend.
func (b *Backend) Lock(ctx context.Context, holder state.LockInfo, timeout time.Duration) (state.Session, error) {
	files := b.files()
	lock, err := b.acquire(ctx, files.lock, holder, timeout)
	if err != nil {
		return nil, err
	}
	opened, err := b.begin(files, lock)
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	return opened, nil
}

// begin loads the state and removes what an interrupted session left.
func (b *Backend) begin(files files, lock *lockFile) (*session, error) {
	found, err := files.load()
	if err != nil {
		return nil, err
	}
	if err := files.removeTemporary(); err != nil {
		return nil, err
	}
	s := &session{backend: b, files: files, lock: lock, ledger: found.ledger, folded: b.journalLimit}
	if found.snapshot != nil {
		s.saved, s.size = found.snapshot.Serial, found.snapshotLength
		s.folded = max(b.journalLimit, s.size)
	}
	if s.ledger.Lineage() == "" {
		lineage, err := state.NewLineage()
		if err != nil {
			return nil, err
		}
		s.ledger = state.NewLedger(&state.Document{Version: state.Version, Lineage: lineage})
	}
	s.lineage = s.ledger.Lineage()
	if found.journal != nil && found.journal.Serial() == s.ledger.Serial() {
		if s.journal, err = b.openJournal(files.journal, found); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Document implements state.Session.
func (s *session) Document() *state.Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.Document()
}

// Begin implements state.Session. It refuses once ctx has ended, or anything could not be recorded.
func (s *session) Begin(ctx context.Context, intent state.Intent) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.record(state.Record{Begin: &intent})
}

// End implements state.Session. It records also when ctx has ended, because what happened has happened.
func (s *session) End(_ context.Context, intentID string, result state.Result) error {
	return s.record(state.Record{End: &state.Ending{Intent: intentID, Result: result}})
}

// record applies a record and makes it durable.
func (s *session) record(record state.Record) error {
	joined, err := s.enqueue(record)
	if err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if !joined.written {
		s.flush()
	}
	return joined.err
}

// enqueue applies a record in memory and adds it to the next batch. Others may see its effect before it is durable; what
// they do about it begins with a record that comes after this one in the journal.
func (s *session) enqueue(record state.Record) (*batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if s.failure != nil {
		return nil, s.failure
	}
	record.Serial = s.ledger.Serial() + 1
	data, stored, err := state.EncodeRecord(record)
	if err != nil {
		return nil, err
	}
	if err := s.ledger.Apply(stored); err != nil {
		return nil, fmt.Errorf("recording in the state %s: %w", s.backend.path, err)
	}
	if s.pending == nil {
		s.pending = &batch{}
	}
	s.pending.records = append(s.pending.records, data)
	return s.pending, nil
}

// flush writes the pending batch, if there is one. The caller holds writing.
func (s *session) flush() {
	s.mu.Lock()
	due, failure, serial := s.pending, s.failure, s.ledger.Serial()
	s.pending = nil
	s.mu.Unlock()
	if due == nil {
		return
	}
	due.written = true
	if due.err = failure; failure != nil {
		return
	}
	if due.err = s.append(due, serial-uint64(len(due.records))); due.err != nil {
		due.err = fmt.Errorf("the state %s cannot be recorded any more, nothing else is begun, and the next run looks at what is unfinished: %w",
			s.backend.path, due.err)
		s.fail(due.err)
		return
	}
	if s.journal.size >= s.folded {
		if err := s.fold(); err != nil {
			// The batch itself is durable in the old journal: only what comes next is refused.
			s.fail(err)
		}
	}
}

// append writes a batch to the journal, which is made now if there is none that ends at base.
func (s *session) append(due *batch, base uint64) error {
	if s.journal == nil {
		opened, err := s.backend.createJournal(s.files.journal, s.lineage, base)
		if err != nil {
			return err
		}
		s.journal = opened
	}
	return s.journal.append(state.EncodeJournalLine(due.records))
}

// fail refuses all further records.
func (s *session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.failure = err
	}
}

// shortJournal is by how much a journal is shorter than its snapshot, at least, that is left at the end of a session.
const shortJournal = 8

// mayWait reports whether the journal may stay as it is at the end of the session: to write a large snapshot for a few changes would cost
// every run seconds. Both together are the state. The caller holds writing.
func (s *session) mayWait() bool {
	return s.journal != nil && s.size >= s.backend.largeSize && s.journal.size < s.size/shortJournal
}

// Close implements state.Session. When something could not be recorded, the files are left as they are: the journal holds
// all that was acknowledged.
func (s *session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()

	s.writing.Lock()
	defer s.writing.Unlock()
	s.flush()
	s.mu.Lock()
	failure, serial := s.failure, s.ledger.Serial()
	s.mu.Unlock()
	var errs []error
	if failure == nil && serial != s.saved && !s.mayWait() {
		errs = append(errs, s.fold())
	}
	if s.journal != nil {
		errs = append(errs, s.journal.file.Close())
	}
	if err := s.lock.release(); err != nil {
		errs = append(errs, fmt.Errorf("giving back the lock of the state %s: %w", s.backend.path, err))
	}
	return errors.Join(append(errs, failure)...)
}
