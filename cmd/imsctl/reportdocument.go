package main

import (
	"time"

	"github.com/castrolanda/imsctl/internal/report"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// reporter gathers what a report says. Texts that came from outside pass through the specification's Redact.
type reporter struct {
	spec     *spec.Spec
	document *state.Document
	now      time.Time
	outlooks []planner.Outlook
}

// reportOf is what a report says of what the state knows of what is declared.
func reportOf(specification *spec.Spec, document *state.Document, version string, now time.Time) *report.Document {
	r := &reporter{spec: specification, document: document, now: now, outlooks: planner.Forecast(specification, document, now, now.Add(foretold))}
	backups := backupStatuses(specification, document, now)
	drills := drillStatuses(planner.DrillStandings(specification, document, now), now)
	checks := checkStatuses(specification, document)
	location := specification.Location
	if location == nil {
		location = time.UTC
	}
	return &report.Document{
		Subject: specification.Path, MadeAt: now, Location: location, Version: version, Serial: document.Serial, Lineage: document.Lineage,
		Until: now.Add(foretold), Declared: len(backups) + len(drills) + len(checks), Findings: r.findings(backups, drills, checks),
		Destinations: r.destinations(), Backups: r.backups(backups), Drills: r.drills(drills), Deploys: r.deploys(), Checks: r.checks(checks),
	}
}

// destinations are those that are declared, with all that is recorded there, of whatever backup.
func (r *reporter) destinations() []report.Destination {
	foreseen := make(map[[2]string]bool, len(r.outlooks))
	later := make(map[string]int64)
	for _, outlook := range r.outlooks {
		foreseen[[2]string{outlook.Backup, outlook.Destination}] = true
		later[outlook.Destination] += outlook.LaterBytes
	}
	copies, bytes := make(map[string]int), make(map[string]int64)
	for _, artifact := range r.document.Artifacts {
		for _, replica := range artifact.Replicas {
			copies[replica.Destination]++
			bytes[replica.Destination] += artifact.Stored.Size
			// What no retention looks after stays.
			if replica.Condition == state.Altered || !foreseen[[2]string{artifact.Backup, replica.Destination}] {
				later[replica.Destination] += artifact.Stored.Size
			}
		}
	}
	var list []report.Destination
	for _, destination := range r.spec.Destinations {
		list = append(list, report.Destination{
			Address: destination.Address, Copies: copies[destination.Address], Bytes: bytes[destination.Address], LaterBytes: later[destination.Address], Price: destination.Price,
		})
	}
	return list
}

// levelOf is how bad a verdict of `imsctl status` is.
func levelOf(verdict string) report.Level {
	switch verdict {
	case verdictOK, "passed":
		return report.Well
	case verdictUnasked:
		return report.Unknown
	case verdictOverdue, verdictTooFew, verdictFailed:
		return report.Wrong
	default:
		return report.Watch
	}
}
