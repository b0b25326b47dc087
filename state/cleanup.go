package state

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// CleanupPhase is what became of something that was cleaned up.
type CleanupPhase string

// Trashed: it lies in a trash and can be put back. Removed: it is gone for good. Restored: it was put back.
const (
	Trashed  CleanupPhase = "trashed"
	Removed  CleanupPhase = "removed"
	Restored CleanupPhase = "restored"
)

// Cleanup is one removal of what should be gone, and what became of it.
type Cleanup struct {
	// ID is unique in the state: that of the intent it was begun with.
	ID string `json:"id"`
	// Address is the cleanup block's.
	Address string       `json:"address"`
	Phase   CleanupPhase `json:"phase"`
	// Items are the names of what was removed, at most MaxCleaned of them.
	Items []string `json:"items,omitempty"`
	// Bytes and Files are what was seen before; Freed is what was measured after.
	Bytes int64 `json:"bytes,omitzero"`
	Files int64 `json:"files,omitzero"`
	Freed int64 `json:"freed,omitzero"`
	// Trash is where it was moved to; empty where it was removed at once.
	Trash string `json:"trash,omitempty"`
	// At is when it was moved or removed; RemovedAt is when it was removed from the trash, RestoredAt when it was put back.
	At         time.Time `json:"at"`
	RemovedAt  time.Time `json:"removed_at,omitzero"`
	RestoredAt time.Time `json:"restored_at,omitzero"`
	// AgainAt is when it was permitted to remove again what was put back; until then that stays.
	AgainAt time.Time `json:"again_at,omitzero"`
	// Artifact is the backup that stood behind it, Destinations where it had verified copies.
	Artifact     string         `json:"artifact,omitempty"`
	Destinations []string       `json:"destinations,omitempty"`
	Warnings     []string       `json:"warnings,omitempty"`
	Unknown      jsontext.Value `json:",embed"`
}

// MaxCleaned is how many names of what was removed are recorded of one cleanup.
const MaxCleaned = 50

// KeptCleanups is how many cleanups are kept of each block. What lies in a trash is kept beside them.
const KeptCleanups = 20

// check says what contradicts the promises of the cleanup.
func (c *Cleanup) check() error {
	switch {
	case c.ID == "" || c.Address == "":
		return errors.New("a cleanup has no id or no address")
	case c.Phase != Trashed && c.Phase != Removed && c.Phase != Restored:
		return fmt.Errorf("the cleanup %s is in the phase %q, which there is not", c.ID, c.Phase)
	case c.Phase == Trashed && c.Trash == "":
		return fmt.Errorf("the cleanup %s does not say in which trash it is", c.ID)
	}
	return nil
}

// Held reports whether it was put back and is not to be removed again.
func (c *Cleanup) Held() bool { return c.Phase == Restored && c.AgainAt.IsZero() }

// CleanupsOf returns the cleanups of a block, oldest first.
func (d *Document) CleanupsOf(address string) []*Cleanup { return attemptsOf(d.Cleanups, address) }

// TrashOf returns the cleanup of those that lies in a trash; nil when none does.
func TrashOf(cleanups []*Cleanup, trash string) *Cleanup {
	for _, cleanup := range cleanups {
		if cleanup.Phase == Trashed && cleanup.Trash == trash {
			return cleanup
		}
	}
	return nil
}

func (c *Cleanup) block() string { return c.Address }
func (c *Cleanup) key() string   { return c.ID }
func (c *Cleanup) good() bool    { return c.Phase != Restored }
func (c *Cleanup) over() bool    { return c.Phase != Trashed }

// CleanupFingerprint identifies what a plan for one cleanup block is computed from: the cleanups that there were.
func CleanupFingerprint(cleanups []*Cleanup) string {
	sum := sha256.New()
	for _, cleanup := range cleanups {
		fmt.Fprintf(sum, "cleanup %q %q %v\n", cleanup.ID, cleanup.Phase, cleanup.Held())
	}
	return hex.EncodeToString(sum.Sum(nil))
}
