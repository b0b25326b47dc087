package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
)

// Cipher encrypts what is stored, and decrypts it again.
type Cipher interface {
	// Seal encrypts. What it returns begins with SealedStart.
	Seal(plain []byte) ([]byte, error)
	// Open decrypts what Seal returned.
	Open(sealed []byte) ([]byte, error)
}

// SealedStart is what encrypted contents begin with (age, https://age-encryption.org/v1).
var SealedStart = []byte("age-encryption.org/")

// Options are what a backend works with.
type Options struct {
	// Clock dates locks; Version is that of imsctl, for the snapshots it writes.
	Clock   clock.Clock
	Version string
	// Cipher encrypts the state; nil for one that is not.
	Cipher Cipher
	// Folder is where the state is kept as a file that cannot be recorded any more.
	Folder string
	// Renewal is how often the lock is renewed; Patience is how long a server that is not reached is asked again before nothing
	// more is begun.
	Renewal, Patience time.Duration
}

// LeaseTime is how long a lock lives without being renewed.
const LeaseTime = time.Minute

// The usual intervals.
const (
	defaultRenewal  = LeaseTime / 4
	defaultPatience = time.Minute
)

// Backend keeps a state in a Medium. It implements state.Backend, state.Claimer and state.Unlocker.
type Backend struct {
	medium  Medium
	options Options
	// foldEntries and foldBytes are how long the log behind a snapshot gets, at most, before a new one is written.
	foldEntries, foldBytes int
	// largeSize is the length in bytes from which on a snapshot is not written at the end of each session.
	largeSize int
}

var (
	_ state.Backend  = (*Backend)(nil)
	_ state.Unlocker = (*Backend)(nil)
	_ state.Claimer  = (*Backend)(nil)
)

// New returns the backend of the state in a medium, without touching it.
func New(medium Medium, options Options) *Backend {
	if options.Renewal == 0 {
		options.Renewal = defaultRenewal
	}
	if options.Patience == 0 {
		options.Patience = defaultPatience
	}
	return &Backend{medium: medium, options: options, foldEntries: 200, foldBytes: 8 << 20, largeSize: 32 << 20}
}

// Location implements state.Backend.
func (b *Backend) Location() string { return b.medium.Location() }

// readAttempts and readPause: a reader without the lock may meet a log that a writer is just shortening. What is still wrong
// after these attempts is damage.
const (
	readAttempts = 5
	readPause    = 100 * time.Millisecond
)

// Read implements state.Backend.
func (b *Backend) Read(ctx context.Context) (*state.Document, error) {
	found, err := b.settled(ctx, b.medium, nil)
	if err != nil {
		return nil, b.describe(err)
	}
	return found.ledger.Document(), nil
}

// settled reads the state, again where a writer was in the way. Of one that is known only what is new is read, where that can be told.
func (b *Backend) settled(ctx context.Context, from Reader, known *stored) (*stored, error) {
	for attempt := 1; ; attempt++ {
		found, err := b.load(ctx, from, known)
		known = nil
		if err == nil || attempt == readAttempts || !isPassing(err) {
			return found, err
		}
		if err := clock.Sleep(ctx, readPause); err != nil {
			return nil, err
		}
	}
}

// describe says of an error what it means for the state, and what to do.
func (b *Backend) describe(err error) error {
	newer, damage := new(state.NewerError), new(state.DamageError)
	switch {
	case errors.As(err, &newer):
		return fmt.Errorf("the state %s was %w", b.Location(), newer)
	case errors.As(err, &damage):
		return fmt.Errorf("the state %s is damaged: %w. Nothing was changed. \"imsctl state rebuild -replace-damaged\" makes it again from the manifests at the destinations, "+
			"and keeps its snapshots among the earlier states", b.Location(), damage)
	case errors.Is(err, ErrLost):
		return err
	case errors.Is(err, ErrUnreachable):
		return fmt.Errorf("the state %s cannot be reached, and nothing was changed: %w. See that the server runs and lets this machine in, and run the same command again", b.Location(), err)
	}
	return fmt.Errorf("reading the state %s: %w", b.Location(), err)
}

// Holder implements state.Backend.
func (b *Backend) Holder(ctx context.Context) (state.LockInfo, bool, error) {
	holder, held, err := b.holder(ctx)
	if err != nil || held {
		return holder.LockInfo, held, err
	}
	// Who has claimed a part has the lock only while he records something.
	claims, err := b.claims(ctx)
	if err != nil {
		return state.LockInfo{}, false, err
	}
	for _, claim := range claims {
		if claim.Alive() {
			return claim.Holder.LockInfo, true, nil
		}
	}
	return holder.LockInfo, false, nil
}

// holder is who has the lock of the whole state.
func (b *Backend) holder(ctx context.Context) (Holder, bool, error) {
	holder, held, err := b.medium.Holder(ctx)
	if err != nil {
		return Holder{}, false, fmt.Errorf("looking who holds the lock of the state %s: %w", b.Location(), err)
	}
	return holder, held && !holder.Dead(), nil
}

// Unlock implements state.Unlocker. A holder that lives after all cannot record anything from then on.
func (b *Backend) Unlock(ctx context.Context, id string) (state.LockInfo, error) {
	claims, err := b.claims(ctx)
	if err != nil {
		return state.LockInfo{}, err
	}
	for _, claim := range claims {
		if claim.Holder.ID != id {
			continue
		}
		if _, err := b.medium.Claim(claim.Number).Break(ctx, id); err != nil {
			return claim.Holder.LockInfo, err
		}
		// He may have had the lock too, for a moment.
		if holder, held, err := b.holder(ctx); err != nil || !held || holder.ID != id {
			return claim.Holder.LockInfo, err
		}
	}
	holder, err := b.medium.Break(ctx, id)
	if errors.Is(err, ErrNotLocked) && len(claims) > 0 {
		return claims[0].Holder.LockInfo, Mismatch(b.Location(), claims[0].Holder, id)
	}
	return holder.LockInfo, err
}

// conceal encrypts what is stored, where that is asked for.
func (b *Backend) conceal(plain []byte) ([]byte, error) {
	if b.options.Cipher == nil {
		return plain, nil
	}
	sealed, err := b.options.Cipher.Seal(plain)
	if err != nil {
		return nil, fmt.Errorf("encrypting the state: %w", err)
	}
	return sealed, nil
}

// reveal decrypts what is encrypted. A state that was begun without encryption stays readable with it.
func (b *Backend) reveal(content []byte) ([]byte, error) {
	if !bytes.HasPrefix(content, SealedStart) {
		return content, nil
	}
	if b.options.Cipher == nil {
		return nil, errors.New("it is encrypted: write encrypt_to into the state block, and give an identity")
	}
	return b.options.Cipher.Open(content)
}
