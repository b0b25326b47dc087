package state_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/state"
)

func TestRelabel(t *testing.T) {
	const placeC = "destination.local.0"
	artifact := sampleArtifact("a", 1, placeA, placeB)
	before := *artifact
	before.Replicas = append([]state.Replica(nil), artifact.Replicas...)

	if after := artifact.Of("backup.other"); after.Backup != "backup.other" || after.Key != artifact.Key {
		t.Errorf("of another backup: %+v", after)
	}
	after := artifact.Relocated(placeB, placeC)
	if destinations := after.VerifiedAt(); !cmp.Equal(destinations, []string{placeC, placeA}) {
		t.Errorf("relocated: %v", destinations)
	}
	moved, _ := after.Replica(placeC)
	if old, _ := before.Replica(placeB); moved.Version != old.Version || !moved.StoredAt.Equal(old.StoredAt) {
		t.Errorf("the copy is another one: %+v", moved)
	}
	merged := artifact.Relocated(placeB, placeA)
	kept, _ := merged.Replica(placeA)
	if want, _ := before.Replica(placeA); len(merged.Replicas) != 1 || kept.Version != want.Version {
		t.Errorf("relocated to where it is recorded: %+v", merged.Replicas)
	}
	if artifact.Relocated(placeC, placeA) != artifact || artifact.Without(placeC) != artifact {
		t.Error("a copy that is not there changed the artifact")
	}
	if after := artifact.Without(placeA); len(after.Replicas) != 1 || after.Without(placeB) != nil {
		t.Errorf("without a copy: %+v", after)
	}
	if difference := cmp.Diff(before.Replicas, artifact.Replicas); difference != "" {
		t.Errorf("the artifact itself was changed:\n%s", difference)
	}
}
