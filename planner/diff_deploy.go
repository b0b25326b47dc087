package planner

import (
	"fmt"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// isDeploy reports whether an address is that of a deploy block.
func isDeploy(address string) bool { return strings.HasPrefix(address, "deploy.") }

// deployDecision is what is to be done about a deploy block.
type deployDecision struct {
	deploy *spec.Deploy
	action Action
}

// decideDeploys decides about all deploy blocks, before the backups: a deploy may need one that is not due.
func (d *differ) decideDeploys() {
	for _, deploy := range d.specification.Deploys {
		if deploy.NotBuilt != "" {
			continue
		}
		c := d.newDeployCase(deploy)
		if c == nil {
			continue
		}
		action := c.decide()
		if action == nil {
			continue
		}
		if planned, ok := action.(*Deploy); ok && planned.Taken != Closed && planned.Taken != Reverted && planned.Taken != Resumed {
			d.demandBackups(planned, deploy)
		}
		d.deploys = append(d.deploys, deployDecision{deploy: deploy, action: action})
	}
}

// planDeploys puts what was decided into the plan, behind the backups that are taken for it.
func (d *differ) planDeploys() {
	for _, decision := range d.deploys {
		action, ok := decision.action.(*Deploy)
		if !ok {
			d.add(decision.action)
			continue
		}
		if missing := d.missingBackup(action); missing != "" {
			d.add(blockedDeploy(decision.deploy, action.Reason+"; but "+missing, true))
			continue
		}
		for _, backup := range action.Backups {
			if d.taken[backup] != nil {
				action.After = append(action.After, backup)
			}
		}
		d.add(action)
	}
}

// missingBackup says which of the backups that a deploy needs is neither there nor taken.
func (d *differ) missingBackup(action *Deploy) string {
	for _, backup := range action.Backups {
		if d.demanded[backup] != "" && d.taken[backup] == nil {
			return fmt.Sprintf("%s, which must be taken first, cannot be", backup)
		}
	}
	return ""
}

// demandBackups asks for the backups that are to stand behind a deploy and are missing or too old.
func (d *differ) demandBackups(action *Deploy, deploy *spec.Deploy) {
	action.Backups, action.MaxAge = deploy.BackupsBefore, units.Duration(deploy.MaxAge)
	for _, address := range deploy.BackupsBefore {
		backup := d.backups[address]
		if backup == nil || d.demanded[address] != "" {
			continue
		}
		latest := d.survey(backup).proven(d.now)
		switch {
		case latest == nil:
			d.demanded[address] = fmt.Sprintf("%s needs a verified backup, and there is none", deploy.Address)
		case deploy.MaxAge > 0 && d.now.Sub(latest.artifact.StartedAt) > deploy.MaxAge:
			d.demanded[address] = fmt.Sprintf("%s needs a backup that is not older than %s; the last verified one is %s old",
				deploy.Address, units.Age(deploy.MaxAge), units.Age(d.now.Sub(latest.artifact.StartedAt)))
		}
	}
}

// proven is the newest artifact that has as many live copies as the backup needs, and that was not begun in the future.
func (s *survey) proven(now time.Time) *holding {
	for _, held := range s.holdings {
		if len(held.verifiedAt(s.backup)) >= s.backup.MinCopies && held.artifact.StartedAt.Sub(now) <= MaxSkew {
			return held
		}
	}
	return nil
}

// demandOrDueness decides whether a backup is due, or needed by a deploy.
func (d *differ) demandOrDueness(s *survey) dueness {
	verdict := d.dueness(s)
	if reason := d.demanded[s.backup.Address]; !verdict.due && reason != "" {
		return dueness{due: true, reason: reason, cause: CauseChange}
	}
	return verdict
}

// blockedDeploy is a deploy that cannot be made now.
func blockedDeploy(deploy *spec.Deploy, reason string, failed bool) *Blocked {
	return &Blocked{Failed: failed, Meta: Meta{Address: deploy.Address, Reason: reason, Cause: CauseChange}}
}

// deployCase is one deploy block with all that is known of it.
type deployCase struct {
	*differ
	deploy *spec.Deploy
	view   *providers.DeployInspection
	// history are the deploys that there were, oldest first; pending is the one that has not ended, or nil.
	history []*state.Release
	pending *state.Release
	options DeployOptions
}

// newDeployCase puts together what is known of a deploy block; nil where nobody looked.
func (d *differ) newDeployCase(deploy *spec.Deploy) *deployCase {
	c := &deployCase{differ: d, deploy: deploy, history: d.recorded.ReleasesOf(deploy.Address), options: d.deployOptions}
	for _, release := range c.history {
		if !release.Phase.Final() {
			c.pending = release
		}
	}
	if d.observed == nil {
		text := fmt.Sprintf("%s: nobody looked which revision runs and which one should", deploy.Address)
		if c.pending != nil {
			text = fmt.Sprintf("%s: the deploy of %s was interrupted while %s; without looking at the host nothing is done about it",
				deploy.Address, Abbreviated(c.pending.Commit), c.pending.Phase.Words())
		}
		d.note(deploy.Address, text)
		return nil
	}
	if c.view = d.observed.Deploys[deploy.Address]; c.view == nil {
		return nil
	}
	return c
}

// Abbreviated is the beginning of a hash, as people read it.
func Abbreviated(commit string) string { return commit[:min(len(commit), 7)] }
