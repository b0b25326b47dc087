package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
)

// answerTime is how long a server may take for one request.
const answerTime = 30 * time.Second

// keptSnapshots is how many snapshots there are, the newest one included.
const keptSnapshots = 50

// enqueue applies a record in memory and adds it to the next entry. After a failure the ends of what was begun are still
// applied, so that they are kept; they get the failure for an answer.
func (s *session) enqueue(record state.Record) (*batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	record.Serial = s.ledger.Serial() + 1
	data, stored, err := state.EncodeRecord(record)
	if err != nil {
		return nil, err
	}
	if err := s.ledger.Apply(stored); err != nil {
		return nil, fmt.Errorf("recording in the state %s: %w", s.backend.Location(), err)
	}
	s.unrecorded = append(s.unrecorded, stored)
	if s.failure != nil {
		return nil, s.failure
	}
	if s.pending == nil {
		s.pending = &batch{}
	}
	s.pending.records = append(s.pending.records, data)
	return s.pending, nil
}

// flush writes the pending batch, if there is one. The caller holds writing.
func (s *session) flush(patience time.Duration) {
	s.mu.Lock()
	due, failure, base, lineage := s.pending, s.failure, s.durable, s.ledger.Lineage()
	s.pending = nil
	s.mu.Unlock()
	if due == nil {
		return
	}
	due.written = true
	if due.err = failure; failure != nil {
		return
	}
	if due.err = s.append(lineage, base, due.records, patience); due.err != nil {
		if errors.Is(due.err, ErrLost) {
			due.err = s.backend.lost(due.err)
		} else {
			due.err = s.backend.unrecorded(due.err)
		}
		s.fail(due.err)
		return
	}
	if s.isLong() {
		if err := s.foldAll(); err != nil {
			// The batch itself is durable: only what comes next is refused.
			s.fail(err)
		}
	}
}

// sizePerEntry is how many bytes of a snapshot allow one more entry behind it: about as long as one entry takes to be read. There are
// never more than mostEntries, which a store lists at once.
const (
	sizePerEntry = 256 << 10
	mostEntries  = 900
)

// entryLimit is how many entries there may be behind the snapshot. More for a large one, or its rewriting would be what steps cost.
func (s *session) entryLimit() int {
	return max(s.backend.foldEntries, min(s.size/sizePerEntry, mostEntries))
}

// isLong reports whether it is time for a new snapshot. The caller holds writing.
func (s *session) isLong() bool {
	return s.entries >= s.entryLimit() || s.bytes >= max(s.backend.foldBytes, s.size)
}

// shortLog is by how much a log is shorter than allowed, at least, that is left at the end of a session.
const shortLog = 8

// mayWait reports whether the log may stay as it is at the end of the session: to write a large snapshot for a few changes would cost
// every run seconds. The caller holds writing.
func (s *session) mayWait() bool {
	return s.size >= s.backend.largeSize && s.bytes < s.size/shortLog && s.entries < s.entryLimit()/2
}

// foldAll writes a snapshot of all that was applied. What waits for the next entry is in it, and needs none any more. The
// caller holds writing.
func (s *session) foldAll() error {
	s.mu.Lock()
	document, waiting := s.ledger.Document(), s.pending
	s.pending = nil
	s.mu.Unlock()
	err := s.fold(document)
	saved := s.saved == document.Serial
	if waiting != nil {
		waiting.written = true
		if !saved {
			waiting.err = err
		}
	}
	if waiting != nil && saved {
		s.recorded(len(waiting.records))
	}
	return err
}

// recorded notes that the server has the next records.
func (s *session) recorded(count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.durable += uint64(count)
	s.unrecorded = s.unrecorded[count:]
}

// append makes an entry of records that follow the serial base.
func (s *session) append(lineage string, base uint64, records [][]byte, patience time.Duration) error {
	plain := append(state.EncodeJournalHeader(lineage, base), state.EncodeJournalLine(records)...)
	content, err := s.backend.conceal(plain)
	if err != nil {
		return err
	}
	if err := s.entry(content, patience); err != nil {
		return err
	}
	s.recorded(len(records))
	return nil
}

// entry makes the next entry of the log.
func (s *session) entry(content []byte, patience time.Duration) error {
	if err := s.create(entryName(s.last+1), content, patience); err != nil {
		return err
	}
	if err := s.leads(s.last+1, patience); err != nil {
		return err
	}
	s.last++
	s.entries++
	s.bytes += len(content)
	return nil
}

// leads holds that an entry which was made is the last one. Where there are later ones, somebody else has the lock, and perhaps
// has removed the entry of that number before: nobody reads what was made.
func (s *session) leads(number uint64, patience time.Duration) error {
	if s.backend.medium.Fences() {
		return nil
	}
	return s.persist(patience, func(ctx context.Context) error {
		names, err := s.lease.List(ctx, entryPrefix)
		if err != nil {
			return err
		}
		if found := parse(names); found.last() > number {
			return fmt.Errorf("%w: %s is another's", ErrLost, entryName(found.last()))
		}
		return nil
	})
}

// create makes a part, and asks again while the server does not answer. A part that is there and has these very bytes was
// made by an attempt whose answer was lost.
func (s *session) create(name string, content []byte, patience time.Duration) error {
	return s.persist(patience, func(ctx context.Context) error { return s.attempt(ctx, name, content) })
}

// persist does something again while the server does not answer.
func (s *session) persist(patience time.Duration, do func(context.Context) error) error {
	deadline := time.Now().Add(patience)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		ctx, cancel := context.WithTimeout(context.Background(), answerTime)
		err := do(ctx)
		cancel()
		if !errors.Is(err, ErrUnreachable) || !time.Now().Before(deadline) {
			return err
		}
		if err := clock.Sleep(context.Background(), pause); err != nil {
			return err
		}
	}
}

// attempt tries to make a part once.
func (s *session) attempt(ctx context.Context, name string, content []byte) error {
	err := s.lease.Create(ctx, name, content)
	if !errors.Is(err, ErrExists) {
		return err
	}
	found, err := s.lease.Read(ctx, name)
	switch {
	case err != nil:
		return err
	case bytes.Equal(found[0], content):
		return nil
	}
	return fmt.Errorf("%w: %s is another's", ErrLost, name)
}

// fold writes a snapshot and removes the log before it. A crash between the two is harmless. The caller holds writing.
func (s *session) fold(document *state.Document) error {
	if err := s.save(document); err != nil {
		return fmt.Errorf("writing a snapshot of the state %s (all changes are safe in its log): %w", s.backend.Location(), err)
	}
	if err := s.tidy(); err != nil {
		return fmt.Errorf("removing what a snapshot of the state %s has made superfluous (all changes are safe): %w", s.backend.Location(), err)
	}
	return nil
}

// save makes a document the state as of the next entry.
func (s *session) save(document *state.Document) error {
	document.Writer = s.backend.options.Version
	plain, err := state.Encode(document)
	if err != nil {
		return err
	}
	content, err := s.backend.conceal(plain)
	if err != nil {
		return err
	}
	patience := s.backend.options.Patience
	name := snapshotName(s.last+1, s.token)
	if err := s.create(name, content, patience); err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	entry, err := mark{Snapshot: name, Serial: document.Serial, Digest: hex.EncodeToString(sum[:])}.encode()
	if err != nil {
		return err
	}
	if err := s.entry(entry, patience); err != nil {
		return err
	}
	s.base, s.saved, s.size = s.last, document.Serial, len(content)
	s.entries, s.bytes = 0, 0
	return nil
}

// tidy removes the entries before the base, but for those that name snapshots that are kept, and the snapshots that are too many.
func (s *session) tidy() error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	names, err := s.lease.List(ctx, "")
	if err != nil {
		return err
	}
	found := parse(names)
	kept := make(map[uint64]bool)
	var superfluous []string
	for i, name := range found.snapshots {
		number, _ := snapshotNumber(name)
		if i < len(found.snapshots)-keptSnapshots {
			superfluous = append(superfluous, name)
		} else {
			kept[number] = true
		}
	}
	for _, number := range found.entries {
		if number < s.base && !kept[number] {
			superfluous = append(superfluous, entryName(number))
		}
	}
	if len(superfluous) == 0 {
		return nil
	}
	return s.lease.Delete(ctx, superfluous...)
}
