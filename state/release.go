package state

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Phase is how far a deploy has come.
type Phase string

// A deploy goes from Planned through BackingUp, Checking, Deploying and Verifying to Promoted; or from any of them, over RollingBack
// where something was touched, to RolledBack or Failed. RolledBack: the release before it runs again and is well. Failed: it does
// not, or nothing had been touched yet; Touched tells.
const (
	Planned     Phase = "planned"
	BackingUp   Phase = "backing_up"
	Checking    Phase = "checking"
	Deploying   Phase = "deploying"
	Verifying   Phase = "verifying"
	Promoted    Phase = "promoted"
	RollingBack Phase = "rolling_back"
	RolledBack  Phase = "rolled_back"
	Failure     Phase = "failed"
)

// phases are all of them, in their order.
var phases = []Phase{Planned, BackingUp, Checking, Deploying, Verifying, Promoted, RollingBack, RolledBack, Failure}

// Final reports whether nothing comes after a phase: a deploy in any other one was interrupted, or runs.
func (p Phase) Final() bool { return p == Promoted || p == RolledBack || p == Failure }

// Words is the phase as a part of a sentence: "rolling back".
func (p Phase) Words() string { return strings.ReplaceAll(string(p), "_", " ") }

// Touched reports whether what ran may have been touched when a deploy was in this phase.
func (p Phase) Touched() bool { return p == Deploying || p == Verifying || p == RollingBack }

// Release is one deploy: the attempt to make a revision run, and what came of it.
type Release struct {
	// ID is unique in the state: that of the release on the host for a new one, "20261128T190000Z-a1b2c3d"; for a return to an
	// older release or a restart, of the same form with the time of that.
	ID string `json:"id"`
	// Address is the deploy block's, Folder the ID of the release on the host that was made to run.
	Address string `json:"address"`
	Folder  string `json:"folder"`
	// Commit is the whole hash, Branch where it came from; Uncommitted when what was not committed came along.
	Commit      string `json:"commit"`
	Branch      string `json:"branch,omitempty"`
	Uncommitted bool   `json:"uncommitted,omitzero"`
	// Digest identifies what was not committed.
	Digest string `json:"digest,omitempty"`
	// Strategy is how it came: one of the strategies, or "rollback".
	Strategy string `json:"strategy"`
	// Reason is why it was chosen: one sentence without a full stop.
	Reason string `json:"reason,omitempty"`
	// Previous is the ID of the release on the host that ran before, and is gone back to; PreviousCommit its commit.
	Previous       string `json:"previous,omitempty"`
	PreviousCommit string `json:"previous_commit,omitempty"`
	// By is who: "ana@laptop". Run is the apply that has, or had, the deploy lock of the host for it.
	By  string `json:"by"`
	Run string `json:"run,omitempty"`
	// EarlierRuns are applies that had the lock and did not live to give it back, as long as nobody has taken it from them.
	EarlierRuns []string `json:"earlier_runs,omitempty"`
	Phase       Phase    `json:"phase"`
	// Transitions are the phases that were entered, with their times.
	Transitions []Transition `json:"transitions"`
	// Backups are the ids of the artifacts that stood behind it, Restored those that were restored on the way back.
	Backups  []string `json:"backups,omitempty"`
	Restored []string `json:"restored,omitempty"`
	// Checks are what was asked, before and after.
	Checks []GateCheck `json:"checks,omitempty"`
	// Untouched is set when it failed before anything that ran was touched: it may be tried again.
	Untouched bool `json:"untouched,omitzero"`
	// Interrupted is set when it was gone back from because the host could not be reached: that says nothing of the revision, which
	// may be tried again.
	Interrupted bool `json:"interrupted,omitzero"`
	// Services are those that were restarted or made anew.
	Services []string `json:"services,omitempty"`
	// Error is why it failed, without secrets; Evidence what containers had to say, a line each, at most MaxEvidence.
	Error    string         `json:"error,omitempty"`
	Evidence []string       `json:"evidence,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
	Unknown  jsontext.Value `json:",embed"`
}

// Transition is the entry into a phase.
type Transition struct {
	Phase Phase     `json:"phase"`
	At    time.Time `json:"at"`
}

// GateCheck is what a check said to a deploy.
type GateCheck struct {
	Address string `json:"address"`
	// When is "before" or "after", Verdict "passed", "warned" or "failed".
	When    string `json:"when"`
	Verdict string `json:"verdict"`
	Summary string `json:"summary,omitempty"`
}

// MaxEvidence is how many lines of evidence are recorded.
const MaxEvidence = 60

// KeptReleases is how many deploys are kept of each deploy block. The last that was promoted is kept beside them, and one that
// has not ended.
const KeptReleases = 50

// StartedAt is when the deploy was begun, EndedAt when it ended; zero when it has not.
func (r *Release) StartedAt() time.Time { return r.Transitions[0].At }

// EndedAt is when the deploy ended; the zero time when it has not.
func (r *Release) EndedAt() time.Time {
	if !r.Phase.Final() {
		return time.Time{}
	}
	return r.Transitions[len(r.Transitions)-1].At
}

// Enter returns the deploy in another phase.
func (r *Release) Enter(phase Phase, at time.Time) *Release {
	after := *r
	after.Phase = phase
	after.Transitions = append(slices.Clip(r.Transitions), Transition{Phase: phase, At: at})
	return &after
}

// WasTouched reports whether what ran may have been touched by the deploy, however it ended.
func (r *Release) WasTouched() bool {
	return !r.Untouched && slices.ContainsFunc(r.Transitions, func(t Transition) bool { return t.Phase.Touched() })
}

// check says what contradicts the promises of the release.
func (r *Release) check() error {
	switch {
	case r.ID == "" || r.Address == "":
		return errors.New("a release has no id or no address")
	case !slices.Contains(phases, r.Phase):
		return fmt.Errorf("the release %s is in the phase %q, which there is not", r.ID, r.Phase)
	case len(r.Transitions) == 0 || r.Transitions[len(r.Transitions)-1].Phase != r.Phase:
		return fmt.Errorf("the release %s did not enter the phase %q", r.ID, r.Phase)
	}
	return nil
}

// ReleasesOf returns the deploys of a block, oldest first.
func (d *Document) ReleasesOf(address string) []*Release { return attemptsOf(d.Releases, address) }

func (r *Release) block() string { return r.Address }
func (r *Release) key() string   { return r.Address + " " + r.ID }
func (r *Release) good() bool    { return r.Phase == Promoted }
func (r *Release) over() bool    { return r.Phase.Final() }

// HadDeployLock reports whether one of some deploys had the deploy lock of its host as this run.
func HadDeployLock(releases []*Release, run string) bool {
	return slices.ContainsFunc(releases, func(release *Release) bool {
		return release.Run != "" && release.Run == run || slices.Contains(release.EarlierRuns, run)
	})
}
