package main

import (
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/terminal"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/state"
)

// checkStatus is one check in the status document.
type checkStatus struct {
	Address string `json:"address"`
	// Verdict is passed, warned or failed as the last time, or that it was never asked.
	Verdict judgement.Verdict `json:"verdict"`
	// Last is the latest result that was recorded.
	Last *state.CheckResult `json:"last,omitempty"`
}

// checkStatuses are the checks as the document has them.
func checkStatuses(judged *judgement.Judgement) []checkStatus {
	statuses := make([]checkStatus, 0, len(judged.Checks))
	for _, check := range judged.Checks {
		statuses = append(statuses, checkStatus{Address: check.Check.Address, Verdict: check.Verdict, Last: check.Last})
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
		rows = append(rows, []string{status.Address, string(status.Verdict), asked, saw})
	}
	return writeTable(c.stdout, c.look(c.stdout).Width, rows)
}
