package remote

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/state"
)

// closingTime bounds what a session does at its end with a server that does not answer.
const closingTime = 30 * time.Second

// session is the right to change the state. What happens is applied in memory and appended to the log in the same order;
// whoever asked for it waits until the server has it. Those who ask meanwhile share the next entry.
type session struct {
	backend *Backend
	lease   Lease
	// token is of this session only.
	token string
	// stop ends the renewals, which renewing waits for.
	stop     context.CancelFunc
	renewing sync.WaitGroup

	// writing is held by whoever writes parts. It is taken before mu.
	writing sync.Mutex
	// last is the number of the last entry, opening that of this session's first one, base that of the newest snapshot's.
	last, opening, base uint64
	// saved is the serial of the newest snapshot, size its length in bytes.
	saved uint64
	size  int
	// entries and bytes are the length of the log behind the base.
	entries, bytes int

	mu      sync.Mutex
	ledger  *state.Ledger
	pending *batch
	// durable is the serial of the last record that the server has; unrecorded are those after it.
	durable    uint64
	unrecorded []state.Record
	// refused are the intents that were never begun, because they could not be recorded.
	refused []string
	// failure is why nothing can be recorded any more.
	failure error
	closed  bool
}

// batch is what becomes one entry. Its fields but records belong to the holder of writing.
type batch struct {
	records [][]byte
	written bool
	err     error
}

// errClosed refuses what comes after Close.
var errClosed = errors.New("the session with the state is closed")

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
	s.mu.Lock()
	failure := s.failure
	s.mu.Unlock()
	if failure != nil {
		return failure
	}
	err := s.record(state.Record{Begin: &intent})
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.refused = append(s.refused, intent.ID)
	}
	return err
}

// End implements state.Session. It records also when ctx has ended, because what happened has happened. What cannot be
// recorded any more is kept until Close.
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
		s.flush(s.backend.options.Patience)
	}
	return joined.err
}

// fail refuses all further records.
func (s *session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.failure = err
	}
}

// Close implements state.Session. When something could not be recorded, the log is left as it is: it holds all that was
// acknowledged.
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
	s.flush(s.backend.options.Patience)
	s.mu.Lock()
	failure := s.failure
	s.mu.Unlock()
	if failure != nil {
		// A lock that cannot be given back to a server that is gone ends by itself.
		return cmp.Or(s.rescue(failure), s.giveBack())
	}
	return errors.Join(s.shorten(), s.giveBack())
}

// shorten leaves a snapshot behind, unless that may wait. The caller holds writing.
func (s *session) shorten() error {
	s.mu.Lock()
	serial := s.ledger.Serial()
	s.mu.Unlock()
	if serial != s.saved && !s.mayWait() {
		return s.fold(s.Document())
	}
	return s.takeBackOpening()
}

// conclude is shorten for a part of the state, in its last turn.
func (s *session) conclude() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.shorten()
}

// leave ends a session that was the turn of a part. What it could not record is kept by that.
func (s *session) leave() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	failure := s.failure
	s.closed = true
	s.mu.Unlock()
	var err error
	if failure == nil {
		// Behind an entry that may have been made although nobody said so, nothing may be missing.
		err = s.takeBackOpening()
	}
	return errors.Join(err, s.giveBack())
}

// stored is the state as it lies on the server now, as far as the session knows. The caller writes nothing more.
func (s *session) stored() *stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &stored{ledger: s.ledger, base: s.base, saved: s.saved, size: s.size, journal: s.bytes, upTo: s.last}
}
