package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/units"
)

// agentHealth is what an agent knows of its rounds. It is safe for concurrent use.
type agentHealth struct {
	clock clock.Clock
	// limit is how long a round may take.
	limit time.Duration

	mu     sync.Mutex
	record agentRecord
	// begun is when the round began that runs; zero while none does.
	begun time.Time
}

// begin notes that a round begins.
func (h *agentHealth) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begun = h.clock.Now()
}

// end notes how the round ended, and returns what there is to record.
func (h *agentHealth) end(failure error) agentRecord {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begun = time.Time{}
	h.record.Rounds++
	h.record.LastAt, h.record.Error = h.clock.Now().UTC(), ""
	if failure == nil {
		h.record.LastSuccessAt, h.record.Failures = h.record.LastAt, 0
	} else {
		h.record.Error, _, _ = strings.Cut(failure.Error(), "\n")
		h.record.Failures++
	}
	return h.record
}

// verdict says whether the agent converges, and in a sentence why it does or does not.
func (h *agentHealth) verdict() (well bool, words string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.clock.Now()
	running := now.Sub(h.begun)
	switch {
	case !h.begun.IsZero() && running > h.limit:
		return false, fmt.Sprintf("stuck: the round has been running for %s, and %s is the most", units.Age(running), units.Age(h.limit))
	case h.record.Failures > 0:
		last := "no round ever went well"
		if !h.record.LastSuccessAt.IsZero() {
			last = "the last round that went well was " + ago(h.record.LastSuccessAt, now)
		}
		return false, fmt.Sprintf("%s failed, the last one %s: %s; %s", units.Counted(h.record.Failures, "round", "rounds in a row"),
			ago(h.record.LastAt, now), h.record.Error, last)
	case h.record.Rounds == 0:
		return true, "the first round has been running for " + units.Age(running)
	}
	return true, "the last round went well " + ago(h.record.LastAt, now)
}
