package executor_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// TestPruneLeavesTheLastVerifiedCopy gives the executor plans that no planner makes: whatever a plan says, the last
// verified copy at a destination stays, and so does one that is not what the plan saw.
func TestPruneLeavesTheLastVerifiedCopy(t *testing.T) {
	for name, change := range map[string]func(b *workbench, first, second *state.Artifact, prune *planner.Prune){
		"the only copy": func(b *workbench, first, second *state.Artifact, prune *planner.Prune) {
			b.run(&planner.Forget{Meta: planner.Meta{Address: "f", Backup: backupAddress}, Artifact: second.ID, Destination: placeAddress})
		},
		"fewer than the plan promises": func(_ *workbench, _, _ *state.Artifact, prune *planner.Prune) { prune.Remaining = 2 },
		"the other one is gone from the disk": func(b *workbench, _, second *state.Artifact, _ *planner.Prune) {
			b.remove(second.Key)
		},
		"the other one was cut": func(b *workbench, _, second *state.Artifact, _ *planner.Prune) {
			b.truncate(second.Key)
		},
		"the other one's manifest is damaged": func(b *workbench, _, second *state.Artifact, _ *planner.Prune) {
			b.truncate(state.ManifestKey(second.Key))
		},
		"it is another version than the plan saw": func(_ *workbench, _, _ *state.Artifact, prune *planner.Prune) {
			prune.ManifestVersion += "0"
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWorkbench(t)
			first := b.backup()
			b.clock.Advance(time.Hour)
			second := b.backup()
			prune := b.prune(first)
			change(b, first, second, prune)
			report := b.run(prune)
			if report.Count(executor.Failed) != 1 {
				t.Fatalf("it was deleted: %+v", report.Entries)
			}
			for _, key := range []string{first.Key, state.ManifestKey(first.Key)} {
				if _, err := b.place.Stat(t.Context(), key); err != nil {
					t.Errorf("%s: %v", key, err)
				}
			}
		})
	}
}

func TestPruneDeletesBothObjectsAndTheRecord(t *testing.T) {
	b := newWorkbench(t)
	first := b.backup()
	b.clock.Advance(time.Hour)
	b.backup()
	if report := b.run(b.prune(first)); report.Count(executor.Done) != 1 {
		t.Fatalf("%v", report.Entries[0].Err)
	}
	for _, key := range []string{first.Key, state.ManifestKey(first.Key)} {
		if _, err := b.place.Stat(t.Context(), key); !errors.Is(err, providers.ErrNotExist) {
			t.Errorf("%s: %v", key, err)
		}
	}
	if b.session.Document().Find(first.ID) != nil {
		t.Error("the record is still there")
	}
}

// TestFailedManifestLeavesNoBytes makes the manifest impossible to write: the bytes without one are removed again.
func TestFailedManifestLeavesNoBytes(t *testing.T) {
	b := newWorkbench(t)
	b.world.Destinations[placeAddress] = refusing{b.place}
	report := b.run(b.plannedBackup())
	if report.Count(executor.Failed) != 1 || !strings.Contains(report.Entries[0].Err.Error(), "writing the manifest") {
		t.Fatalf("%+v", report.Entries[0])
	}
	var keys []string
	err := b.place.List(t.Context(), "", func(object providers.Object) error {
		keys = append(keys, object.Key)
		return nil
	})
	if err != nil || len(keys) > 0 {
		t.Errorf("left: %v, %v", keys, err)
	}
	if document := b.session.Document(); len(document.Artifacts) > 0 || len(document.Intents) > 0 {
		t.Errorf("state: %+v", document)
	}
}

// TestVerifyRecordsDamage flips a bit and finds the copy altered in the state.
func TestVerifyRecordsDamage(t *testing.T) {
	b := newWorkbench(t)
	artifact := b.backup()
	path := filepath.Join(b.folder, "place", artifact.Key)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	verify := &planner.Verify{Meta: planner.Meta{Address: "v", Backup: backupAddress}, Artifact: artifact.ID, Destination: placeAddress}
	if report := b.run(verify); report.Count(executor.Failed) != 1 {
		t.Fatalf("%+v", report.Entries)
	}
	replica, _ := b.session.Document().Find(artifact.ID).Replica(placeAddress)
	if replica.Condition != state.Altered || replica.Problem == "" {
		t.Errorf("%+v", replica)
	}
}
