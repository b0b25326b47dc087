package state

import (
	"context"
	"time"
)

// Replacer is a Session that can put another document in the place of the whole state.
type Replacer interface {
	// Replace makes the document the state, as one step. The state before stays where the backend keeps earlier ones.
	Replace(ctx context.Context, document *Document) error
}

// Unlocker is a Backend whose lock can be given back for a holder that is gone.
type Unlocker interface {
	// Unlock ends the lock with that id and returns whose it was. It refuses, with a *LockedError where the backend can tell,
	// as long as the holder lives.
	Unlock(ctx context.Context, id string) (LockInfo, error)
}

// Salvager is a Backend whose state can be replaced although it cannot be read.
type Salvager interface {
	// LockDamaged is Lock, but that a damaged state is taken for an empty one with a new lineage. What there is of it stays where
	// the backend keeps earlier ones. A state that can be read is opened as by Lock.
	LockDamaged(ctx context.Context, holder LockInfo, timeout time.Duration) (Session, error)
}
