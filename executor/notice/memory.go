// Package notice says what there is to tell of a run, and delivers it. What is told is a pure function of what was recorded before
// the run, its plan and its report.
package notice

import (
	"time"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Memory is what was not well before a run, as far as the state tells. The state keeps no failed backups: one that fails and is
// taken before its next turn leaves no trace there.
type Memory struct {
	// Overdue are the backups that have been due for longer than their interval, with the moment since when they are due.
	Overdue map[string]time.Time
	// Failed are the drills and deploys whose last attempt failed.
	Failed map[string]bool
}

// Remember reads it from the state, before the run changes that.
func Remember(specification *spec.Spec, document *state.Document, now time.Time) Memory {
	memory := Memory{Overdue: make(map[string]time.Time), Failed: make(map[string]bool)}
	artifacts := document.ByBackup()
	for _, backup := range specification.Backups {
		if since := overdueSince(backup, artifacts[backup.Address], now); !since.IsZero() {
			memory.Overdue[backup.Address] = since
		}
	}
	// Both are oldest first: the last one counts.
	for _, drill := range document.Drills {
		memory.Failed[drill.Address] = !drill.Passed()
	}
	for _, release := range document.Releases {
		memory.Failed[release.Address] = release.Phase == state.RolledBack || release.Phase == state.Failure
	}
	return memory
}

// overdueSince is the moment since when a backup is due, when its schedule has come round once more since then; zero otherwise, and
// where there never was a good one to count from.
func overdueSince(backup *spec.Backup, artifacts []*state.Artifact, now time.Time) time.Time {
	var newest time.Time
	for _, artifact := range artifacts {
		for _, replica := range artifact.Replicas {
			if replica.Condition == state.Verified && artifact.StartedAt.After(newest) {
				newest = artifact.StartedAt
			}
		}
	}
	if newest.IsZero() {
		return time.Time{}
	}
	due := backup.Schedule.DueAt(newest)
	if due.IsZero() {
		return time.Time{}
	}
	if again := backup.Schedule.DueAt(due); again.IsZero() || !now.After(again) {
		return time.Time{}
	}
	return due
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
