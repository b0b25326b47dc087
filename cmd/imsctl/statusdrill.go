package main

import (
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/state"
)

// drillStatus is one drill in the status document.
type drillStatus struct {
	Address  string            `json:"address"`
	Backup   string            `json:"backup"`
	Verdict  judgement.Verdict `json:"verdict"`
	Schedule string            `json:"schedule"`
	// Last is the latest drill that was made.
	Last *state.Drill `json:"last,omitempty"`
	// PassedAt is when the latest one began that proved the backup, RecoverySeconds how long its restore took.
	PassedAt        time.Time `json:"passed_at,omitzero"`
	RecoverySeconds float64   `json:"recovery_seconds,omitzero"`
	DueAt           time.Time `json:"due_at"`
}

// drillStatuses are the drills as the document has them.
func drillStatuses(judged *judgement.Judgement) []drillStatus {
	statuses := make([]drillStatus, 0, len(judged.Drills))
	for _, drill := range judged.Drills {
		status := drillStatus{
			Address: drill.Drill.Address, Backup: drill.Drill.Backup, Verdict: drill.Verdict, Schedule: drill.Drill.Schedule.String(),
			Last: drill.Last, DueAt: drill.DueAt.UTC(),
		}
		if drill.Passed != nil {
			status.PassedAt, status.RecoverySeconds = drill.Passed.StartedAt, drill.Passed.RecoverySeconds
		}
		statuses = append(statuses, status)
	}
	return statuses
}

// drillText prints a row for each drill.
func (c *cli) drillText(statuses []drillStatus, now time.Time) error {
	if len(statuses) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(c.stdout); err != nil {
		return err
	}
	rows := [][]string{{"DRILL", "STATUS", "PASSED", "RECOVERY TIME", "REMARKS"}}
	for _, status := range statuses {
		recovery, remarks := "-", "due now"
		if status.RecoverySeconds > 0 {
			recovery = recoveryTime(status.RecoverySeconds)
		}
		if status.DueAt.After(now) {
			remarks = "due in " + units.Age(status.DueAt.Sub(now).Round(time.Minute))
		}
		if status.Last != nil {
			remarks += ", last of " + status.Last.Artifact + " from " + status.Last.Destination
		}
		rows = append(rows, []string{status.Address, string(status.Verdict), ago(status.PassedAt, now), recovery, remarks})
	}
	return writeTable(c.stdout, c.look(c.stdout).Width, rows)
}

// recoveryTime prints a measured recovery time.
func recoveryTime(seconds float64) string {
	return units.Span(time.Duration(seconds * float64(time.Second)))
}

// lastDrills are the latest drills of artifacts, by the artifact's id.
func lastDrills(drills []*state.Drill) map[string]*state.Drill {
	last := make(map[string]*state.Drill)
	for _, drill := range drills {
		if other := last[drill.Artifact]; other == nil || !drill.StartedAt.Before(other.StartedAt) {
			last[drill.Artifact] = drill
		}
	}
	return last
}

// drilled says what is known of an artifact from its last drill.
func drilled(drill *state.Drill, now time.Time) string {
	switch {
	case drill == nil:
		return "-"
	case !drill.Passed():
		return "failed " + ago(drill.StartedAt, now)
	}
	return ago(drill.StartedAt, now) + ", in " + recoveryTime(drill.RecoverySeconds)
}
