package judgement

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// The verdicts on a deploy, beside Well and Failed.
const (
	GoneBack      Verdict = "gone back"
	Interrupted   Verdict = "interrupted"
	NeverDeployed Verdict = "never deployed"
)

// Deploy is how a deploy stands.
type Deploy struct {
	Deploy  *spec.Deploy
	Verdict Verdict
	// Last is the latest deploy that was begun, Running the latest that was promoted, or failed and was left as it was: what runs, unless
	// somebody changed it by hand; nil when there is none.
	Last, Running *state.Release
}

// RunningSince is since when what runs does so; zero when nothing does.
func (d *Deploy) RunningSince() time.Time {
	if d.Running == nil {
		return time.Time{}
	}
	return d.Running.EndedAt()
}

// deployOf judges one deploy by the ones that were made, oldest first.
func deployOf(deploy *spec.Deploy, made []*state.Release) Deploy {
	d := Deploy{Deploy: deploy, Verdict: NeverDeployed}
	for _, release := range made {
		d.Last = release
		if release.Phase == state.Promoted || stays(release) {
			d.Running = release
		}
	}
	if d.Last == nil {
		return d
	}
	switch d.Last.Phase {
	case state.Promoted:
		d.Verdict = Well
	case state.RolledBack:
		d.Verdict = GoneBack
	case state.Failure:
		d.Verdict = Failed
	default:
		d.Verdict = Interrupted
	}
	return d
}

// stays tells whether a deploy failed and what it made to run was not gone back from.
func stays(release *state.Release) bool {
	returned := func(t state.Transition) bool { return t.Phase == state.RollingBack }
	return release.Phase == state.Failure && release.WasTouched() && !slices.ContainsFunc(release.Transitions, returned)
}

// breaches are what of a deploy is not true. Of one that was never made nobody knows what runs: only a plan looks.
func (d *Deploy) breaches() []Breach {
	breach := Breach{Address: d.Deploy.Address, Kind: DeployHasFailed, Severity: Error}
	switch d.Verdict {
	case Interrupted:
		breach.Kind, breach.Text = DeployInterrupted, fmt.Sprintf("the deploy of %s has not ended: it was last %s, and the next run takes it up",
			planner.Abbreviated(d.Last.Commit), d.Last.Phase.Words())
	case GoneBack:
		breach.Text = planner.Abbreviated(d.Last.Commit) + " was gone back from" + because(d.Last.Error)
	case Failed:
		breach.Text = fmt.Sprintf("the deploy of %s failed%s", planner.Abbreviated(d.Last.Commit), because(d.Last.Error))
	default:
		return nil
	}
	breach.Since = d.Last.Transitions[len(d.Last.Transitions)-1].At
	return []Breach{breach}
}

// because is what an error or a summary says first, behind what that means; empty when it says nothing.
func because(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if line = strings.TrimRight(line, ". "); line != "" {
		return ": " + line
	}
	return ""
}
