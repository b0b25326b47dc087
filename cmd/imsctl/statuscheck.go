package main

import (
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/terminal"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// verdictUnasked is that on a check of which no result is recorded.
const verdictUnasked = "never asked"

// checkStatus is one check in the status document.
type checkStatus struct {
	Address string `json:"address"`
	// Verdict is passed, warned or failed as the last time, or that it was never asked.
	Verdict string `json:"verdict"`
	// Last is the latest result that was recorded.
	Last *state.CheckResult `json:"last,omitempty"`
}

// checkStatuses finds the last result of each check that is declared.
func checkStatuses(specification *spec.Spec, document *state.Document) []checkStatus {
	last := make(map[string]*state.CheckResult)
	for _, result := range document.Checks {
		last[result.Address] = result
	}
	statuses := make([]checkStatus, 0, len(specification.Checks))
	for _, check := range specification.Checks {
		status := checkStatus{Address: check.Address, Verdict: verdictUnasked, Last: last[check.Address]}
		if status.Last != nil {
			status.Verdict = status.Last.Verdict
		}
		statuses = append(statuses, status)
	}
	return statuses
}

// checkText prints a row for each check.
func (c *cli) checkText(statuses []checkStatus, now time.Time) error {
	if len(statuses) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(c.stdout); err != nil {
		return err
	}
	rows := [][]string{{"CHECK", "STATUS", "ASKED", "SAW"}}
	for _, status := range statuses {
		asked, saw := "never", "-"
		if status.Last != nil {
			asked, saw = ago(status.Last.AskedAt, now), terminal.Escape(status.Last.Summary)
		}
		rows = append(rows, []string{status.Address, status.Verdict, asked, saw})
	}
	return writeTable(c.stdout, c.look(c.stdout).Width, rows)
}

// checkCode is the exit code for the worst of the last results.
func checkCode(statuses []checkStatus) int {
	for _, status := range statuses {
		if status.Verdict == string(providers.Failed) {
			return exitError
		}
	}
	return exitDone
}
