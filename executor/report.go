package executor

import (
	"time"

	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

// Status is what became of an action.
type Status string

// Done: all of it. Degraded: a backup with at least min_copies, but not all copies. Failed: it reported an error.
// Skipped: something it depends on failed. Blocked: the plan said that it could not be done. NotStarted: the run was interrupted first.
const (
	Done       Status = "done"
	Degraded   Status = "degraded"
	Failed     Status = "failed"
	Skipped    Status = "skipped"
	Blocked    Status = "blocked"
	NotStarted Status = "not started"
)

// Entry is what became of one action.
type Entry struct {
	Action planner.Action
	Status Status
	// Err is set for Failed and Degraded.
	Err error
	// Summary says in a few words what was done: "505 MiB in 9s, stored 141 MiB (72 % smaller), 2 copies".
	Summary string
	// Warnings are worth a look although the action succeeded.
	Warnings []string
	// Places are the destinations that the action was to bring a copy to, in the order in which they were declared; none when
	// there was no copy to bring.
	Places []Place
	// Drill is what is recorded of a drill that was made, whether it passed or failed; nil for everything else.
	Drill *state.Drill
	// Release is what is recorded of a deploy, however far it came; nil for everything else.
	Release *state.Release
	Took    time.Duration
}

// PlaceStatus is what became of an action at one destination.
type PlaceStatus string

// Stored: it took the stream, or what another one had taken of it. Copied: it has its copy from another destination. Failed: it
// has none.
const (
	PlaceStored PlaceStatus = "stored"
	PlaceCopied PlaceStatus = "copied"
	PlaceFailed PlaceStatus = "failed"
)

// Place is one destination of an action.
type Place struct {
	Destination string
	Status      PlaceStatus
	// From is the destination that the copy was made from, or that was followed; empty for what came from the source.
	From string
	// Reason says why it failed, or why it was not stored as the others were.
	Reason string
	err    error
}

// String says it in a line.
func (p Place) String() string {
	text := p.Destination + ": " + string(p.Status)
	switch {
	case p.Status == PlaceFailed:
		return text + ": " + p.Reason
	case p.Status == PlaceStored && p.From != "":
		text += " after the others, following " + p.From
	case p.Status == PlaceCopied && p.Reason != "":
		text += " afterwards from " + p.From
	case p.From != "":
		text += " from " + p.From
	}
	if p.Reason != "" {
		text += ", " + p.Reason
	}
	return text
}

// Report is what became of a plan, in the order of the plan's actions.
type Report struct {
	Entries     []Entry
	Interrupted bool
}

// Count returns how many actions have a status.
func (r *Report) Count(status Status) int {
	count := 0
	for _, entry := range r.Entries {
		if entry.Status == status {
			count++
		}
	}
	return count
}

// Failed reports whether anything failed, or is blocked by an error that someone must mend.
func (r *Report) Failed() bool {
	for _, entry := range r.Entries {
		if entry.Status == Failed || entry.blocked(func(b *planner.Blocked) bool { return b.Failed && !b.Degraded }) {
			return true
		}
	}
	return false
}

// Degraded reports whether declared copies are missing although min_copies is met.
func (r *Report) Degraded() bool {
	for _, entry := range r.Entries {
		if entry.Status == Degraded || entry.blocked(func(b *planner.Blocked) bool { return b.Degraded }) {
			return true
		}
	}
	return false
}

// blocked reports whether the entry's action was blocked in a certain way.
func (e Entry) blocked(how func(*planner.Blocked) bool) bool {
	blocked, ok := e.Action.(*planner.Blocked)
	return ok && how(blocked)
}

// Reporter hears what happens during a run. Its methods are called from several goroutines and must return at once.
type Reporter interface {
	// Started: the action begins.
	Started(action planner.Action)
	// Read tells how many bytes an action has read from its source or origin so far.
	Read(address string, bytes int64)
	// Branch tells how many bytes an action has written to a destination so far, and what it is doing there.
	Branch(address, destination string, bytes int64, stage pipeline.Stage)
	// Ended: the action is over. It is also called for actions that never started.
	Ended(entry Entry)
}

// silent is the Reporter that nobody listens to.
type silent struct{}

func (silent) Started(planner.Action)                       {}
func (silent) Read(string, int64)                           {}
func (silent) Branch(string, string, int64, pipeline.Stage) {}
func (silent) Ended(Entry)                                  {}

// progress passes the progress of a pipeline on to a Reporter under an action's address.
type progress struct {
	reporter Reporter
	address  string
}

// Read implements pipeline.Progress.
func (p progress) Read(raw int64) { p.reporter.Read(p.address, raw) }

// Branch implements pipeline.Progress.
func (p progress) Branch(name string, stored int64, stage pipeline.Stage) {
	p.reporter.Branch(p.address, name, stored, stage)
}
