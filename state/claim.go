package state

import (
	"context"
	"strings"
	"time"
)

// Claimer is a Backend that several may change at once, each what belongs to blocks of its own.
type Claimer interface {
	Backend
	// Claim takes the right to change what belongs to some blocks, given by their addresses, waiting up to timeout for those who may
	// change any of them, or everything: a *LockedError says who that is. Until the session is closed nobody else gets that right, and
	// nobody the one to everything. What others record meanwhile is in its documents from its next step on, but for their intents, and
	// it begins nothing that belongs to other blocks.
	Claim(ctx context.Context, holder LockInfo, blocks []string, timeout time.Duration) (Session, error)
	// Holders are all who are changing the state right now, as Holder tells one of them.
	Holders(ctx context.Context) ([]LockInfo, error)
}

// Belongs reports whether an address is that of a block, of an instance of it, or of something that is done for either.
func Belongs(address, block string) bool {
	rest, found := strings.CutPrefix(address, block)
	return found && (rest == "" || strings.ContainsAny(rest[:1], "[@/#"))
}

// Overlap returns the first of some blocks that shares something with one of others; false where none does.
func Overlap(blocks, others []string) (string, bool) {
	for _, block := range blocks {
		for _, other := range others {
			if Belongs(block, other) || Belongs(other, block) {
				return block, true
			}
		}
	}
	return "", false
}

// IsOf reports whether an intent is one of what belongs to some blocks.
func (i *Intent) IsOf(blocks []string) bool {
	for _, block := range blocks {
		if Belongs(i.Address, block) || i.Backup != "" && Belongs(i.Backup, block) {
			return true
		}
	}
	return false
}

// OnlyRecords reports whether an intent is not one of a block: it touches nothing but the state.
func (i *Intent) OnlyRecords() bool { return i.Backup == "" && !strings.Contains(i.Address, ".") }

// LockPart takes the right to change what belongs to some blocks, or to everything where there are none or the backend knows no parts.
func LockPart(ctx context.Context, backend Backend, holder LockInfo, blocks []string, timeout time.Duration) (Session, error) {
	if claimer, ok := backend.(Claimer); ok && len(blocks) > 0 {
		return claimer.Claim(ctx, holder, blocks, timeout)
	}
	return backend.Lock(ctx, holder, timeout)
}

// Holders are all who are changing a state right now.
func Holders(ctx context.Context, backend Backend) ([]LockInfo, error) {
	if claimer, ok := backend.(Claimer); ok {
		return claimer.Holders(ctx)
	}
	holder, held, err := backend.Holder(ctx)
	if err != nil || !held {
		return nil, err
	}
	return []LockInfo{holder}, nil
}
