// Package remote keeps a state on a server that several machines share. What the servers have in common is here: the log of
// what happened, its snapshots, the session that writes them, the lock that is kept alive, and what becomes of a state that
// cannot be reached any more. A folder below state implements a Medium for each kind of server.
//
// A state is a log of entries that are numbered from 1 and never changed. An entry is made only where there is none, and
// that decides everything: two that write cannot both make the next one. Whoever gets the lock makes an entry of its own
// before it reads the log, so that from then on nobody who had the lock before can add anything: it would have to be that
// entry. A snapshot is stored first, under a name of its own, and counts when an entry that names it is made. Entries before
// the newest snapshot are removed, so that one could be made again: who makes an entry looks whether there are later ones.
package remote

import (
	"context"
	"errors"

	"github.com/castrolanda/imsctl/state"
)

// Errors that a Medium's errors wrap, for the session to tell what to do about them.
var (
	// ErrExists: there is a part of that name already. It is as it was.
	ErrExists = errors.New("it exists already")
	// ErrNotExist: there is no part of that name.
	ErrNotExist = errors.New("it does not exist")
	// ErrUnreachable: there was no answer, or none that says anything. What was asked for may have been done all the same, and
	// may be asked for again.
	ErrUnreachable = errors.New("there was no answer")
	// ErrBusy: the server has no room for one more who asks, which is also ErrUnreachable.
	ErrBusy = errors.New("the server is busy")
	// ErrLost: the lock is no longer the holder's.
	ErrLost = errors.New("the lock was lost")
)

// Reader reads the parts of one state.
type Reader interface {
	// List returns the names of all parts that begin with a prefix, in order. A part whose making has returned is among them.
	// Where nothing was ever written there are none.
	List(ctx context.Context, prefix string) ([]string, error)
	// Read returns the contents of parts, in that order; ErrNotExist when one of them is not there.
	Read(ctx context.Context, names ...string) ([][]byte, error)
}

// Medium is where the parts of one state lie, and its lock. It is safe for concurrent use.
type Medium interface {
	// Location is what people call it, without secrets.
	Location() string
	// Fences reports whether the server itself refuses what a lease writes whose lock is somebody else's.
	Fences() bool
	Reader
	// Holder returns what the lock says of its holder, and whether it is held. It disturbs nobody.
	Holder(ctx context.Context) (holder Holder, held bool, err error)
	// Acquire takes the lock, or returns at once the *state.LockedError of who has it. A lock whose holder is dead is taken: the
	// lease has expired, or Holder.Dead.
	Acquire(ctx context.Context, holder Holder) (Lease, error)
	// Break ends the lock with that id, held or not, and returns whose it was. A lock with another id is an error that says
	// which one it has.
	Break(ctx context.Context, id string) (Holder, error)
	// Claim is this medium with a lock of its own in the place of the state's, by which somebody claims a part of the state. What it
	// lends can be renewed and released, and writes nothing.
	Claim(number int) Medium
	// Claims are the claims that have a holder, ordered by their numbers. It disturbs nobody.
	Claims(ctx context.Context) ([]Claimed, error)
}

// Claimed is a claim that has a holder, who may be dead.
type Claimed struct {
	Number int
	Holder Holder
	Held   bool
}

// Alive reports whether its holder is not known to be gone.
func (c Claimed) Alive() bool { return c.Held && !c.Holder.Dead() }

// Lease is a lock that is held. Only its holder writes, and it reads as whoever has the lock does. It is safe for concurrent use.
type Lease interface {
	Reader
	// Create makes a part, whole or not at all; ErrExists when there is one of that name. Once it returned nil, the part
	// survives a crash of the server.
	Create(ctx context.Context, name string, content []byte) error
	// Delete removes parts. That there is none of a name is no error.
	Delete(ctx context.Context, names ...string) error
	// Renew keeps the lock alive; ErrLost when it is somebody else's or nobody's.
	Renew(ctx context.Context) error
	// Release gives the lock back, unless it is lost already.
	Release(ctx context.Context) error
}

// Holder is what a lock says of who holds it.
type Holder struct {
	state.LockInfo
	// Machine identifies the running system and its processes' namespace, where PID means something; empty where that is not
	// known.
	Machine string `json:"machine,omitempty"`
	// Blocks are the addresses of the blocks whose part of the state may be changed; none for all of it.
	Blocks []string `json:"blocks,omitempty"`
}
