package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/internal/terminal"
	"github.com/castrolanda/imsctl/planner"
)

// runView shows a run while it happens and afterwards.
type runView interface {
	executor.Reporter
	// close ends the live display. Nothing is reported after it.
	close() error
	// conclude prints what became of the whole.
	conclude(report *executor.Report)
}

// newRunView returns the view for people or the one for programs.
func (c *cli) newRunView(plan *planner.Plan, asJSON bool) runView {
	if asJSON {
		return &jsonRunView{cli: c}
	}
	view := &humanRunView{cli: c}
	if plan.HasChanges() {
		fmt.Fprintln(c.stdout)
		view.display = c.openDisplay(c.stdout)
	}
	return view
}

// humanRunView prints a line for each action that ends, with a live display above on a terminal.
type humanRunView struct {
	cli     *cli
	display *terminal.Display
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

// Ended implements executor.Reporter.
func (v *humanRunView) Ended(entry executor.Entry) {
	v.display.Finish(entry.Action.Common().Address, entryLine(entry))
	for _, warning := range entry.Warnings {
		v.display.Println("    warning: " + warning)
	}
}

func (v *humanRunView) close() error {
	if v.display == nil {
		return nil
	}
	return v.cli.closeDisplay(v.display)
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
	case executor.Skipped:
		line += ": something it waits for failed"
	}
	return line
}

// conclude prints the errors and, after anything but a full success, what is done, what is not, and how to go on.
func (v *humanRunView) conclude(report *executor.Report) {
	for _, entry := range report.Entries {
		if entry.Err == nil || report.Interrupted && errors.Is(entry.Err, context.Canceled) {
			continue
		}
		severity := "Error"
		if entry.Status == executor.Degraded {
			severity = "Warning"
		}
		v.cli.problem(severity, entry.Action.Common().Address, entry.Err)
	}
	if len(report.Entries) == 0 {
		return
	}
	fmt.Fprintf(v.cli.stdout, "\n%s\n", headline(report))
	if next := nextStep(report); next != "" {
		fmt.Fprintln(v.cli.stdout, next)
	}
}

// headline counts what became of the actions.
func headline(report *executor.Report) string {
	var parts []string
	for _, status := range []executor.Status{
		executor.Done, executor.Degraded, executor.Failed, executor.Skipped, executor.Blocked, executor.NotStarted,
	} {
		if count := report.Count(status); count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count, status))
		}
	}
	verdict := "Apply complete"
	switch {
	case report.Interrupted:
		verdict = "Apply interrupted"
	case report.Failed():
		verdict = "Apply failed"
	case report.Degraded():
		verdict = "Apply degraded"
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
		return "The backup is good, but copies are missing. Run the same command again to add them."
	}
	return ""
}

// jsonRunView prints one object per line.
type jsonRunView struct {
	cli *cli
	out jsonLines
}

// Started implements executor.Reporter.
func (v *jsonRunView) Started(action planner.Action) {
	meta := action.Common()
	v.out.print(v.cli, "apply_start", meta.Address+": started", map[string]any{
		"address": meta.Address, "kind": action.Kind(), "reason": meta.Reason,
	})
}

// Read implements executor.Reporter: a stream of results has no progress in it.
func (v *jsonRunView) Read(string, int64) {}

// Branch implements executor.Reporter.
func (v *jsonRunView) Branch(string, string, int64, pipeline.Stage) {}

// Ended implements executor.Reporter.
func (v *jsonRunView) Ended(entry executor.Entry) {
	meta := entry.Action.Common()
	body := map[string]any{
		"address": meta.Address, "kind": entry.Action.Kind(), "status": strings.ReplaceAll(string(entry.Status), " ", "_"),
		"elapsed_seconds": entry.Took.Seconds(),
	}
	kind := "apply_complete"
	if entry.Status != executor.Done {
		kind = "apply_errored"
	}
	if entry.Err != nil {
		body["error"] = entry.Err.Error()
	}
	if entry.Summary != "" {
		body["summary"] = entry.Summary
	}
	if len(entry.Warnings) > 0 {
		body["warnings"] = entry.Warnings
	}
	v.out.print(v.cli, kind, entryLine(entry), body)
}

func (v *jsonRunView) close() error { return nil }

func (v *jsonRunView) conclude(report *executor.Report) {
	counts := make(map[string]int)
	for _, entry := range report.Entries {
		counts[strings.ReplaceAll(string(entry.Status), " ", "_")]++
	}
	v.out.print(v.cli, "apply_summary", headline(report), map[string]any{"counts": counts, "interrupted": report.Interrupted})
}
