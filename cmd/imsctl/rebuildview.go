package main

import (
	"bufio"
	"fmt"
	"maps"
	"slices"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

// rebuildView shows what a rebuilt state has more than the one that is there.
type rebuildView struct {
	cli      *cli
	location string
	json     bool
	dryRun   bool
}

func (c *cli) newRebuildView(project *project, arguments rebuildArguments) *rebuildView {
	return &rebuildView{cli: c, location: project.backend.Location(), json: arguments.json, dryRun: arguments.dryRun}
}

// show prints what was found, for people.
func (v *rebuildView) show(rebuilding *planner.Rebuilding) error {
	if v.json {
		return nil
	}
	out := bufio.NewWriter(v.cli.stdout)
	for _, address := range slices.Sorted(maps.Keys(rebuilding.Manifests)) {
		fmt.Fprintf(out, "%s: %s\n", address, counted(rebuilding.Manifests[address], "manifest"))
	}
	backup := ""
	for _, addition := range rebuilding.Added {
		artifact := addition.Artifact
		if artifact.Backup != backup {
			backup = artifact.Backup
			fmt.Fprintf(out, "\n%s\n", backup)
		}
		note := ""
		if addition.Recorded {
			note = ", recorded already"
		}
		fmt.Fprintf(out, "  + %s  taken %s, stored %s%s\n", artifact.ID, minute(artifact.StartedAt), units.Bytes(artifact.Stored.Size), note)
		for _, copied := range addition.Copies {
			fmt.Fprintf(out, "      %s  %s\n", copied.Destination, found(copied))
		}
	}
	v.doubts(out, rebuilding)
	return out.Flush()
}

// found says what is known of a copy that was found.
func found(copied state.Replica) string {
	switch copied.Condition {
	case state.Verified:
		return "proven by the store's checksum"
	case state.Altered:
		return "altered: " + copied.Problem
	}
	return "whole by its size, not read back yet"
}

// doubts prints what is not taken, and what is not there.
func (v *rebuildView) doubts(out *bufio.Writer, rebuilding *planner.Rebuilding) {
	if len(rebuilding.LeftOut) > 0 {
		fmt.Fprint(out, "\nLeft out, and not touched\n")
	}
	for _, left := range rebuilding.LeftOut {
		fmt.Fprintf(out, "  * %s  %s\n      %s\n", left.Destination, left.Key, left.Problem)
	}
	if len(rebuilding.Others) > 0 {
		fmt.Fprint(out, "\nOf other histories of states, and not taken (-lineage takes them)\n")
	}
	for _, other := range rebuilding.Others {
		fmt.Fprintf(out, "  * %s  %s, the newest of %s\n", other.ID, counted(other.Artifacts, "artifact"), minute(other.Newest))
	}
	if len(rebuilding.Absent) > 0 {
		fmt.Fprint(out, "\nRecorded and not found; they stay recorded, and the next plan says what becomes of them\n")
	}
	for _, absent := range rebuilding.Absent {
		fmt.Fprintf(out, "  * %s  %s\n", absent.Destination, absent.Artifact)
	}
}

// conclude says what became of the state.
func (v *rebuildView) conclude(rebuilding *planner.Rebuilding) error {
	if v.json {
		return v.cli.printJSON(v.document(rebuilding))
	}
	copies := 0
	for _, addition := range rebuilding.Added {
		copies += len(addition.Copies)
	}
	additions := fmt.Sprintf("%d copies of %s", copies, counted(len(rebuilding.Added), "artifact"))
	if copies == 1 {
		additions = "1 copy of 1 artifact"
	}
	text := ""
	switch after := rebuilding.Document; {
	case !rebuilding.HasChanges():
		text = "\nNo changes. The state records every copy that was found and can be used.\n"
	case v.dryRun:
		text = fmt.Sprintf("\n%s would be recorded in %s, with the lineage %s. Nothing was changed.\n", additions, v.location, after.Lineage)
	default:
		text = fmt.Sprintf("\n%s recorded in %s: serial %d, lineage %s.\nRun \"imsctl plan\": what is not read back yet, the next apply reads.\n",
			additions, v.location, after.Serial, after.Lineage)
	}
	_, err := fmt.Fprint(v.cli.stdout, text)
	return err
}
