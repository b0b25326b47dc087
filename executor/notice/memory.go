// Package notice says what there is to tell of a run, and delivers it. What is told is a pure function of what was recorded before
// the run, its plan and its report.
package notice

import (
	"time"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Memory is what was not well before a run, as far as the state tells.
type Memory struct {
	// Overdue are the backups that have been due for longer than their interval, with the moment since when they are due.
	Overdue map[string]time.Time
	// Failed are the drills and deploys whose last attempt failed.
	Failed map[string]bool
	// Setbacks are what the runs before could not do.
	Setbacks []*state.Setback
}

// Remember reads it from the state, before the run changes that.
func Remember(specification *spec.Spec, document *state.Document, now time.Time) Memory {
	memory := Memory{Overdue: make(map[string]time.Time), Failed: make(map[string]bool), Setbacks: document.Setbacks}
	judged := judgement.Of(specification, document, now)
	for _, backup := range judged.Backups {
		if backup.Missed {
			memory.Overdue[backup.Backup.Address] = backup.DueAt
		}
	}
	for _, drill := range judged.Drills {
		memory.Failed[drill.Drill.Address] = drill.Verdict == judgement.Failed
	}
	for _, deploy := range judged.Deploys {
		memory.Failed[deploy.Deploy.Address] = deploy.Verdict == judgement.Failed || deploy.Verdict == judgement.GoneBack
	}
	return memory
}

// artifactOf is the id of the artifact that an action concerns, as far as the plan knew it.
func artifactOf(action planner.Action) string {
	switch action := action.(type) {
	case *planner.Replicate:
		return action.Artifact
	case *planner.Repair:
		return action.Artifact
	case *planner.Verify:
		return action.Artifact
	case *planner.Drill:
		return action.Artifact
	case *planner.Prune:
		return action.Artifact
	case *planner.Keep:
		return action.Artifact
	case *planner.Adopt:
		return action.Artifact
	}
	return ""
}
