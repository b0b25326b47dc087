package planner

import (
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner/strategy"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// DeployOptions are what somebody asks for beyond the specification.
type DeployOptions struct {
	// Strategy is used instead of the declared one; empty leaves that.
	Strategy string
	// Again deploys a revision that was gone back from, or that runs.
	Again bool
}

// decide says what is to be done, nil for nothing.
func (c *deployCase) decide() Action {
	site, revisions := &c.view.Site, &c.view.Revisions
	switch {
	case c.pending != nil && c.observed.Busy != "":
		c.note(c.deploy.Address, fmt.Sprintf("%s: %s is being deployed; the state is held by %s", c.deploy.Address, Abbreviated(c.pending.Commit), c.observed.Busy))
		return nil
	case site.Err != nil && c.pending != nil:
		return c.blocked(fmt.Sprintf("the deploy of %s was interrupted while %s, and the host cannot be looked at: %s",
			Abbreviated(c.pending.Commit), c.pending.Phase.Words(), oneLine(site.Err.Error())), true)
	case site.Err != nil:
		return c.blocked("the host cannot be looked at: "+oneLine(site.Err.Error()), true)
	case site.Held != nil && !c.isOurs(site.Held):
		return c.blocked(c.heldByOthers(), true)
	case c.pending != nil && c.pending.Phase.Touched():
		return c.recover()
	case revisions.Err != nil && !c.isRestart():
		return c.blocked("it is not known which revision should run: "+oneLine(revisions.Err.Error()), true)
	}
	action, blocked := c.forward()
	switch {
	case blocked != nil:
		return blocked
	case action != nil && c.pending != nil:
		action.Continues, action.Taken = c.pending.ID, Superseded
	case action == nil && c.pending != nil:
		return &Deploy{To: c.pending.Commit, Continues: c.pending.ID, Taken: Closed, Meta: Meta{Address: c.deploy.Address, Cause: CauseRecovery,
			Reason: fmt.Sprintf("the deploy of %s was interrupted while %s: nothing had been touched, and its record is closed", Abbreviated(c.pending.Commit), c.pending.Phase.Words()),
			Undo:   "changes nothing but the state"}}
	case action == nil:
		return nil
	}
	return action
}

// isOurs reports whether a deploy lock is that of a run of this state which is over: whoever deploys has the state's lock too, and nobody
// has that now.
func (c *deployCase) isOurs(held *providers.DeployLockedError) bool {
	return c.observed.Busy == "" && state.HadDeployLock(c.history, held.Holder.ID)
}

// heldByOthers says who has the deploy lock, and what to do about it.
func (c *deployCase) heldByOthers() string {
	held := c.view.Site.Held
	return fmt.Sprintf(`%s; if that is over, "imsctl deploy -break-lock %s" takes it away`, oneLine(held.Error()), held.Holder.ID)
}

// blocked is a deploy that cannot be made now.
func (c *deployCase) blocked(reason string, failed bool) *Blocked {
	return blockedDeploy(c.deploy, reason, failed)
}

// recover takes up an interrupted deploy that had touched what runs: it goes on when its revision is still the wanted one, and
// goes back otherwise.
func (c *deployCase) recover() Action {
	pending := c.pending
	action := &Deploy{
		From: pending.PreviousCommit, To: pending.Commit, Branch: pending.Branch, Uncommitted: pending.Uncommitted, Digest: pending.Digest,
		Strategy: pending.Strategy, Previous: pending.Previous, Continues: pending.ID, Taken: Resumed,
		Meta: Meta{Address: c.deploy.Address, Cause: CauseRecovery},
	}
	action.Undo = c.undo(action)
	if pending.Strategy == Rollback {
		action.Returns = pending.Folder
	}
	begun := fmt.Sprintf("the deploy of %s begun at %s was interrupted while %s", Abbreviated(pending.Commit), moment(pending.StartedAt()), pending.Phase.Words())
	wanted := c.view.Revisions.Wanted
	switch {
	case pending.Phase == state.RollingBack && pending.Previous != "":
		action.Taken, action.Reason = Reverted, fmt.Sprintf("%s: %s is brought back", begun, c.named(pending.Previous))
	case pending.Strategy == Rollback || wanted == "" || wanted == pending.Commit || pending.Previous == "":
		action.Reason = begun + ": it is gone on with"
	default:
		action.Taken, action.Reason = Reverted, fmt.Sprintf("%s, and %s is wanted now: first %s is brought back", begun, Abbreviated(wanted), c.named(pending.Previous))
	}
	return action
}

// named is a release on the host in words.
func (c *deployCase) named(id string) string {
	for _, record := range c.view.Site.Releases {
		if record.ID == id {
			return fmt.Sprintf("%s (release %s)", Abbreviated(record.Commit), id)
		}
	}
	return "release " + id
}

// undo says how a deploy is taken back.
func (c *deployCase) undo(action *Deploy) string {
	name := strings.TrimPrefix(c.deploy.Address, "deploy.")
	if action.Strategy == Rollback && action.Previous != "" {
		// It is newer, and so it has to be named.
		name = "-to " + action.Previous + " " + name
	}
	text := fmt.Sprintf(`"imsctl rollback %s" goes back to %s`, name, c.named(action.Previous))
	switch {
	case action.Strategy == string(strategy.Local):
		return "the revision stays what it is"
	case action.Previous == "":
		text = "cannot be undone: there is no release to go back to"
	case action.Strategy == Rollback:
		return text
	}
	for _, hook := range c.deploy.Target.Hooks {
		if hook.Moment == "migrate" {
			return text + "; what the migration does to data stays as it is"
		}
	}
	return text
}

// forward plans the deploy of the wanted revision, if it does not run and nothing speaks against it.
func (c *deployCase) forward() (*Deploy, *Blocked) {
	site, revisions := &c.view.Site, &c.view.Revisions
	action := &Deploy{
		From: site.Running, To: revisions.Wanted, Subject: oneLine(revisions.Subject), Branch: c.deploy.Target.Branch, Previous: c.previous(),
		Meta: Meta{Address: c.deploy.Address, Cause: CauseChange},
	}
	action.Digest = c.wantedDigest()
	action.Uncommitted = action.Digest != ""
	why := c.difference(action)
	if why == "" {
		return nil, nil
	}
	if freeze := c.deploy.Frozen(c.now); freeze != nil {
		return nil, c.blocked(fmt.Sprintf("%s; but %q is frozen until %s", why, freeze.Name, moment(freeze.To)), false)
	}
	left, once := "", false
	if !c.isRestart() {
		left, once = c.goneBackFrom(action)
	}
	if left != "" && !once && !c.options.Again {
		return nil, c.blocked(fmt.Sprintf(`%s; but %s. Deploy another revision, or this one with "imsctl deploy -again %s"`,
			why, left, strings.TrimPrefix(c.deploy.Address, "deploy.")), true)
	}
	if revisions.OtherHistory && !c.deploy.Target.AllowOtherHistory && !c.isRestart() {
		return nil, c.blocked(fmt.Sprintf("%s; but %s does not descend from what runs, as after a forced push: set allow_other_history when that is meant", why, Abbreviated(action.To)), true)
	}
	chosen, because, err := c.strategy(action)
	if err != nil {
		return nil, c.blocked(why+"; but "+err.Error(), true)
	}
	action.Strategy, action.Reason = chosen, why+"; strategy "+chosen+": "+because
	if once {
		action.Reason += "; tried once more: " + left
	}
	if action.Irreversible() {
		action.Reason += "; there is no release to go back to, so that apply needs -allow-no-rollback"
	}
	if len(site.Unchecked) > 0 {
		c.note(c.deploy.Address, fmt.Sprintf("%s: %s without a health check in the compose file: running counts as healthy", c.deploy.Address, strings.Join(site.Unchecked, ", ")))
	}
	if revisions.LeftOut > 0 && !c.isRestart() {
		c.note(c.deploy.Address, fmt.Sprintf("%s: the working copy has %s checked out, and what is not committed there (%s) is not deployed",
			c.deploy.Address, Abbreviated(revisions.CheckedOut), units.Counted(revisions.LeftOut, "file", "files")))
	}
	action.Undo = c.undo(action)
	action.Seconds = c.lasted(chosen)
	return action, nil
}

// difference says how what runs differs from what should, and sets what of it counts; empty when it does not.
func (c *deployCase) difference(action *Deploy) string {
	site, revisions := &c.view.Site, &c.view.Revisions
	switch {
	case c.isRestart() && site.Running != "":
		return c.restart(action)
	case site.Running == "":
		return fmt.Sprintf("nothing is known to run → %s", c.revision(action))
	case site.Running != action.To:
		action.Commits, action.Files = len(revisions.Commits), len(revisions.Changes)
		if !revisions.Known {
			return fmt.Sprintf("%s → %s", Abbreviated(action.From), c.revision(action))
		}
		return fmt.Sprintf("%s → %s (%s, %s)", Abbreviated(action.From), c.revision(action),
			units.Counted(action.Commits, "commit", "commits"), units.Counted(action.Files, "file", "files"))
	case !c.hasFiles(action.Digest) && action.Digest == "":
		return fmt.Sprintf("%s with what was not committed → %s", Abbreviated(action.To), Abbreviated(action.To))
	case !c.hasFiles(action.Digest):
		action.Files = len(revisions.Uncommitted)
		return fmt.Sprintf("%s with %s", Abbreviated(action.To), units.Counted(action.Files, "file that is not committed", "files that are not committed"))
	case len(site.Drift) > 0:
		action.Cause = CauseDrift
		return "what runs is not what is declared: " + oneLine(strings.Join(site.Drift, "; "))
	case c.options.Again:
		return Abbreviated(action.To) + " runs, and is deployed again as asked for"
	}
	return ""
}

// isRestart reports whether somebody asks for a restart of what is there, whatever revision is wanted.
func (c *deployCase) isRestart() bool { return c.options.Strategy == string(strategy.Local) }

// restart has what runs be made to run again, and says so.
func (c *deployCase) restart(action *Deploy) string {
	wanted := action.To
	action.To, action.Subject, action.Uncommitted, action.Digest = action.From, "", false, ""
	if current := c.view.Site.Current; current != nil {
		action.Uncommitted, action.Digest = current.Uncommitted, current.Digest
	}
	if wanted != "" && wanted != action.To {
		return fmt.Sprintf("%s runs, and is restarted as asked for; %s, which is wanted, is not deployed by that", Abbreviated(action.To), Abbreviated(wanted))
	}
	return Abbreviated(action.To) + " runs, and is restarted as asked for"
}

// wantedDigest identifies what is to come along that is not committed; empty where nothing is.
func (c *deployCase) wantedDigest() string {
	if revisions := &c.view.Revisions; len(revisions.Uncommitted) > 0 && c.deploy.Target.AllowUncommitted {
		return revisions.Digest
	}
	return ""
}

// hasFiles reports whether the release that runs was made of this, beside its revision.
func (c *deployCase) hasFiles(digest string) bool {
	current := c.view.Site.Current
	if current == nil {
		return digest == ""
	}
	return current.Digest == digest
}

// revision is what is deployed, in words.
func (c *deployCase) revision(action *Deploy) string {
	if action.Uncommitted {
		return Abbreviated(action.To) + " and what is not committed"
	}
	return Abbreviated(action.To)
}

// previous is the release that is gone back to: the current one when it once proved healthy, otherwise the newest that did.
func (c *deployCase) previous() string {
	if current := c.view.Site.Current; current != nil && current.Promoted {
		return current.ID
	}
	return c.view.Site.Back
}

// goneBackFrom says when and why the wanted revision was gone back from, by itself or by hand; empty when it was not, the last time. once: the
// host could not be reached then, for the first time, so that nothing is known against the revision.
func (c *deployCase) goneBackFrom(action *Deploy) (left string, once bool) {
	for i := len(c.history) - 1; i >= 0; i-- {
		made := c.history[i]
		ago := units.Age(c.now.Sub(made.EndedAt()))
		switch {
		case made.Strategy == Rollback && made.Phase == state.Promoted && made.PreviousCommit == action.To && action.Digest == "":
			return fmt.Sprintf("%s was gone back from by %s %s ago", Abbreviated(action.To), made.By, ago), false
		case made.Commit != action.To || made.Digest != action.Digest || made.Strategy == Rollback:
		case made.Folder == made.Previous && made.Phase == state.RolledBack:
			// The release that ran was made to run again, and is well.
		case made.Phase == state.Promoted || !made.WasTouched():
			return left, once
		case !made.Interrupted:
			return fmt.Sprintf("%s was gone back from %s ago: %s", Abbreviated(action.To), ago, firstSentence(made.Error)), false
		case once:
			return left + ", and the time before it was as well", false
		default:
			left, once = fmt.Sprintf("%s was gone back from %s ago, because the host could not be reached: %s", Abbreviated(action.To), ago, firstSentence(made.Error)), true
		}
	}
	return left, once
}

// lasted is how many seconds the last good deploy by a strategy took; 0 when there was none.
func (c *deployCase) lasted(chosen string) float64 {
	for i := len(c.history) - 1; i >= 0; i-- {
		if made := c.history[i]; made.Strategy == chosen && made.Phase == state.Promoted {
			return max(0, made.EndedAt().Sub(made.StartedAt()).Seconds())
		}
	}
	return 0
}

// firstSentence is the first line of an error.
func firstSentence(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSuffix(oneLine(line), ".")
}
