package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/report"
	"github.com/castrolanda/imsctl/internal/units"
)

// findings are what is not true of what is declared, as `imsctl status` judges it, the worst first.
func (r *reporter) findings(backups []backupStatus, drills []drillStatus, checks []checkStatus) []report.Finding {
	var found []report.Finding
	for i, status := range backups {
		if text := r.backupFinding(status, r.spec.Backups[i].MinCopies); text != "" {
			found = append(found, report.Finding{Level: levelOf(status.Verdict), Address: status.Address, Text: text})
		}
	}
	for _, status := range drills {
		if text := r.drillFinding(status); text != "" {
			found = append(found, report.Finding{Level: levelOf(status.Verdict), Address: status.Address, Text: text})
		}
	}
	for _, status := range checks {
		if status.Verdict == verdictFailed {
			found = append(found, report.Finding{Level: report.Wrong, Address: status.Address,
				Text: fmt.Sprintf("failed %s: %s", ago(status.Last.AskedAt, r.now), r.spec.Redact(status.Last.Summary))})
		}
	}
	slices.SortStableFunc(found, func(a, b report.Finding) int { return cmp.Compare(b.Level, a.Level) })
	return found
}

// backupFinding says what is not true of a backup.
func (r *reporter) backupFinding(status backupStatus, least int) string {
	switch {
	case status.Verdict == verdictOK:
		return ""
	case status.TakenAt.IsZero():
		return "has no backup yet that could be restored"
	case status.Verdict == verdictOverdue:
		return fmt.Sprintf("is due since %s; the newest was taken %s", units.Age(r.now.Sub(status.DueAt)), ago(status.TakenAt, r.now))
	}
	var lacks []string
	for _, entry := range status.Copies {
		switch {
		case entry.Verdict == verdictAltered:
			lacks = append(lacks, entry.Destination+" (altered: "+r.spec.Redact(entry.Problem)+")")
		case entry.Verdict != verdictOK:
			lacks = append(lacks, entry.Destination+" ("+entry.Verdict+")")
		case entry.Missing > 0:
			lacks = append(lacks, fmt.Sprintf("%s (%d missing)", entry.Destination, entry.Missing))
		}
	}
	text := "lacks verified copies at " + strings.Join(lacks, ", ")
	if status.Verdict == verdictTooFew {
		return fmt.Sprintf("has fewer copies of its newest backup than min_copies, which is %d: it %s", least, text)
	}
	return text + "; min_copies is met"
}

// drillFinding says what is not true of a drill.
func (r *reporter) drillFinding(status drillStatus) string {
	switch status.Verdict {
	case verdictFailed:
		return fmt.Sprintf("failed %s: %s", ago(status.Last.StartedAt, r.now), r.problemOf(status.Last))
	case verdictNever:
		return "was never made: no restore has proven " + status.Backup
	case verdictOverdue:
		return fmt.Sprintf("is due since %s", units.Age(r.now.Sub(status.DueAt)))
	}
	return ""
}
