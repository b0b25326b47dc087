package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/internal/terminal"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

// runView shows a run before it, while it happens and afterwards.
type runView interface {
	executor.PhaseReporter
	// planned shows the plan.
	planned(plan *planner.Plan) error
	// begin comes right before the plan is carried out.
	begin(plan *planner.Plan)
	// close ends the live display. Nothing is reported after it.
	close() error
	// conclude prints what became of the whole.
	conclude(report *executor.Report) error
}

// newRunView returns the view for people, who are told of the run by its name, or the one for programs, and with a file the latter there too. What it opens is
// closed by conclude, or by the end of the program when it does not come to that.
func (c *cli) newRunView(name string, asJSON bool, file string) (runView, error) {
	var view runView = &humanRunView{cli: c, name: name}
	if asJSON {
		view = c.newStreamView(c.stdout, nil)
	}
	if file == "" {
		return view, nil
	}
	stream, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("-json-into: %w", err)
	}
	return &doubleRunView{view, c.newStreamView(stream, stream)}, nil
}

// humanRunView prints a line for each action that ends, with a live display above on a terminal.
type humanRunView struct {
	cli     *cli
	name    string
	display *terminal.Display
}

func (v *humanRunView) planned(plan *planner.Plan) error {
	return v.cli.showPlan(v.cli.stdout, plan, false)
}

func (v *humanRunView) begin(plan *planner.Plan) {
	if plan.HasChanges() {
		fmt.Fprintln(v.cli.stdout)
		v.display = v.cli.openDisplay(v.cli.stdout)
	}
}

// Started implements executor.Reporter.
func (v *humanRunView) Started(action planner.Action) {
	meta := action.Common()
	v.display.Start(meta.Address, action.Kind().Symbol(), meta.Address, meta.Bytes)
}

// Read implements executor.Reporter.
func (v *humanRunView) Read(address string, bytes int64) { v.display.Update(address, bytes) }

// Branch implements executor.Reporter.
func (v *humanRunView) Branch(address, destination string, bytes int64, stage pipeline.Stage) {
	v.display.Branch(address, destination, bytes, string(stage))
}

// Entered implements executor.PhaseReporter.
func (v *humanRunView) Entered(action planner.Action, phase state.Phase) {
	if !phase.Final() {
		v.display.Println(v.text("  ", phaseLine(action, phase)))
	}
}

// Ended implements executor.Reporter.
func (v *humanRunView) Ended(entry executor.Entry) {
	v.display.Finish(entry.Action.Common().Address, v.text("", entryLine(entry)))
	for _, line := range placeLines(entry) {
		v.display.Println(v.text("    ", line))
	}
	for _, warning := range entry.Warnings {
		v.display.Println(v.text("    ", "warning: "+warning))
	}
}

// text is what stands behind a mark, in as many lines as that takes.
func (v *humanRunView) text(mark, text string) string {
	return v.cli.fold(v.cli.stdout, mark, text, len(mark)+4)
}

func (v *humanRunView) close() error {
	if v.display == nil {
		return nil
	}
	return v.cli.closeDisplay(v.display)
}

// placeLines say what became of each destination, where that is not plainly what the action's own line says.
func placeLines(entry executor.Entry) []string {
	plain := func(place executor.Place) bool { return place.Status == executor.PlaceStored && place.From == "" }
	if len(entry.Places) < 2 || !slices.ContainsFunc(entry.Places, func(place executor.Place) bool { return !plain(place) }) {
		return nil
	}
	var lines []string
	for _, place := range entry.Places {
		// An error is told in full at the end.
		line, _, _ := strings.Cut(place.String(), "\n")
		lines = append(lines, line)
	}
	return lines
}

// entryLine is one action's end in one line.
func entryLine(entry executor.Entry) string {
	kind, address := entry.Action.Kind(), entry.Action.Common().Address
	line := fmt.Sprintf("%s %s: %s", kind.Symbol(), address, entry.Status)
	switch entry.Status {
	case executor.Done:
		line = fmt.Sprintf("%s %s: %s", kind.Symbol(), address, entry.Summary)
	case executor.Degraded:
		line += ": " + entry.Summary
	case executor.Failed:
		if isInterrupted(entry) {
			line = fmt.Sprintf("%s %s: interrupted", kind.Symbol(), address)
		}
	case executor.Skipped:
		line += ": something it waits for failed"
	}
	return line
}

// isInterrupted reports whether an action ended because the run was interrupted.
func isInterrupted(entry executor.Entry) bool { return errors.Is(entry.Err, context.Canceled) }

// conclude prints the errors and, after anything but a full success, what is done, what is not, and how to go on.
func (v *humanRunView) conclude(report *executor.Report) error {
	for _, entry := range report.Entries {
		if entry.Err == nil || report.Interrupted && isInterrupted(entry) {
			continue
		}
		severity := "Error"
		if entry.Status == executor.Degraded {
			severity = "Warning"
		}
		v.cli.problem(severity, entry.Action.Common().Address, entry.Err)
	}
	if len(report.Entries) == 0 {
		return nil
	}
	text := "\n" + headline(v.name, report) + "\n"
	if next := nextStep(report); next != "" {
		text += strings.Join(wrapped(next, v.cli.look(v.cli.stdout).Width), "\n") + "\n"
	}
	_, err := io.WriteString(v.cli.stdout, text)
	return err
}

// headline counts what became of the actions of a run.
func headline(name string, report *executor.Report) string {
	interrupted := 0
	for _, entry := range report.Entries {
		if report.Interrupted && entry.Status == executor.Failed && isInterrupted(entry) {
			interrupted++
		}
	}
	var parts []string
	for _, status := range []executor.Status{
		executor.Done, executor.Degraded, executor.Failed, executor.Skipped, executor.Blocked, executor.NotStarted,
	} {
		count := report.Count(status)
		if status == executor.Failed && interrupted > 0 {
			count -= interrupted
			parts = append(parts, fmt.Sprintf("%d interrupted", interrupted))
		}
		if count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count, status))
		}
	}
	verdict := name + " complete"
	switch {
	case report.Interrupted:
		verdict = name + " interrupted"
	case report.Failed():
		verdict = name + " failed"
	case report.Degraded():
		verdict = name + " degraded"
	}
	return verdict + ": " + strings.Join(parts, ", ") + "."
}

// nextStep says how to go on.
func nextStep(report *executor.Report) string {
	switch {
	case report.Interrupted:
		return "Nothing that was finished is lost. Run the same command again to go on."
	case report.Failed():
		return "What is done stays done. Mend the cause and run the same command again: it does only what is left."
	case report.Degraded():
		return "The backup is good, but copies are missing. Mend the cause and run the same command again to add them."
	}
	return ""
}
