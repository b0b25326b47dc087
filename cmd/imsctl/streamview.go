package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/hashicorp/hcl/v2"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

// streamView prints one JSON object per line.
type streamView struct {
	cli *cli
	out jsonLines
	// file is closed at the end; nil for standard output.
	file io.Closer
}

// newStreamView begins a stream with the line that tells its versions.
func (c *cli) newStreamView(w io.Writer, file io.Closer) *streamView {
	view := &streamView{cli: c, out: jsonLines{w: w, clock: c.clock}, file: file}
	view.out.print(levelInfo, "version", "imsctl v"+c.version, map[string]any{"imsctl_version": c.version})
	c.streams = append(c.streams, view)
	return view
}

// diagnostics tells of what is wrong with a specification.
func (v *streamView) diagnostics(list hcl.Diagnostics, files map[string]*hcl.File) {
	for _, message := range validationOf(list, files).Diagnostics {
		v.diagnostic(message)
	}
}

// diagnostic tells of what is in the way of the command as a whole. What becomes of an action is told with its end.
func (v *streamView) diagnostic(message validationMessage) {
	level := levelError
	if message.Severity == severityWarning {
		level = levelWarn
	}
	v.out.print(level, "diagnostic", message.Summary, map[string]any{"diagnostic": message})
}

func (v *streamView) planned(plan *planner.Plan) error {
	document, err := planner.MarshalJSONDocument(plan, v.cli.version)
	if err != nil {
		return err
	}
	v.out.print(levelInfo, "plan", planner.Summary(plan), map[string]any{"plan": jsontext.Value(document)})
	return v.out.failure()
}

func (v *streamView) begin(*planner.Plan) {}

// Started implements executor.Reporter.
func (v *streamView) Started(action planner.Action) {
	meta := action.Common()
	v.out.print(levelInfo, "apply_start", meta.Address+": started", map[string]any{
		"address": meta.Address, "kind": action.Kind(), "reason": meta.Reason,
	})
}

// Read implements executor.Reporter: a stream of results has no progress in it.
func (v *streamView) Read(string, int64) {}

// Branch implements executor.Reporter.
func (v *streamView) Branch(string, string, int64, pipeline.Stage) {}

// Entered implements executor.PhaseReporter.
func (v *streamView) Entered(action planner.Action, phase state.Phase) {
	address := action.Common().Address
	v.out.print(levelInfo, "deploy_phase", phaseLine(action, phase), map[string]any{"address": address, "phase": phase})
}

// phaseLine says which phase a deploy has come to.
func phaseLine(action planner.Action, phase state.Phase) string {
	return fmt.Sprintf("%s %s: %s", action.Kind().Symbol(), action.Common().Address, phase.Words())
}

// Ended implements executor.Reporter.
func (v *streamView) Ended(entry executor.Entry) {
	meta := entry.Action.Common()
	body := map[string]any{
		"address": meta.Address, "kind": entry.Action.Kind(), "status": word(entry.Status), "elapsed_seconds": entry.Took.Seconds(),
	}
	level, kind := levelInfo, "apply_complete"
	if entry.Status != executor.Done {
		level, kind = levelError, "apply_errored"
		if entry.Status == executor.Degraded {
			level = levelWarn
		}
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
	if len(entry.Places) > 0 {
		body["destinations"] = placeDocuments(entry.Places)
	}
	if entry.Drill != nil {
		body["drill"] = entry.Drill
	}
	if entry.Release != nil {
		body["release"] = entry.Release
	}
	v.out.print(level, kind, entryLine(entry), body)
}

// placeDocument is what became of an action at one destination, in JSON.
type placeDocument struct {
	Destination string `json:"destination"`
	Status      string `json:"status"`
	From        string `json:"from,omitempty"`
	Reason      string `json:"reason,omitempty"`
}

func placeDocuments(places []executor.Place) []placeDocument {
	var documents []placeDocument
	for _, place := range places {
		documents = append(documents, placeDocument{place.Destination, string(place.Status), place.From, place.Reason})
	}
	return documents
}

// word is a status as programs read it.
func word(status executor.Status) string { return strings.ReplaceAll(string(status), " ", "_") }

// close tells whether everything could be written.
func (v *streamView) close() error { return v.out.failure() }

func (v *streamView) conclude(report *executor.Report) error {
	counts := make(map[string]int)
	for _, entry := range report.Entries {
		counts[word(entry.Status)]++
	}
	level := levelInfo
	switch {
	case report.Failed(), report.Interrupted:
		level = levelError
	case report.Degraded():
		level = levelWarn
	}
	v.out.print(level, "apply_summary", headline("Apply", report), map[string]any{"counts": counts, "interrupted": report.Interrupted})
	err := v.out.failure()
	if v.file != nil {
		err = errors.Join(err, v.file.Close())
	}
	if err != nil && v.file != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("-json-into: %w", err)
	}
	return err
}

// doubleRunView shows a run in two ways at once.
type doubleRunView struct{ one, other runView }

func (v *doubleRunView) planned(plan *planner.Plan) error {
	return errors.Join(v.one.planned(plan), v.other.planned(plan))
}

func (v *doubleRunView) begin(plan *planner.Plan) {
	v.one.begin(plan)
	v.other.begin(plan)
}

// Started implements executor.Reporter.
func (v *doubleRunView) Started(action planner.Action) {
	v.one.Started(action)
	v.other.Started(action)
}

// Read implements executor.Reporter.
func (v *doubleRunView) Read(address string, bytes int64) {
	v.one.Read(address, bytes)
	v.other.Read(address, bytes)
}

// Branch implements executor.Reporter.
func (v *doubleRunView) Branch(address, destination string, bytes int64, stage pipeline.Stage) {
	v.one.Branch(address, destination, bytes, stage)
	v.other.Branch(address, destination, bytes, stage)
}

// Entered implements executor.PhaseReporter.
func (v *doubleRunView) Entered(action planner.Action, phase state.Phase) {
	v.one.Entered(action, phase)
	v.other.Entered(action, phase)
}

// Ended implements executor.Reporter.
func (v *doubleRunView) Ended(entry executor.Entry) {
	v.one.Ended(entry)
	v.other.Ended(entry)
}

func (v *doubleRunView) close() error { return errors.Join(v.one.close(), v.other.close()) }

func (v *doubleRunView) conclude(report *executor.Report) error {
	return errors.Join(v.one.conclude(report), v.other.conclude(report))
}
