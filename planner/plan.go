// Package planner compares what must be true with what is: Observe looks (all the I/O), Diff decides (none), and a Plan
// says what would be done and why.
package planner

import (
	"slices"
	"time"
)

// FormatVersion is the version of the plan's JSON form: the major part changes when a reader would break.
const FormatVersion = "2.0"

// Plan is a list of actions with their reasons. The human text and the JSON are rendered from it alone.
type Plan struct {
	// CreatedAt is the moment the plan was made for, UTC.
	CreatedAt time.Time
	// SpecDigest, Lineage and Serial are what it was computed from.
	SpecDigest string
	Lineage    string
	Serial     uint64
	// Actions are ordered by address; every address in an After is the address of one of them.
	Actions []Action
	// Fingerprints identify, per address of a backup with actions, the part of the state they were computed from.
	Fingerprints map[string]string
	// Notes are things worth knowing that nothing is done about, in a stable order.
	Notes []Note
	// Refreshed is false when reality was not looked at.
	Refreshed bool
	// RefreshOnly is set for a plan of Reconcile: it changes nothing but the state.
	RefreshOnly bool
}

// Backups are the addresses of the backups that the plan does something for, each once, sorted.
func (p *Plan) Backups() []string {
	var addresses []string
	for _, action := range p.Actions {
		if address := action.Common().Backup; address != "" {
			addresses = append(addresses, address)
		}
	}
	slices.Sort(addresses)
	return slices.Compact(addresses)
}

// Note is something worth knowing.
type Note struct {
	// Address is what it is about.
	Address string `json:"address"`
	Text    string `json:"text"`
	// Code says to programs what it is about; empty for what only people need.
	Code NoteCode `json:"code,omitzero"`
	// Artifacts are the ids that it concerns, in order.
	Artifacts []string `json:"artifacts,omitempty"`
	// Found is what the store does and Declared what the specification asks for: durations such as "7d", "forever".
	Found    string `json:"found,omitzero"`
	Declared string `json:"declared,omitzero"`
}

// NoteCode is a kind of note.
type NoteCode string

// KeptByPolicy: copies that retention would delete and the store keeps. StoreDeletes: the store deletes what retention keeps.
// StoreKeeps: it keeps what retention would delete. StoreMayKeep: it keeps objects, and for how long cannot be read.
// SoftDelete: what is deleted is paid for a while longer. ClockDoubt: copies that are not deleted because the store's own times
// contradict what is recorded. ChecksUnasked: nobody asked so many checks.
const (
	KeptByPolicy NoteCode = "kept_by_policy"
	StoreDeletes NoteCode = "store_deletes"
	StoreKeeps   NoteCode = "store_keeps"
	StoreMayKeep NoteCode = "store_may_keep"
	SoftDelete   NoteCode = "soft_delete"
	ClockDoubt   NoteCode = "clock_doubt"

	ChecksUnasked NoteCode = "checks_unasked"
)

// HasChanges reports whether there is anything to execute or anything blocked.
func (p *Plan) HasChanges() bool { return len(p.Actions) > 0 }

// Failed reports whether something is blocked by an error.
func (p *Plan) Failed() bool {
	for _, action := range p.Actions {
		if blocked, ok := action.(*Blocked); ok && blocked.Failed {
			return true
		}
	}
	return false
}

// Count returns how many actions of a kind there are.
func (p *Plan) Count(kind Kind) int {
	count := 0
	for _, action := range p.Actions {
		if action.Kind() == kind {
			count++
		}
	}
	return count
}
