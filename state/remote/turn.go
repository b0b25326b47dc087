package remote

import (
	"errors"
	"slices"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
)

// turnTime is how long a part waits for its turn to record something: until the lock of somebody who died in his has expired, and then
// some more, because others wait too.
const turnTime = 3 * LeaseTime

// recordEntries records what waits, in one step. What contradicts the state fails by itself.
func (s *session) recordEntries(due []*entry) error {
	var joined *batch
	for _, made := range due {
		to, err := s.enqueue(made.record)
		if made.err = err; err == nil {
			joined = to
		}
	}
	if joined == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.failure
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.flush(s.backend.options.Patience)
	return joined.err
}

// turn takes the lock, waiting up to patience for it, reads what was recorded since, and does something with it. Then it is known. The caller
// holds writing.
func (p *part) turn(patience time.Duration, do func(*session) error) error {
	p.mu.Lock()
	known := p.known
	p.mu.Unlock()
	s, err := p.enter(patience, known)
	if err != nil {
		return p.reason(err)
	}
	err = do(s)
	leaving := s.leave()
	if err != nil {
		return p.reason(errors.Join(err, leaving))
	}
	// A lock that could not be given back is this part's in its next turn, and ends by itself otherwise.
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = s.stored()
	return nil
}

// enter opens the session of a turn, and tries again while the server does not answer. What an attempt has left is this part's, too.
func (p *part) enter(patience time.Duration, known *stored) (*session, error) {
	deadline := time.Now().Add(min(patience, p.backend.options.Patience))
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		s, err := p.backend.open(p.life, p.holder, opening{timeout: patience, known: known, admit: p.claim.Renew})
		if !errors.Is(err, ErrUnreachable) || !time.Now().Before(deadline) {
			return s, err
		}
		if err := clock.Sleep(p.life, pause); err != nil {
			return nil, err
		}
	}
}

// reason is why a turn failed: that the claim was lost before it, or what happened in it.
func (p *part) reason(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.failure != nil && errors.Is(p.failure, ErrLost):
		return p.failure
	case errors.Is(err, ErrLost):
		return p.backend.lost(err)
	}
	return p.backend.unrecorded(err)
}

// rescue tries once more to record what could not be recorded, and otherwise keeps the state as it should be in a file. The caller holds
// writing.
func (p *part) rescue(failure error) error {
	p.mu.Lock()
	endings := slices.Clone(p.unrecorded)
	p.mu.Unlock()
	if len(endings) == 0 {
		return failure
	}
	if !errors.Is(failure, ErrLost) && p.turn(0, p.recordLate) == nil {
		return nil
	}
	p.mu.Lock()
	ledger := p.known.ledger
	p.mu.Unlock()
	var records []state.Record
	for _, ending := range endings {
		record := state.Record{Serial: ledger.Serial() + 1, End: &ending}
		if err := ledger.Apply(record); err != nil {
			return errors.Join(failure, err)
		}
		records = append(records, record)
	}
	return p.backend.keepUnrecorded(ledger.Document(), records, failure)
}

// recordLate records the ends that were not acknowledged, but for those that the state has, and that what was refused was not begun.
func (p *part) recordLate(s *session) error {
	p.mu.Lock()
	endings, refused := slices.Clone(p.unrecorded), slices.Clone(p.refused)
	p.mu.Unlock()
	for _, id := range refused {
		endings = append(endings, state.Ending{Intent: id, Result: s.backend.notBegun()})
	}
	open := s.Document().Intents
	var due []*entry
	for _, ending := range endings {
		if slices.ContainsFunc(open, func(intent *state.Intent) bool { return intent.ID == ending.Intent }) {
			due = append(due, &entry{record: state.Record{End: &ending}})
		}
	}
	if err := s.recordEntries(due); err != nil {
		return err
	}
	return s.conclude()
}
