package planner

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/planner/strategy"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// ForDeploy is the part of a specification that one deploy is about: its block, the backups that are to stand behind it, and the hosts and
// stores of those. An empty address is that of the only block.
func ForDeploy(specification *spec.Spec, address string) (*spec.Spec, error) {
	deploy, err := FindDeploy(specification, address)
	if err != nil {
		return nil, err
	}
	narrow := *specification
	narrow.Deploys, narrow.Drills, narrow.Backups, narrow.Imports = []*spec.Deploy{deploy}, nil, nil, nil
	for _, backup := range specification.Backups {
		if slices.Contains(deploy.BackupsBefore, backup.Address) {
			narrow.Backups = append(narrow.Backups, backup)
		}
	}
	return &narrow, nil
}

// Deploying is the plan to make the one deploy of a specification of ForDeploy now, with what somebody asks for beyond it, and the
// backups that it needs. Nothing else that is due is part of it.
func Deploying(specification *spec.Spec, document *state.Document, observed *Observed, options DeployOptions, now time.Time) (*Plan, error) {
	if deploy := specification.Deploys[0]; deploy.NotBuilt != "" {
		return nil, fmt.Errorf("%s: %s", deploy.Address, deploy.NotBuilt)
	}
	d := newDiffer(specification, document, observed, now)
	d.deployOptions = options
	d.decideDeploys()
	for _, backup := range specification.Backups {
		if d.demanded[backup.Address] != "" {
			d.newTask(backup).planBackup()
		}
	}
	d.planDeploys()
	d.orderBackups()
	return d.finish(), nil
}

// Explaining is what speaks for and against each strategy of the one deploy of a specification of ForDeploy.
func Explaining(specification *spec.Spec, document *state.Document, observed *Observed, now time.Time) (strategy.Recommendation, error) {
	deploy := specification.Deploys[0]
	c := newDiffer(specification, document, observed, now).newDeployCase(deploy)
	if c == nil {
		return strategy.Recommendation{}, fmt.Errorf("%s: %s", deploy.Address, deploy.NotBuilt)
	}
	return c.recommend()
}

// FindDeploy finds a deploy block by its address, or its name alone; an empty one means the only one that there is.
func FindDeploy(specification *spec.Spec, address string) (*spec.Deploy, error) {
	if len(specification.Deploys) == 0 {
		return nil, fmt.Errorf("the specification declares no deploy")
	}
	var known []string
	for _, deploy := range specification.Deploys {
		known = append(known, deploy.Address)
		if deploy.Address == address || deploy.Address == "deploy."+address || address == "" && len(specification.Deploys) == 1 {
			return deploy, nil
		}
	}
	if address == "" {
		return nil, fmt.Errorf("there are several deploys: name one of %s", strings.Join(known, ", "))
	}
	hint := "declared is " + strings.Join(known, ", ")
	if best := spelling.Nearest("deploy."+strings.TrimPrefix(address, "deploy."), known); best != "" {
		hint = fmt.Sprintf("did you mean %s?", best)
	}
	return nil, fmt.Errorf("%s is not declared: %s", address, hint)
}

// Returning is the plan to go back, for the one deploy of a specification of ForDeploy, to a release that is on the host: the one that is
// named, or the newest that once proved healthy before the current one.
func Returning(specification *spec.Spec, document *state.Document, observed *Observed, id string, now time.Time) (*Plan, error) {
	deploy := specification.Deploys[0]
	view := observed.Deploys[deploy.Address]
	switch {
	case view == nil:
		return nil, fmt.Errorf("%s: %s", deploy.Address, deploy.NotBuilt)
	case view.Site.Err != nil:
		return nil, fmt.Errorf("%s: the host cannot be looked at: %w", deploy.Address, view.Site.Err)
	case id == "" && view.Site.Back == "":
		return nil, fmt.Errorf(`%s: there is no release to go back to: none before the current one once proved healthy and is still on the host. "imsctl releases" lists what -to can name`, deploy.Address)
	case id == "":
		id = view.Site.Back
	}
	d := newDiffer(specification, document, observed, now)
	c := d.newDeployCase(deploy)
	if view.Site.Held != nil && !c.isOurs(view.Site.Held) {
		return nil, fmt.Errorf("%s: %s", deploy.Address, c.heldByOthers())
	}
	var known []string
	for _, record := range view.Site.Releases {
		known = append(known, record.ID)
		if record.ID != id {
			continue
		}
		action := &Deploy{
			From: view.Site.Running, To: record.Commit, Branch: record.Branch, Uncommitted: record.Uncommitted, Digest: record.Digest, Strategy: Rollback, Returns: id, Previous: c.previous(),
			Meta: Meta{Address: deploy.Address, Cause: CauseChange, Reason: fmt.Sprintf("asked for: %s → %s, which is on the host as release %s", Abbreviated(view.Site.Running), Abbreviated(record.Commit), id)},
		}
		if current := view.Site.Current; current != nil && current.ID == id {
			return nil, fmt.Errorf("%s: release %s is the one that runs", deploy.Address, id)
		}
		if action.Previous == id {
			action.Previous = "" // what runs never proved healthy, and nobody wants it back
		}
		if !record.Promoted {
			action.Reason += "; it never proved healthy"
		}
		if c.pending != nil {
			action.Continues, action.Taken = c.pending.ID, Superseded
		}
		action.Undo = c.undo(action)
		d.add(action)
		return d.finish(), nil
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("%s: there is no release on the host", deploy.Address)
	}
	return nil, fmt.Errorf("%s: there is no release %q on the host; there is %s", deploy.Address, id, strings.Join(known, ", "))
}
