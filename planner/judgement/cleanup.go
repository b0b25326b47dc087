package judgement

import (
	"time"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// The verdicts on a cleanup. None of them is a breach: whether what should be gone is there, only a plan sees.
const (
	NeverCleaned Verdict = "not done"
	InTrash      Verdict = "in trash"
	Gone         Verdict = "gone"
	PutBack      Verdict = "put back"
)

// Cleanup is what became of what should be gone.
type Cleanup struct {
	Cleanup *spec.Cleanup
	Verdict Verdict
	// Last is the latest that was done; nil when nothing was.
	Last *state.Cleanup
	// GoneAt is when what lies in a trash is removed for good; zero for everything else.
	GoneAt time.Time
}

// cleanupOf judges one cleanup by what was done, oldest first.
func cleanupOf(cleanup *spec.Cleanup, done []*state.Cleanup) Cleanup {
	c := Cleanup{Cleanup: cleanup, Verdict: NeverCleaned}
	if len(done) == 0 {
		return c
	}
	c.Last = done[len(done)-1]
	switch c.Last.Phase {
	case state.Trashed:
		c.Verdict = InTrash
		if graced, ok := cleanup.Config.(providers.Graced); ok {
			c.GoneAt = c.Last.At.Add(graced.GraceTime())
		}
	case state.Restored:
		c.Verdict = PutBack
	default:
		c.Verdict = Gone
	}
	return c
}
