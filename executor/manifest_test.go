package executor_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/internal/testenv/bucket"
	"github.com/castrolanda/imsctl/providers/destination/destinationtest/strict"
	"github.com/castrolanda/imsctl/state"
)

// TestManifestsDoNotWaitForEachOther lets one destination take no manifest before another one has it.
func TestManifestsDoNotWaitForEachOther(t *testing.T) {
	b := newWorkbench(t)
	other := strict.New(bucket.New(b.clock), "")
	b.world.Destinations["destination.local.first"] = other
	other.Inject(strict.Fault{Operation: strict.Commit, Kind: strict.Stall, Times: 1, Key: func(key string) bool { return strings.HasSuffix(key, state.ManifestSuffix) },
		Hit: func(key string) {
			for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
				if found, _ := filepath.Glob(filepath.Join(b.folder, "place", key)); len(found) == 1 {
					go other.Heal()
					return
				}
			}
			t.Error("the manifests are written one after the other")
			go other.Heal()
		}})
	action := b.plannedBackup()
	action.Destinations = []string{"destination.local.first", placeAddress}
	report := b.run(action)
	if artifacts := b.session.Document().Artifacts; report.Entries[0].Status == executor.Failed || len(artifacts) != 1 || other.Hits() != 1 {
		t.Errorf("%s: %v, %+v", report.Entries[0].Status, report.Entries[0].Err, artifacts)
	}
}

// TestManifestThatCannotBeTakenBack lets a manifest be stored, say that it is not, and keep it: then its bytes stay too.
func TestManifestThatCannotBeTakenBack(t *testing.T) {
	b := newWorkbench(t)
	other := strict.New(bucket.New(b.clock), "")
	b.world.Destinations["destination.local.other"] = other
	isManifest := func(key string) bool { return strings.HasSuffix(key, state.ManifestSuffix) }
	other.Inject(
		strict.Fault{Operation: strict.Commit, Kind: strict.LostAnswer, Times: 1, Key: isManifest},
		strict.Fault{Operation: strict.Abort, Kind: strict.Refused, Key: isManifest},
	)
	action := b.plannedBackup()
	action.Destinations = []string{placeAddress, "destination.local.other"}
	if report := b.run(action); report.Entries[0].Status != executor.Degraded {
		t.Errorf("%s: %v", report.Entries[0].Status, report.Entries[0].Err)
	}
	artifact := b.session.Document().Artifacts[0]
	if names := other.Store().Names(); !slices.Equal(names, []string{artifact.Key, state.ManifestKey(artifact.Key)}) {
		t.Errorf("the store has %q", names)
	}
}
