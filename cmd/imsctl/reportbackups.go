package main

import (
	"github.com/castrolanda/imsctl/internal/report"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// backups are those that are declared, with every artifact that is recorded.
func (r *reporter) backups() []report.Backup {
	groups := r.document.ByBackup()
	retentions := make(map[string]*spec.Retention, len(r.spec.Destinations))
	for _, destination := range r.spec.Destinations {
		retentions[destination.Address] = destination.Retention
	}
	outlooks := r.outlooks
	var list []report.Backup
	for _, judged := range r.judged.Backups {
		artifacts := groups[judged.Backup.Address]
		backup := report.Backup{
			Address: judged.Backup.Address, Verdict: string(judged.Verdict), Level: levelOf(judged.Verdict), Schedule: judged.Backup.Schedule.String(),
			DueAt: judged.DueAt, MinCopies: judged.Backup.MinCopies,
		}
		if judged.Newest != nil {
			backup.TakenAt = judged.Newest.StartedAt
		}
		for _, artifact := range artifacts {
			backup.Artifacts = append(backup.Artifacts, artifactOf(artifact))
		}
		for _, copied := range judged.Copies {
			place := r.place(judged.Newest, copied, artifacts, outlooks[0])
			place.Retention = planner.Rules(retentions[copied.Destination])
			backup.Places, outlooks = append(backup.Places, place), outlooks[1:]
		}
		list = append(list, backup)
	}
	return list
}

// artifactOf is an artifact without its copies.
func artifactOf(artifact *state.Artifact) report.Artifact {
	return report.Artifact{
		ID: artifact.ID, StartedAt: artifact.StartedAt, EndedAt: artifact.EndedAt, RawBytes: artifact.Raw.Size, StoredBytes: artifact.Stored.Size,
		Method: methodName{Method: artifact.Method, Level: artifact.Level}.String(), Encrypted: artifact.Encryption != nil,
	}
}

// place is a backup at one destination, with what is foretold there.
func (r *reporter) place(newest *state.Artifact, copied judgement.Copy, artifacts []*state.Artifact, outlook planner.Outlook) report.Place {
	place := report.Place{Destination: copied.Destination, Verdict: string(copied.Verdict), Level: levelOf(copied.Verdict), All: outlook.All, Some: outlook.Some}
	ends := make(map[string]planner.Expiry, len(outlook.Expiries))
	for _, expiry := range outlook.Expiries {
		ends[expiry.Artifact] = expiry
	}
	for i, artifact := range artifacts {
		held := report.Copy{Artifact: i, EndsAt: ends[artifact.ID].At, KeptBy: r.spec.Redact(ends[artifact.ID].KeptBy)}
		replica, ok := artifact.Replica(copied.Destination)
		switch {
		case !ok && artifact == newest:
			held.Condition = report.Missing
		case !ok:
			continue
		case replica.Condition == state.Altered:
			held.Condition, held.Problem = report.Altered, r.spec.Redact(replica.Problem)
		case replica.Condition == state.Unproven:
			held.Condition = report.Unproven
		}
		place.Copies = append(place.Copies, held)
	}
	return place
}
