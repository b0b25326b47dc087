package executor_test

import (
	"path/filepath"
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
