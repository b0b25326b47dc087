package state

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Setback is what the last run could not do that was to do it. It is there until a run finds that it is well.
type Setback struct {
	// Address is that of the action: "backup.ims", "backup.ims@destination.gcs.far", "check.http.site".
	Address string `json:"address"`
	// Since is when the first of the runs ended that could not do it, LastAt when the last of them did, UTC; Runs is how many there were.
	Since  time.Time `json:"since"`
	LastAt time.Time `json:"last_at"`
	Runs   int       `json:"runs"`
	// Degraded is set where declared copies are missing, and min_copies is met.
	Degraded bool `json:"degraded,omitzero"`
	// Error is why, in one line without secrets.
	Error   string         `json:"error,omitempty"`
	Unknown jsontext.Value `json:",embed"`
}

// check says what contradicts the promises of the setback.
func (f *Setback) check() error {
	switch {
	case f.Address == "":
		return errors.New("a setback has no address")
	case f.Runs < 1 || f.Since.IsZero() || f.LastAt.IsZero():
		return fmt.Errorf("the setback of %s happened in no run", f.Address)
	}
	return nil
}

func (f *Setback) key() string { return f.Address }

// Settlement is what a run found out about setbacks, as one change.
type Settlement struct {
	// Failed are added, or take the place of those with their addresses; Well are the addresses of those that go.
	Failed  []*Setback     `json:"failed,omitempty"`
	Well    []string       `json:"well,omitempty"`
	Unknown jsontext.Value `json:",embed"`
}

// check says what is wrong with a settlement.
func (s *Settlement) check() error {
	return checkAll("setback", s.Failed, (*Setback).check, (*Setback).key)
}

// settle returns the setbacks after a settlement, ordered by address.
func settle(setbacks []*Setback, settlement *Settlement) []*Setback {
	gone := make(map[string]bool, len(settlement.Failed)+len(settlement.Well))
	for _, setback := range settlement.Failed {
		gone[setback.Address] = true
	}
	for _, address := range settlement.Well {
		gone[address] = true
	}
	left := slices.DeleteFunc(slices.Clone(setbacks), func(setback *Setback) bool { return gone[setback.Address] })
	left = append(left, settlement.Failed...)
	slices.SortFunc(left, func(a, b *Setback) int { return strings.Compare(a.Address, b.Address) })
	return left
}
