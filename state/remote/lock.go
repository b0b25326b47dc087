package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
)

// The pauses between two attempts to take a lock: each is twice the one before.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
)

// turnPatience is how long those are waited for in any case who have the lock to record something in a part, and turnPause how long at most
// before one looks again.
const (
	turnPatience = 10 * time.Second
	turnPause    = 100 * time.Millisecond
)

// Lock implements state.Backend.
func (b *Backend) Lock(ctx context.Context, holder state.LockInfo, timeout time.Duration) (state.Session, error) {
	return asSession(b.openFirst(ctx, b.newHolder(holder, nil), b.opening(nil, timeout)))
}

// LockDamaged implements state.Salvager.
func (b *Backend) LockDamaged(ctx context.Context, holder state.LockInfo, timeout time.Duration) (state.Session, error) {
	asked := b.opening(nil, timeout)
	asked.damaged = true
	return asSession(b.openFirst(ctx, b.newHolder(holder, nil), asked))
}

// asSession is what was opened, which is nothing after an error.
func asSession(opened *session, err error) (state.Session, error) {
	if err != nil {
		return nil, err
	}
	return opened, nil
}

var _ state.Salvager = (*Backend)(nil)

// opening says how a session is opened.
type opening struct {
	// timeout is how long the lock is waited for.
	timeout time.Duration
	// look says beforehand whether it would be in vain to take the lock, which would be in the way of others for a moment; nil where it
	// would not be. admit lets its holder in, or not.
	look, admit func(context.Context) error
	// known is the state as it was before, nil where it was not read yet.
	known *stored
	// damaged takes a state that cannot be read for an empty one.
	damaged bool
}

// opening is that of the first session of somebody who wants to change some blocks, or everything.
func (b *Backend) opening(blocks []string, timeout time.Duration) opening {
	return opening{
		timeout: timeout,
		look:    func(ctx context.Context) error { _, err := b.look(ctx, blocks); return err },
		admit:   func(ctx context.Context) error { return b.admit(ctx, blocks) },
	}
}

// openFirst opens the first session of a command.
func (b *Backend) openFirst(ctx context.Context, holder Holder, asked opening) (*session, error) {
	if err := b.tryCipher(); err != nil {
		return nil, err
	}
	s, err := b.open(ctx, holder, asked)
	if locked := new(state.LockedError); err == nil || errors.As(err, &locked) {
		return s, err
	}
	return nil, b.describe(err)
}

// open takes the lock and reads the state.
func (b *Backend) open(ctx context.Context, holder Holder, asked opening) (*session, error) {
	lease, err := b.acquire(ctx, holder, asked)
	if err != nil {
		return nil, err
	}
	s := &session{backend: b, lease: lease, token: rand.Text()}
	s.keepAlive()
	if err := s.begin(ctx, holder, asked); err != nil {
		return nil, errors.Join(err, s.giveBack())
	}
	return s, nil
}

// tryCipher refuses to write what could not be read again.
func (b *Backend) tryCipher() error {
	if b.options.Cipher == nil {
		return nil
	}
	sealed, err := b.conceal(markStart)
	if err != nil {
		return err
	}
	if _, err := b.options.Cipher.Open(sealed); err != nil {
		return fmt.Errorf("the state %s cannot be changed by who cannot read it: %w", b.Location(), err)
	}
	return nil
}

// acquire takes the lock, waiting up to timeout for its holder, and for what stands in the way of being admitted then.
func (b *Backend) acquire(ctx context.Context, holder Holder, asked opening) (Lease, error) {
	begun := time.Now()
	deadline := begun.Add(asked.timeout)
	reached := false
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		lease, claimed, err := b.attempt(ctx, holder, asked)
		if err == nil {
			return lease, nil
		}
		locked := new(state.LockedError)
		isLocked := errors.As(err, &locked)
		reached = reached || isLocked
		// Who waits for a lock is not turned away by a server that does not answer once. One that never did is no lock to wait for.
		passing := isLocked || errors.Is(err, ErrBusy) || reached && errors.Is(err, ErrUnreachable)
		left := time.Until(deadline)
		if isLocked && !claimed && (locked.Holder.Part != "" || locked.Holder.ID == "") {
			// Those who record something in a part have the lock for a moment, whatever it is that they have claimed. So has one who
			// has not yet said who he is.
			left, pause = max(left, turnPatience-time.Since(begun)), min(pause, turnPause)
		}
		switch {
		case isLocked && left <= 0:
			return nil, err
		case !passing || left <= 0:
			return nil, err
		}
		// Those who wait together do not come back together.
		if err := clock.Sleep(ctx, min(pause/2+mathrand.N(pause/2), left)); err != nil {
			return nil, fmt.Errorf("waiting for its lock: %w", err)
		}
	}
}

// attempt tries to take the lock once. What stands in the way may be a claim.
func (b *Backend) attempt(ctx context.Context, holder Holder, asked opening) (lease Lease, claimed bool, err error) {
	if asked.look != nil {
		if err := asked.look(ctx); err != nil {
			return nil, true, err
		}
	}
	if lease, err = b.medium.Acquire(ctx, holder); err != nil {
		return nil, false, err
	}
	if err := asked.admit(ctx); err != nil {
		return nil, true, errors.Join(err, release(lease))
	}
	return lease, false, nil
}

// openAttempts bounds how often an opening is tried: each time a holder that has lost its lock has got ahead.
const openAttempts = 20

// begin makes the entry after which nobody else can add one, and reads the state.
func (s *session) begin(ctx context.Context, holder Holder, asked opening) error {
	b := s.backend
	opening, err := mark{Opened: &holder}.encode()
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		names, err := s.lease.List(ctx, entryPrefix)
		if err != nil {
			return err
		}
		found := parse(names)
		number := found.last() + 1
		err = s.lease.Create(ctx, entryName(number), opening)
		if errors.Is(err, ErrExists) && attempt < openAttempts {
			continue
		}
		if err != nil {
			return fmt.Errorf("beginning to write: %w", err)
		}
		s.last, s.opening = number, number
		break
	}
	if err := s.leads(s.last, 0); err != nil {
		return err
	}
	found, err := b.settled(ctx, s.lease, asked.known)
	if damage := new(state.DamageError); asked.damaged && errors.As(err, &damage) {
		found, err = startOver(ctx, s.lease)
	}
	if err != nil {
		return errors.Join(err, s.takeBackOpening())
	}
	return s.adopt(found)
}

// startOver is a state in the place of one that cannot be read: an empty one. The snapshots of the other stay until later
// ones push them out.
func startOver(ctx context.Context, from Reader) (*stored, error) {
	names, err := from.List(ctx, "")
	if err != nil {
		return nil, err
	}
	return &stored{listing: parse(names), ledger: state.NewLedger(&state.Document{Version: state.Version})}, nil
}

// adopt takes over what was read.
func (s *session) adopt(found *stored) error {
	s.ledger, s.saved, s.base = found.ledger, found.saved, found.base
	s.entries, s.bytes, s.size = int(s.last-found.base), found.journal, found.size
	if s.ledger.Lineage() == "" {
		lineage, err := state.NewLineage()
		if err != nil {
			return err
		}
		s.ledger = state.NewLedger(&state.Document{Version: state.Version, Lineage: lineage})
	}
	s.durable = s.ledger.Serial()
	return nil
}

// takeBackOpening removes the entry of a session that has recorded nothing. The lock is still held.
func (s *session) takeBackOpening() error {
	if s.opening == 0 || s.last != s.opening {
		return nil
	}
	// Whoever has taken the lock meanwhile goes on behind this entry.
	if err := s.leads(s.opening, 0); err != nil {
		if errors.Is(err, ErrLost) {
			return nil
		}
		return err
	}
	s.last--
	return s.lease.Delete(context.Background(), entryName(s.opening))
}

// keepAlive begins to renew the lock, until giveBack.
func (s *session) keepAlive() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.renewing.Go(func() {
		if err := renewals(ctx, s.lease, s.backend.options.Renewal); err != nil {
			s.fail(s.backend.lost(err))
		}
	})
}

// renewals keeps a lock alive until ctx ends, or it is lost.
func renewals(ctx context.Context, lease Lease, interval time.Duration) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		// A server that does not answer is asked again the next time: that nobody else writes does not depend on it.
		if err := lease.Renew(ctx); errors.Is(err, ErrLost) {
			return err
		}
	}
}

// lost says that a lock is somebody else's.
func (b *Backend) lost(err error) error {
	return &state.NotRecordedError{Reason: fmt.Errorf("somebody else has taken the lock of the state %s, so that nothing more is recorded or begun: %w", b.Location(), err)}
}

// unrecorded says that the server does not take what happened.
func (b *Backend) unrecorded(err error) error {
	return &state.NotRecordedError{Reason: fmt.Errorf("the state %s cannot be recorded any more, and nothing else is begun: %w", b.Location(), err)}
}

// giveBack ends the renewals and the lock.
func (s *session) giveBack() error {
	s.stop()
	s.renewing.Wait()
	if err := release(s.lease); err != nil {
		return fmt.Errorf("giving back the lock of the state %s: %w", s.backend.Location(), err)
	}
	return nil
}

// release gives a lock back, if it was not lost.
func release(lease Lease) error {
	ctx, cancel := context.WithTimeout(context.Background(), closingTime)
	defer cancel()
	if err := lease.Release(ctx); !errors.Is(err, ErrLost) {
		return err
	}
	return nil
}
