package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner/judgement"
)

// statusText prints a row for each backup, and below it one for each of its destinations.
func (c *cli) statusText(statuses []backupStatus, now time.Time) error {
	rows := [][]string{{"BACKUP / DESTINATION", "STATUS", "AGE", "STORED", "VERIFIED", "READ BACK", "REMARKS"}}
	for _, status := range statuses {
		rows = append(rows, []string{status.Address, string(status.Verdict), ago(status.TakenAt, now), "", "", "", "due " + due(status, now)})
		for _, entry := range status.Copies {
			stored := "-"
			if entry.Verdict != judgement.Missing {
				stored = units.Bytes(entry.StoredBytes)
			}
			rows = append(rows, []string{"  " + entry.Destination, string(entry.Verdict), ago(entry.NewestAt, now), stored,
				ago(entry.VerifiedAt, now), ago(entry.LastReadBackAt, now), remarks(entry, now)})
		}
	}
	return writeTable(c.stdout, c.look(c.stdout).Width, rows)
}

// remarks say what else is worth knowing of a backup at a destination.
func remarks(entry copyStatus, now time.Time) string {
	var parts []string
	for _, count := range []struct {
		n    int
		what string
	}{
		{entry.Missing, "missing"}, {entry.Altered, "altered"}, {entry.KeptByPolicy, "kept by policy"},
	} {
		if count.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count.n, count.what))
		}
	}
	switch {
	case entry.ReadBackDueAt.IsZero():
	case entry.ReadBackDueAt.After(now):
		parts = append(parts, "read back in "+units.Age(entry.ReadBackDueAt.Sub(now).Round(time.Minute)))
	default:
		parts = append(parts, "read back now")
	}
	return strings.Join(parts, ", ")
}

// ago prints how long ago something was.
func ago(at, now time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return units.Age(now.Sub(at)) + " ago"
}

// due prints when the next backup is due.
func due(status backupStatus, now time.Time) string {
	switch {
	case status.TakenAt.IsZero():
		return "now"
	case status.DueAt.IsZero():
		return "never again"
	case !status.DueAt.After(now):
		return "since " + units.Age(now.Sub(status.DueAt))
	default:
		return "in " + units.Age(status.DueAt.Sub(now).Round(time.Minute))
	}
}
