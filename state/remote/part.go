package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/state"
)

// part is the right to change a part of the state, which is kept by a claim. What it records goes into the log in turns: for each the
// lock is taken for a moment, what others have recorded is read, and what waits is added. So there is one writer of the log at a time,
// and what holds of a session holds of each turn.
type part struct {
	backend *Backend
	holder  Holder
	claim   Lease
	// life ends with the claim, and ends the waiting for a turn; renewing is waited for.
	life     context.Context
	stop     context.CancelFunc
	renewing sync.WaitGroup

	// writing is held by whoever takes a turn. It is taken before mu.
	writing sync.Mutex
	// changed is set when there is something that no snapshot has.
	changed bool

	mu sync.Mutex
	// known is the state as of the last turn.
	known   *stored
	waiting []*entry
	// own are the intents that were begun here.
	own map[string]bool
	// refused are the intents that may have been recorded and were not begun, unrecorded the ends that were not acknowledged.
	refused    []string
	unrecorded []state.Ending
	// failure is why nothing can be recorded any more.
	failure error
	closed  bool
}

// entry is a record that waits for its turn. Its fields but record belong to the holder of writing.
type entry struct {
	record state.Record
	done   bool
	err    error
}

// Claim implements state.Claimer.
func (b *Backend) Claim(ctx context.Context, info state.LockInfo, blocks []string, timeout time.Duration) (state.Session, error) {
	if len(blocks) == 0 {
		return nil, errors.New("what is claimed of the state has to be said")
	}
	holder := b.newHolder(info, blocks)
	first, err := b.openFirst(ctx, holder, b.opening(blocks, timeout))
	if err != nil {
		return nil, err
	}
	claim, err := first.occupy(holder)
	if err != nil {
		return nil, errors.Join(err, first.leave())
	}
	p := &part{backend: b, holder: holder, claim: claim, own: make(map[string]bool)}
	p.life, p.stop = context.WithCancel(context.Background())
	p.renewing.Go(func() { p.renew(claim) })
	if err := first.leave(); err != nil {
		return nil, errors.Join(err, p.giveBack())
	}
	p.known = first.stored()
	return p, nil
}

// renew keeps the claim alive until its end.
func (p *part) renew(claim Lease) {
	if err := renewals(p.life, claim, p.backend.options.Renewal); err != nil {
		p.fail(p.backend.lost(err))
		p.stop()
	}
}

// Document implements state.Session. What others are about to do in their parts is not in it.
func (p *part) Document() *state.Document {
	p.mu.Lock()
	defer p.mu.Unlock()
	document := p.known.ledger.Document()
	document.Intents = slices.DeleteFunc(document.Intents, func(intent *state.Intent) bool {
		return !p.own[intent.ID] && !intent.IsOf(p.holder.Blocks)
	})
	return document
}

// Begin implements state.Session. It refuses once ctx has ended, anything could not be recorded, or the intent is of another part.
func (p *part) Begin(ctx context.Context, intent state.Intent) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !intent.OnlyRecords() && !intent.IsOf(p.holder.Blocks) {
		return fmt.Errorf("%s is not of the part of the state that this run may change, which is %s", intent.Address, p.holder.Part)
	}
	return p.record(state.Record{Begin: &intent})
}

// End implements state.Session. It records also when ctx has ended, because what happened has happened. What cannot be recorded any more
// is kept until Close.
func (p *part) End(_ context.Context, intentID string, result state.Result) error {
	return p.record(state.Record{End: &state.Ending{Intent: intentID, Result: result}})
}

// record makes a record durable, in one turn with those that others wait for.
func (p *part) record(record state.Record) error {
	p.mu.Lock()
	made := &entry{record: record}
	if p.closed {
		p.mu.Unlock()
		return errClosed
	}
	p.waiting = append(p.waiting, made)
	p.mu.Unlock()

	p.writing.Lock()
	defer p.writing.Unlock()
	if !made.done {
		p.flush()
	}
	return made.err
}

// flush records what waits. The caller holds writing.
func (p *part) flush() {
	p.mu.Lock()
	due, failure := p.waiting, p.failure
	p.waiting = nil
	p.mu.Unlock()
	if len(due) == 0 {
		return
	}
	if failure == nil {
		failure = p.turn(turnTime, func(s *session) error { return s.recordEntries(due) })
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, made := range due {
		made.done = true
		switch {
		case failure != nil:
			made.err = failure
			p.keep(made.record)
		case made.err == nil && made.record.Begin != nil:
			p.own[made.record.Begin.ID] = true
		}
	}
	if failure == nil {
		p.changed = true
	} else if p.failure == nil {
		p.failure = failure
	}
}

// keep keeps what could not be recorded. The caller holds mu.
func (p *part) keep(record state.Record) {
	if record.Begin != nil {
		p.refused = append(p.refused, record.Begin.ID)
	} else {
		p.unrecorded = append(p.unrecorded, *record.End)
	}
}

// fail refuses all further records.
func (p *part) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure == nil {
		p.failure = err
	}
}

// Close implements state.Session.
func (p *part) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	p.mu.Unlock()

	p.writing.Lock()
	defer p.writing.Unlock()
	p.flush()
	p.mu.Lock()
	failure := p.failure
	p.mu.Unlock()
	var err error
	switch {
	case failure != nil:
		// A claim that cannot be given back to a server that is gone ends by itself.
		return cmp.Or(p.rescue(failure), p.giveBack())
	case p.changed:
		err = p.turn(turnTime, (*session).conclude)
	}
	return errors.Join(err, p.giveBack())
}

// giveBack ends the renewals and the claim.
func (p *part) giveBack() error {
	p.stop()
	p.renewing.Wait()
	if err := release(p.claim); err != nil {
		return fmt.Errorf("giving back what was claimed of the state %s: %w", p.backend.Location(), err)
	}
	return nil
}

// newHolder describes this process as the holder of a lock; no blocks are all of them.
func (b *Backend) newHolder(info state.LockInfo, blocks []string) Holder {
	holder := NewHolder(info)
	holder.TakenAt, holder.Blocks = b.options.Clock.Now().UTC(), blocks
	holder.Part = strings.Join(blocks, ", ")
	return holder
}
