// Package judgement says what of a specification is true and what is not, as far as the state tells. It is what status shows, what
// metrics, reports and notices are made from: one judgement, so that they cannot disagree. It is as pure as planner.Diff.
package judgement

import (
	"time"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Judgement is how everything stands that a specification declares, each kind in the order of its declaration.
type Judgement struct {
	// At is the moment that it was made for, UTC.
	At      time.Time
	Backups []Backup
	Drills  []Drill
	Deploys []Deploy
	Checks  []Check
	// Cleanups are what became of what should be gone.
	Cleanups []Cleanup
	// Setbacks are what the last runs could not do.
	Setbacks []*state.Setback
}

// Of judges. Neither a destination nor a host is looked at.
func Of(specification *spec.Spec, document *state.Document, now time.Time) *Judgement {
	j := &Judgement{At: now.UTC(), Setbacks: document.Setbacks}
	for _, standing := range planner.Standings(specification, document, now) {
		j.Backups = append(j.Backups, backupOf(standing, now))
	}
	for _, standing := range planner.DrillStandings(specification, document, now) {
		j.Drills = append(j.Drills, drillOf(standing, now))
	}
	for _, deploy := range specification.Deploys {
		j.Deploys = append(j.Deploys, deployOf(deploy, document.ReleasesOf(deploy.Address)))
	}
	for _, check := range specification.Checks {
		j.Checks = append(j.Checks, checkOf(check, document.ResultsOf(check.Address)))
	}
	for _, cleanup := range specification.Cleanups {
		j.Cleanups = append(j.Cleanups, cleanupOf(cleanup, document.CleanupsOf(cleanup.Address)))
	}
	return j
}

// Verdict is in a word or two how something stands.
type Verdict string

// Well is the verdict on everything that is as it is declared.
const Well Verdict = "ok"

// Severity is how much a breach matters.
type Severity string

// Error is for what puts data or its recovery in danger, or does not work; Warning for what is not as it is declared while enough is.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Kind says to programs what a breach is.
type Kind string

// The kinds of breaches.
const (
	BackupOverdue     Kind = "backup_overdue"
	TooFew            Kind = "too_few_copies"
	CopiesMissing     Kind = "copies_missing"
	CopiesAltered     Kind = "copies_altered"
	CopyNotProven     Kind = "copy_unproven"
	DrillHasFailed    Kind = "drill_failed"
	DrillOverdue      Kind = "drill_overdue"
	DeployHasFailed   Kind = "deploy_failed"
	DeployInterrupted Kind = "deploy_interrupted"
	CheckHasFailed    Kind = "check_failed"
	RunFailed         Kind = "run_failed"
)

// Breach is something that is declared and not true.
type Breach struct {
	// Address is what it is about: "backup.ims", "backup.ims@destination.gcs.far", "drill.ims".
	Address  string   `json:"address"`
	Kind     Kind     `json:"kind"`
	Severity Severity `json:"severity"`
	// Since is from when on it has not been true, as far as that is known.
	Since time.Time `json:"since,omitzero"`
	// Text says it to people: the rest of a sentence that begins with the address, without a full stop.
	Text string `json:"text"`
}

// Breaches lists what is declared and not true: those of severity error first, and otherwise in the order of declaration.
func (j *Judgement) Breaches() []Breach {
	var all []Breach
	for i := range j.Backups {
		all = append(all, j.Backups[i].breaches(j.At)...)
	}
	for i := range j.Drills {
		all = append(all, j.Drills[i].breaches(j.At)...)
	}
	for i := range j.Deploys {
		all = append(all, j.Deploys[i].breaches()...)
	}
	for i := range j.Checks {
		all = append(all, j.Checks[i].breaches(j.At)...)
	}
	all = j.withSetbacks(all)
	sorted := make([]Breach, 0, len(all))
	for _, severity := range []Severity{Error, Warning} {
		for _, breach := range all {
			if breach.Severity == severity {
				sorted = append(sorted, breach)
			}
		}
	}
	return sorted
}
