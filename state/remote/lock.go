package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
)

// The pauses between two attempts to take a lock: each is twice the one before.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
)

// Lock implements state.Backend.
func (b *Backend) Lock(ctx context.Context, holder state.LockInfo, timeout time.Duration) (state.Session, error) {
	return b.open(ctx, holder, timeout, false)
}

// LockDamaged implements state.Salvager.
func (b *Backend) LockDamaged(ctx context.Context, holder state.LockInfo, timeout time.Duration) (state.Session, error) {
	return b.open(ctx, holder, timeout, true)
}

var _ state.Salvager = (*Backend)(nil)

// open takes the lock and reads the state. With damaged, a state that cannot be read is an empty one.
func (b *Backend) open(ctx context.Context, info state.LockInfo, timeout time.Duration, damaged bool) (state.Session, error) {
	if err := b.tryCipher(); err != nil {
		return nil, err
	}
	holder := NewHolder(info)
	holder.TakenAt = b.options.Clock.Now().UTC()
	lease, err := b.acquire(ctx, holder, timeout)
	if err != nil {
		return nil, err
	}
	s := &session{backend: b, lease: lease, token: rand.Text()}
	s.keepAlive()
	if err := s.begin(ctx, holder, damaged); err != nil {
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

// acquire takes the lock, waiting up to timeout.
func (b *Backend) acquire(ctx context.Context, holder Holder, timeout time.Duration) (Lease, error) {
	deadline := time.Now().Add(timeout)
	reached := false
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		lease, err := b.medium.Acquire(ctx, holder)
		if err == nil {
			return lease, nil
		}
		locked := new(state.LockedError)
		isLocked := errors.As(err, &locked)
		reached = reached || isLocked
		// Who waits for a lock is not turned away by a server that does not answer once. One that never did is no lock to wait for.
		passing := isLocked || errors.Is(err, ErrBusy) || reached && errors.Is(err, ErrUnreachable)
		left := time.Until(deadline)
		switch {
		case isLocked && left <= 0:
			return nil, err
		case !passing || left <= 0:
			return nil, b.describe(err)
		}
		if err := clock.Sleep(ctx, min(pause, left)); err != nil {
			return nil, fmt.Errorf("waiting for the lock of the state %s: %w", b.Location(), err)
		}
	}
}

// openAttempts bounds how often an opening is tried: each time a holder that has lost its lock has got ahead.
const openAttempts = 20

// begin makes the entry after which nobody else can add one, and reads the state.
func (s *session) begin(ctx context.Context, holder Holder, damaged bool) error {
	b := s.backend
	opening, err := mark{Opened: &holder}.encode()
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		names, err := s.lease.List(ctx, entryPrefix)
		if err != nil {
			return b.describe(err)
		}
		found := parse(names)
		number := found.last() + 1
		err = s.lease.Create(ctx, entryName(number), opening)
		if errors.Is(err, ErrExists) && attempt < openAttempts {
			continue
		}
		if err != nil {
			return b.describe(fmt.Errorf("beginning to write: %w", err))
		}
		s.last, s.opening = number, number
		break
	}
	if err := s.leads(s.last, 0); err != nil {
		return b.describe(err)
	}
	found, err := b.settled(ctx, s.lease)
	if damage := new(state.DamageError); damaged && errors.As(err, &damage) {
		found, err = startOver(ctx, s.lease)
	}
	if err != nil {
		return errors.Join(b.describe(err), s.takeBackOpening())
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
	return s.lease.Delete(context.Background(), entryName(s.opening))
}

// keepAlive begins to renew the lock, until giveBack.
func (s *session) keepAlive() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.renewing.Go(func() {
		ticker := time.NewTicker(s.backend.options.Renewal)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			// A server that does not answer is asked again at the next turn: that nobody else writes does not depend on it.
			if err := s.lease.Renew(ctx); errors.Is(err, ErrLost) {
				s.fail(s.lost(err))
				return
			}
		}
	})
}

// lost says that the lock is somebody else's.
func (s *session) lost(err error) error {
	return fmt.Errorf("somebody else has taken the lock of the state %s, so that nothing more is recorded or begun: %w", s.backend.Location(), err)
}

// giveBack ends the renewals and the lock.
func (s *session) giveBack() error {
	s.stop()
	s.renewing.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), closingTime)
	defer cancel()
	if err := s.lease.Release(ctx); err != nil && !errors.Is(err, ErrLost) {
		return fmt.Errorf("giving back the lock of the state %s: %w", s.backend.Location(), err)
	}
	return nil
}
