package main

import (
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/report"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// reporter gathers what a report says. Texts that came from outside pass through the specification's Redact.
type reporter struct {
	spec     *spec.Spec
	document *state.Document
	judged   *judgement.Judgement
	outlooks []planner.Outlook
}

// reportOf is what a report says of what the state knows of what is declared.
func reportOf(specification *spec.Spec, document *state.Document, version string, now time.Time) *report.Document {
	r := &reporter{
		spec: specification, document: document, judged: judgement.Of(specification, document, now),
		outlooks: planner.Forecast(specification, document, now, now.Add(foretold)),
	}
	location := specification.Location
	if location == nil {
		location = time.UTC
	}
	told := &report.Document{
		Subject: specification.Path, MadeAt: now, Location: location, Version: version, Serial: document.Serial, Lineage: document.Lineage,
		Until:        now.Add(foretold),
		Destinations: r.destinations(), Backups: r.backups(), Drills: r.drills(), Deploys: r.deploys(), Checks: r.checks(),
	}
	r.judge(told)
	return told
}

// judge tells what is declared and not true, as `imsctl status` does, and how many of what is declared that concerns. What was declared
// and is judged still is counted too.
func (r *reporter) judge(told *report.Document) {
	concerned, judged := make(map[string]bool), make(map[string]bool)
	for _, backup := range r.judged.Backups {
		judged[backup.Backup.Address] = true
	}
	for _, drill := range r.judged.Drills {
		judged[drill.Drill.Address] = true
	}
	for _, deploy := range r.judged.Deploys {
		judged[deploy.Deploy.Address] = true
	}
	for _, check := range r.judged.Checks {
		judged[check.Check.Address] = true
	}
	for _, breach := range r.judged.Breaches() {
		level := report.Watch
		if breach.Severity == judgement.Error {
			level = report.Wrong
		}
		block, _, _ := strings.Cut(breach.Address, "@destination.")
		concerned[block], judged[block] = true, true
		told.Findings = append(told.Findings, report.Finding{Level: level, Address: breach.Address, Text: r.spec.Redact(breach.Text)})
	}
	told.Declared, told.Untrue = len(judged), len(concerned)
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

// levelOf is how bad a verdict is.
func levelOf(verdict judgement.Verdict) report.Level {
	switch verdict {
	case judgement.Well, "passed":
		return report.Well
	case judgement.NeverAsked, judgement.NeverDeployed:
		return report.Unknown
	case judgement.Overdue, judgement.Scarce, judgement.Failed, judgement.GoneBack, judgement.Interrupted:
		return report.Wrong
	default:
		return report.Watch
	}
}
