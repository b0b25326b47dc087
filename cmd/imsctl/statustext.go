package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/terminal"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/state"
)

// shownPrunes is how many of the copies that are deleted next have a line.
const shownPrunes = 5

// statusLines are the document for people, as wide as the terminal.
func (c *cli) statusLines(document *statusDocument) ([]string, error) {
	look := c.look(c.stdout)
	return statusPageOf(document, look.Width, look.Color)
}

// statusPageOf are the lines of a document in a width.
func statusPageOf(document *statusDocument, width int, color bool) ([]string, error) {
	page := &statusPage{statusDocument: document, now: document.CreatedAt, width: width, color: color}
	page.breaches()
	page.backups()
	page.drills()
	page.deploys()
	page.checks()
	page.cleanups()
	page.disks()
	page.prunes()
	page.rest()
	return page.lines, page.err
}

// statusPage is the document while it becomes lines.
type statusPage struct {
	*statusDocument
	now   time.Time
	width int
	color bool
	lines []string
	err   error
}

// The colours of verdicts.
const (
	inkWell    = "\x1b[32m"
	inkWarning = "\x1b[33m"
	inkError   = "\x1b[31m"
	inkTitle   = "\x1b[1m"
	inkEnd     = "\x1b[0m"
)

// verdictInk is the colour of a verdict; empty for the terminal's own.
func verdictInk(verdict judgement.Verdict) string {
	switch verdict {
	case judgement.Well, "passed":
		return inkWell
	case judgement.Overdue, judgement.Scarce, judgement.Altered, judgement.Failed, judgement.GoneBack, judgement.Interrupted:
		return inkError
	case judgement.Degraded, judgement.Missing, judgement.Unproven, judgement.NeverDrilled, "warned":
		return inkWarning
	}
	return ""
}

// ink colours a text.
func (p *statusPage) ink(ink, text string) string {
	if !p.color || ink == "" {
		return text
	}
	return ink + text + inkEnd
}

// section adds a table behind an empty line. The second column has verdicts.
func (p *statusPage) section(rows [][]string) {
	if len(rows) < 2 {
		return
	}
	p.lines = append(p.lines, "")
	table, err := foldedLines(p.width, rows)
	if err != nil {
		p.err = err
		return
	}
	for i, line := range table {
		verdict := rows[i][1]
		switch ink := verdictInk(judgement.Verdict(verdict)); {
		case i == 0:
			line = p.ink(inkTitle, line)
		case ink != "":
			line = strings.Replace(line, " "+verdict, " "+p.ink(ink, verdict), 1)
		}
		for part := range strings.SplitSeq(line, "\n") {
			p.lines = append(p.lines, part)
		}
	}
}

// sentence adds a text that is broken at spaces, with what follows the first line under its beginning.
func (p *statusPage) sentence(mark, ink, text string) {
	lines := wrapped(text, p.width-terminal.Width(mark))
	for i, line := range lines {
		if i > 0 {
			mark = strings.Repeat(" ", terminal.Width(mark))
		}
		p.lines = append(p.lines, p.ink(ink, mark)+line)
	}
}

// breaches say what is not true, or that all is.
func (p *statusPage) breaches() {
	if p.True {
		p.sentence("", "", "Everything that is declared is true, as far as the state knows.")
		if p.color {
			p.lines[0] = p.ink(inkWell, p.lines[0])
		}
		if unknown := p.unknown(); unknown != "" {
			p.sentence("  ? ", inkWarning, unknown)
		}
		return
	}
	title := units.Counted(len(p.Breaches), "thing that is declared is", "things that are declared are") + " not true:"
	p.lines = append(p.lines, p.ink(inkTitle, title))
	for _, breach := range p.Breaches {
		mark, ink := "  ! ", inkWarning
		if breach.Severity == judgement.Error {
			mark, ink = "  ✗ ", inkError
		}
		p.sentence(mark, ink, breach.Address+"  "+breach.Text)
	}
}

// backups have a row each, and below it one for each of their destinations.
func (p *statusPage) backups() {
	rows := [][]string{{"BACKUP / DESTINATION", "STATUS", "AGE", "COPIES", "STORED", "VERIFIED", "REMARKS"}}
	for _, backup := range p.Backups {
		stored, remarks := "-", "due "+due(backup, p.now)
		if backup.Artifact != "" {
			stored = units.Bytes(backup.StoredBytes)
			if smaller := units.Smaller(backup.RawBytes, backup.StoredBytes); smaller != "" {
				remarks += fmt.Sprintf(", %s than %s", smaller, units.Bytes(backup.RawBytes))
			}
		}
		rows = append(rows, []string{backup.Address, string(backup.Verdict), ageOf(backup.TakenAt, p.now), fmt.Sprintf("%d/%d", backup.Verified, len(backup.Copies)), stored, "", remarks})
		for _, entry := range backup.Copies {
			total := "-"
			if entry.Copies > 0 {
				total = units.Bytes(entry.TotalBytes)
			}
			rows = append(rows, []string{"  " + entry.Destination, string(entry.Verdict), ageOf(entry.NewestAt, p.now), fmt.Sprint(entry.Copies), total,
				ageOf(entry.VerifiedAt, p.now), copyRemarks(entry, p.now)})
		}
	}
	p.section(rows)
}

// drills have a row each.
func (p *statusPage) drills() {
	rows := [][]string{{"DRILL", "STATUS", "PASSED", "RECOVERY TIME", "REMARKS"}}
	for _, status := range p.Drills {
		recovery, remarks := "-", "due now"
		if status.RecoverySeconds > 0 {
			recovery = recoveryTime(status.RecoverySeconds)
		}
		if status.DueAt.After(p.now) {
			remarks = "due in " + units.Age(status.DueAt.Sub(p.now).Round(time.Minute))
		}
		if status.Last != nil {
			remarks += ", last from " + status.Last.Destination
		}
		rows = append(rows, []string{status.Address, string(status.Verdict), ago(status.PassedAt, p.now), recovery, remarks})
	}
	p.section(rows)
}

// deploys have a row each.
func (p *statusPage) deploys() {
	rows := [][]string{{"DEPLOY", "STATUS", "RUNS", "SINCE", "REMARKS"}}
	for _, status := range p.Deploys {
		runs, since, remarks := "not known", "-", ""
		if status.Running != nil {
			runs, since = planner.Abbreviated(status.Running.Commit), ago(status.RunningSince, p.now)
			if status.Running.Uncommitted {
				runs += "+"
			}
			remarks = fmt.Sprintf("%s by %s", status.Running.Strategy, status.Running.By)
		}
		if last := status.Last; last != nil && (last != status.Running || last.Phase != state.Promoted) {
			remarks = fmt.Sprintf("%s %s: %s", planner.Abbreviated(last.Commit), ago(last.Transitions[len(last.Transitions)-1].At, p.now), resultWords(last))
		}
		rows = append(rows, []string{status.Address, string(status.Verdict), runs, since, terminal.Escape(remarks)})
	}
	p.section(rows)
}

// checks have a row each.
func (p *statusPage) checks() {
	rows := [][]string{{"CHECK", "STATUS", "ASKED", "SAW"}}
	for _, status := range p.Checks {
		asked, saw := "never", "-"
		if status.Last != nil {
			asked, saw = ago(status.Last.AskedAt, p.now), terminal.Escape(status.Last.Summary)
		}
		rows = append(rows, []string{status.Address, string(status.Verdict), asked, saw})
	}
	p.section(rows)
}

// cleanups have a row each.
func (p *statusPage) cleanups() {
	rows := [][]string{{"CLEANUP", "STATUS", "SINCE", "WAS", "REMARKS"}}
	for _, status := range p.Cleanups {
		row := []string{status.Address, string(status.Verdict), "-", "-", ""}
		if last := status.Last; last != nil {
			at := last.At
			for _, later := range []time.Time{last.RemovedAt, last.RestoredAt} {
				if later.After(at) {
					at = later
				}
			}
			row[2], row[3] = ago(at, p.now), units.Bytes(last.Bytes)
			if !status.GoneAt.IsZero() {
				row[4] = "removed for good in " + units.Age(status.GoneAt.Sub(p.now))
			}
		}
		rows = append(rows, row)
	}
	p.section(rows)
}

// disks have a row each.
func (p *statusPage) disks() {
	rows := [][]string{{"DISK", "USED", "FREE", "FULL IN"}}
	for _, disk := range p.Disks {
		full := "not known"
		if disk.FullInDays != nil {
			full = fmt.Sprintf("%.0f days", *disk.FullInDays)
		}
		rows = append(rows, []string{disk.Address, fmt.Sprintf("%.0f %%", disk.UsedPercent), units.Bytes(disk.FreeBytes), full})
	}
	p.section(rows)
}

// prunes tell what retention deletes first.
func (p *statusPage) prunes() {
	rows := [][]string{{"NEXT TO BE PRUNED", "WHEN", "AGE", "STORED", "AT"}}
	for _, prune := range p.Prunes[:min(len(p.Prunes), shownPrunes)] {
		when := "now"
		if prune.At.After(p.now) {
			when = "in " + units.Age(prune.At.Sub(p.now))
		}
		rows = append(rows, []string{prune.Artifact, when, ageOf(prune.TakenAt, p.now), units.Bytes(prune.Bytes), prune.Destination})
	}
	p.section(rows)
	if more := len(p.Prunes) - shownPrunes; more > 0 {
		p.lines = append(p.lines, fmt.Sprintf("and later at %s", units.Counted(more, "other place", "other places")))
	}
}

// rest tells who hears of failures, and of the state itself.
func (p *statusPage) rest() {
	p.lines = append(p.lines, "")
	told := "nobody: no notify block asks for failure"
	if addresses := p.hearsFailures(); len(addresses) > 0 {
		told = strings.Join(addresses, ", ")
	}
	p.sentence("Told of failures  ", "", told)
	text := fmt.Sprintf("%s, serial %d, ", p.State.Location, p.State.Serial)
	if p.State.Locked {
		text += "locked by " + state.DescribeHolders(p.State.Holders)
	} else {
		text += "not locked"
	}
	p.sentence("State             ", "", text)
	title := "Interrupted       "
	if p.State.Locked {
		title = "Running           "
	}
	for i, open := range p.State.Open {
		if i == shownPrunes {
			p.lines = append(p.lines, fmt.Sprintf("%s… and %d more", strings.Repeat(" ", len(title)), len(p.State.Open)-i))
			break
		}
		text := fmt.Sprintf("%s of %s, begun %s", open.Kind, open.Address, ago(open.BeganAt, p.now))
		if !p.State.Locked {
			text += "; the next apply settles it"
		}
		p.sentence(title, "", text)
		title = strings.Repeat(" ", len(title))
	}
}

// copyRemarks say what else is worth knowing of a backup at a destination.
func copyRemarks(entry copyStatus, now time.Time) string {
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
	if !entry.LastReadBackAt.IsZero() {
		parts = append(parts, "read back "+ago(entry.LastReadBackAt, now))
	}
	switch {
	case entry.ReadBackDueAt.IsZero():
	case entry.ReadBackDueAt.After(now):
		parts = append(parts, "to be read back in "+units.Age(entry.ReadBackDueAt.Sub(now).Round(time.Minute)))
	default:
		parts = append(parts, "to be read back now")
	}
	return strings.Join(parts, ", ")
}

// ageOf prints how old something is.
func ageOf(at, now time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return units.Age(now.Sub(at))
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
