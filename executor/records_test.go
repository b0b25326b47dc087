package executor_test

import (
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

func TestMoveAndReleaseChangeTheStateOnly(t *testing.T) {
	b := newWorkbench(t)
	artifact := b.backup()
	move := &planner.Move{Meta: planner.Meta{Address: "backup.new/moved", Backup: "backup.new"}, From: backupAddress, To: "backup.new"}
	if report := b.run(move); report.Count(executor.Done) != 1 {
		t.Fatal(report.Entries[0].Err)
	}
	after := b.session.Document().Find(artifact.ID)
	if after.Backup != "backup.new" || after.Key != artifact.Key {
		t.Errorf("got %+v", after)
	}
	relocate := &planner.Move{
		Meta: planner.Meta{Address: "backup.new@destination.local.other/moved", Backup: "backup.new"}, From: placeAddress, To: "destination.local.other",
	}
	release := &planner.Release{Meta: planner.Meta{Address: "backup.new/removed", Backup: "backup.new", After: []string{relocate.Address}}, From: "backup.new"}
	if report := b.run(relocate, release); report.Count(executor.Done) != 2 {
		t.Fatal(report.Entries)
	}
	if left := b.session.Document().Artifacts; len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if _, err := b.place.Stat(t.Context(), artifact.Key); err != nil {
		t.Errorf("the copy was touched: %v", err)
	}
	if report := b.run(release); report.Count(executor.Failed) != 1 {
		t.Error("forgetting what is forgotten succeeded")
	}
	if open := b.session.Document().Intents; len(open) > 0 {
		t.Errorf("open intents: %v", open)
	}
}

func TestAdoptRecordsOnlyWhatProvesGood(t *testing.T) {
	b := newWorkbench(t)
	artifact := b.backup()
	adopt := &planner.Adopt{
		Meta:     planner.Meta{Address: "a", Backup: "backup.new"},
		Artifact: artifact.ID, Destination: placeAddress, Key: artifact.Key, ManifestSHA256: artifact.ManifestSHA256,
	}
	failed := func(want string) {
		t.Helper()
		report := b.run(adopt)
		if report.Count(executor.Failed) != 1 || !strings.Contains(report.Entries[0].Err.Error(), want) {
			t.Fatalf("got %v, want %q", report.Entries[0].Err, want)
		}
	}
	failed("is recorded for " + backupAddress)
	forget := &planner.Release{Meta: planner.Meta{Address: backupAddress + "/removed", Backup: backupAddress}, From: backupAddress}
	if report := b.run(forget); report.Count(executor.Done) != 1 {
		t.Fatal(report.Entries[0].Err)
	}
	adopt.ManifestSHA256 = "other"
	failed("not the one that the plan saw")
	adopt.ManifestSHA256 = artifact.ManifestSHA256
	if report := b.run(adopt); report.Count(executor.Done) != 1 {
		t.Fatal(report.Entries[0].Err)
	}
	after := b.session.Document().Find(artifact.ID)
	if after == nil || after.Backup != "backup.new" || len(after.VerifiedAt()) != 1 || after.Key != artifact.Key {
		t.Fatalf("got %+v", after)
	}

	forget = &planner.Release{Meta: planner.Meta{Address: "backup.new/removed", Backup: "backup.new"}, From: "backup.new"}
	if report := b.run(forget); report.Count(executor.Done) != 1 {
		t.Fatal(report.Entries[0].Err)
	}
	b.truncate(artifact.Key)
	failed("not adopted")
	if got := b.session.Document().Find(artifact.ID); got != nil {
		t.Errorf("a damaged copy is recorded: %+v", got)
	}
	b.remove(state.ManifestKey(artifact.Key))
	failed("reading the manifest")
}
