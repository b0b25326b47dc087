package planner

import (
	"slices"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Cleaner is the cleaner of a block, which knows what the backup behind it has by a state; nil where there is none.
func (w *World) Cleaner(specification *spec.Spec, document *state.Document, declared *spec.Cleanup) providers.Cleaner {
	cleaner := w.Cleaners[declared.Address]
	backed, isBacked := cleaner.(providers.Backed)
	config, ok := declared.Config.(providers.CleanupConfig)
	if !isBacked || !ok {
		return cleaner
	}
	guard := config.Guard()
	backup := specification.Backup(guard.Backup.Address)
	if backup == nil {
		return cleaner
	}
	return backed.Behind(backingOf(specification, document, backup, max(1, guard.MinCopies)))
}

// backing is what a backup has in so many copies at least.
func backingOf(specification *spec.Spec, document *state.Document, backup *spec.Backup, copies int) providers.CleanupBacking {
	var backing providers.CleanupBacking
	if source := specification.Source(backup.Source); source != nil {
		backing.Source = source.Config
	}
	logs, isLogs := backing.Source.(providers.LogHolding)
	what := WhatIsRead(specification, backup)
	for _, artifact := range document.ByBackup()[backup.Address] {
		if artifact.Source != backup.Source || verifiedCopies(artifact, backup) < copies {
			continue
		}
		found := providers.BackingArtifact{ID: artifact.ID, StartedAt: artifact.StartedAt}
		switch {
		case isLogs && artifact.Position != "":
			spans, err := logs.Spans(artifact.Position)
			if err != nil {
				continue // what cannot be understood stands behind nothing
			}
			found.Logs = spans
		case artifact.What != what:
			continue
		}
		backing.Artifacts = append(backing.Artifacts, found)
	}
	return backing
}

// verifiedCopies counts the destinations of a backup that an artifact has a verified copy at.
func verifiedCopies(artifact *state.Artifact, backup *spec.Backup) int {
	count := 0
	for i := range artifact.Replicas {
		if replica := &artifact.Replicas[i]; replica.Condition == state.Verified && slices.Contains(backup.To, replica.Destination) {
			count++
		}
	}
	return count
}
