package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/state"
)

// For people the copies stand in columns with titles; what is beside an address that is too wide goes below it.
func TestCopyRows(t *testing.T) {
	document := &state.Document{Artifacts: []*state.Artifact{
		{Description: state.Description{ID: "one", Backup: "backup.a", Stored: state.Sums{Size: 2048}}, Replicas: []state.Replica{{Destination: "destination.local.d", Condition: state.Verified}}},
		{Description: state.Description{ID: "two", Backup: "backup.bb", Stored: state.Sums{Size: 1}}, Replicas: []state.Replica{{Destination: "destination.local.d", Condition: state.Altered}}},
	}}
	rows := slices.Insert(copyRows(document, nil), 0, []string{"COPY", "SIZE", "CONDITION"})
	lines, err := tableLines(80, rows)
	want := "COPY                               SIZE     CONDITION\n" +
		"backup.a@destination.local.d#one   2.0 KiB  verified\n" +
		"backup.bb@destination.local.d#two  1 B      altered"
	if got := strings.Join(lines, "\n"); err != nil || got != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	if rows := copyRows(document, []string{"bb"}); len(rows) != 1 || rows[0][0] != "backup.bb@destination.local.d#two" {
		t.Errorf("one backup: %q", rows)
	}
}
