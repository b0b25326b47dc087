package notice

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/providers"
)

// Run is a run that is over.
type Run struct {
	// Command is which ("apply"), Host the machine that it ran on, EndedAt when it was over.
	Command, Host string
	EndedAt       time.Time
	Plan          *planner.Plan
	Before        Memory
	// Whole is set for a run about everything that is declared, as it was found: what its plan does not speak of is well.
	Whole bool
	// After are what is not true after the run.
	After []judgement.Breach
	// Report is nil when the run could not even begin; Err is what went wrong with the run as a whole.
	Report *executor.Report
	Err    error
	// Redact strikes secrets out of a text.
	Redact func(string) string
}

// How much a notice holds: lines of text and of the log, and addresses in its subject.
const (
	textLines    = 50
	logLines     = 50
	subjectNames = 3
)

// titles begin the subjects.
var titles = map[providers.Event]string{
	providers.EventFailure: "Failed", providers.EventDegraded: "Degraded", providers.EventRecovered: "Recovered",
	providers.EventOverdue: "Overdue", providers.EventDrillFailed: "Drill failed", providers.EventDiskWarning: "Short of space",
	providers.EventPruneRefused: "Prune refused",
}

// Of says what there is to tell, at most one notice of each event: an alert for each of a thousand backups would be heard by nobody.
// What is told more closely by another event (a failed drill) is a failure too.
func (r *Run) Of() []providers.Notice {
	var notices []providers.Notice
	for _, kind := range []struct {
		event    providers.Event
		concerns []providers.Concern
	}{
		{providers.EventFailure, append(r.whole(), r.entries(isFailure)...)},
		{providers.EventDegraded, r.entries(isDegraded)},
		{providers.EventOverdue, r.overdue()},
		{providers.EventDrillFailed, r.entries(isFailedDrill)},
		{providers.EventPruneRefused, append(r.entries(isRefusedPrune), r.notes(isDoubt)...)},
		{providers.EventDiskWarning, append(r.entries(isShortage), r.notes(isDisk)...)},
		{providers.EventRecovered, r.recovered()},
	} {
		if len(kind.concerns) > 0 {
			notices = append(notices, r.notice(kind.event, r.subject(titles[kind.event], kind.concerns), kind.concerns))
		}
	}
	if r.Err == nil && r.Report != nil && !r.Report.Interrupted && !r.Report.Failed() && !r.Report.Degraded() {
		done := "nothing had to be done"
		if count := r.Report.Count(executor.Done); count > 0 {
			done = fmt.Sprintf("%d done", count)
		}
		notices = append(notices, r.notice(providers.EventSuccess, fmt.Sprintf("Well: %s (%s)", done, r.where()), nil))
	}
	return notices
}

// Start is the notice of a run that begins.
func Start(command, host string, at time.Time) providers.Notice {
	return plain(providers.EventStart, command, host, at, fmt.Sprintf("imsctl %s on %s begins", command, host))
}

// Test is the notice that says nothing but that notices arrive.
func Test(host string, at time.Time) providers.Notice {
	return plain(providers.EventTest, "notify", host, at, fmt.Sprintf("Test: imsctl on %s can reach you", host))
}

func plain(event providers.Event, command, host string, at time.Time, subject string) providers.Notice {
	return providers.Notice{Event: event, Severity: event.Severity(), Subject: subject, Time: at.UTC().Truncate(time.Second), Host: host, Run: command}
}

// notice puts one together.
func (r *Run) notice(event providers.Event, subject string, concerns []providers.Concern) providers.Notice {
	made := plain(event, r.Command, r.Host, r.EndedAt, r.redact(subject))
	var lines []string
	for _, concern := range concerns {
		concern.Text = r.redact(concern.Text)
		made.About = append(made.About, concern)
		lines = append(lines, concern.Address+": "+concern.Text)
	}
	if more := len(lines) - textLines; more > 0 {
		lines = append(lines[:textLines], fmt.Sprintf("and %d more", more))
	}
	made.Text = strings.Join(lines, "\n")
	made.Log = r.log()
	return made
}

// subject names the first of what a notice is about.
func (r *Run) subject(title string, concerns []providers.Concern) string {
	var names []string
	for _, concern := range concerns[:min(len(concerns), subjectNames)] {
		names = append(names, concern.Address)
	}
	text := title + ": " + strings.Join(names, ", ")
	if more := len(concerns) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text + " (" + r.where() + ")"
}

func (r *Run) where() string { return fmt.Sprintf("imsctl %s on %s", r.Command, r.Host) }

func (r *Run) redact(text string) string {
	if r.Redact == nil {
		return text
	}
	return r.Redact(text)
}

// log are the last lines of the run: what became of each action.
func (r *Run) log() []string {
	if r.Report == nil {
		return nil
	}
	entries := r.Report.Entries
	entries = entries[max(0, len(entries)-logLines):]
	var lines []string
	for _, entry := range entries {
		lines = append(lines, r.redact(entry.Action.Common().Address+": "+string(entry.Status)+": "+explain(entry)))
	}
	return lines
}

// explain says in a line what became of an action.
func explain(entry executor.Entry) string {
	switch {
	case entry.Err != nil:
		return strings.Join(strings.Fields(entry.Err.Error()), " ")
	case entry.Summary != "":
		return entry.Summary
	}
	return entry.Action.Common().Reason
}

// entries are the concerns of those entries that something holds of.
func (r *Run) entries(holds func(executor.Entry) bool) []providers.Concern {
	if r.Report == nil {
		return nil
	}
	var concerns []providers.Concern
	for _, entry := range r.Report.Entries {
		// That a run was interrupted is told once.
		if holds(entry) && !r.isCut(entry) {
			concerns = append(concerns, concernOf(entry))
		}
	}
	return concerns
}

func concernOf(entry executor.Entry) providers.Concern {
	return providers.Concern{Address: entry.Action.Common().Address, Artifact: artifactOf(entry.Action), Text: explain(entry)}
}

// whole is what went wrong with the run as a whole.
func (r *Run) whole() []providers.Concern {
	var concerns []providers.Concern
	if r.Err != nil {
		concerns = append(concerns, providers.Concern{Address: r.Command, Text: strings.Join(strings.Fields(r.Err.Error()), " ")})
	}
	if r.Report != nil && r.Report.Interrupted {
		concerns = append(concerns, providers.Concern{Address: r.Command, Text: fmt.Sprintf("interrupted: %s not started",
			units.Counted(r.Report.Count(executor.NotStarted), "action was", "actions were"))})
	}
	return concerns
}

// notes are the concerns of those notes of the plan that something holds of.
func (r *Run) notes(holds func(planner.Note) bool) []providers.Concern {
	var concerns []providers.Concern
	for _, note := range r.Plan.Notes {
		if holds(note) {
			concerns = append(concerns, providers.Concern{Address: note.Address, Text: note.Text})
		}
	}
	return concerns
}

// overdue are the backups that were overdue, and that the run was to take and did not.
func (r *Run) overdue() []providers.Concern {
	concerns := r.entries(func(entry executor.Entry) bool {
		since := r.Before.Overdue[entry.Action.Common().Address]
		return !since.IsZero() && !isGood(entry)
	})
	for i := range concerns {
		since := r.Before.Overdue[concerns[i].Address]
		concerns[i].Text = fmt.Sprintf("due since %s and could not be taken: %s", since.UTC().Format("2006-01-02 15:04 UTC"), concerns[i].Text)
	}
	return concerns
}

// recovered are the backups that were overdue, the drills and deploys that had failed, and whatever else an earlier run could not do,
// and that are good now.
func (r *Run) recovered() []providers.Concern {
	return r.recoveredSetbacks(r.entries(func(entry executor.Entry) bool {
		address := entry.Action.Common().Address
		return isGood(entry) && (r.Before.Failed[address] || !r.Before.Overdue[address].IsZero())
	}))
}

func isGood(entry executor.Entry) bool {
	return entry.Status == executor.Done || entry.Status == executor.Degraded
}

// obstacle is the action of an entry that was blocked, or nil.
func obstacle(entry executor.Entry) *planner.Blocked {
	blocked, _ := entry.Action.(*planner.Blocked)
	return blocked
}

func isFailure(entry executor.Entry) bool {
	blocked := obstacle(entry)
	return entry.Status == executor.Failed || blocked != nil && blocked.Failed && !blocked.Degraded
}

func isDegraded(entry executor.Entry) bool {
	blocked := obstacle(entry)
	return entry.Status == executor.Degraded || blocked != nil && blocked.Degraded
}

func isFailedDrill(entry executor.Entry) bool {
	return isFailure(entry) && strings.HasPrefix(entry.Action.Common().Address, "drill.")
}

func isRefusedPrune(entry executor.Entry) bool {
	blocked := obstacle(entry)
	return errors.Is(entry.Err, executor.ErrPruneRefused) || blocked != nil && blocked.Code == planner.PruneDoubted
}

func isShortage(entry executor.Entry) bool {
	blocked := obstacle(entry)
	return errors.Is(entry.Err, providers.ErrNoSpace) || errors.Is(entry.Err, syscall.ENOSPC) ||
		blocked != nil && (blocked.Code == planner.NoSpace || strings.HasPrefix(blocked.Address, diskCheck))
}

// diskCheck begins the addresses of checks of disks.
const diskCheck = "check.disk."

func isDisk(note planner.Note) bool { return strings.HasPrefix(note.Address, diskCheck) }

func isDoubt(note planner.Note) bool { return note.Code == planner.ClockDoubt }
