package state_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/state"
)

// sampleRelease is the i-th deploy of a block, in a phase.
func sampleRelease(address string, i int, phase state.Phase) *state.Release {
	at := time.Date(2026, 11, 22, 2, i, 0, 0, time.UTC)
	release := &state.Release{
		ID: fmt.Sprintf("20261122T0200%02dZ-a1b2c3d", i), Address: address, Commit: strings.Repeat("a", 40), Strategy: "hybrid", By: "ana@laptop",
		Phase: state.Planned, Transitions: []state.Transition{{Phase: state.Planned, At: at}},
	}
	release.Folder = release.ID
	if phase != state.Planned {
		release = release.Enter(phase, at.Add(time.Minute))
	}
	return release
}

func TestReleasesAreKept(t *testing.T) {
	ledger := state.NewLedger(sampleDocument(0))
	put := func(release *state.Release) {
		t.Helper()
		if err := record(t, ledger, state.Event{PutRelease: release}); err != nil {
			t.Fatal(err)
		}
	}
	put(sampleRelease("deploy.a", 0, state.Promoted))
	put(sampleRelease("deploy.a", 1, state.Deploying))
	put(sampleRelease("deploy.b", 0, state.Promoted))
	for i := range state.KeptReleases {
		put(sampleRelease("deploy.a", i+2, state.RolledBack))
	}
	kept := ledger.Document().ReleasesOf("deploy.a")
	if len(kept) != state.KeptReleases || kept[0].Phase != state.Promoted || kept[1].Phase != state.Deploying {
		t.Errorf("kept %d, the first of them %s and %s: neither the last that was promoted nor one that has not ended may go", len(kept), kept[0].Phase, kept[1].Phase)
	}
	if len(ledger.Document().ReleasesOf("deploy.b")) != 1 {
		t.Error("those of another block were touched")
	}
	put(sampleRelease("deploy.a", 1, state.Deploying).Enter(state.Verifying, time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)))
	if again := ledger.Document().ReleasesOf("deploy.a"); len(again) != len(kept) || again[1].Phase != state.Verifying || kept[1].Phase != state.Deploying {
		t.Error("a deploy in another phase is another one, or one that was handed out was altered")
	}
}

func TestReleaseEventsRefused(t *testing.T) {
	for name, event := range map[string]state.Event{
		"no id":       {PutRelease: &state.Release{Address: "deploy.a", Phase: state.Planned, Transitions: []state.Transition{{Phase: state.Planned}}}},
		"no phase":    {PutRelease: &state.Release{ID: "x", Address: "deploy.a", Phase: "begun", Transitions: []state.Transition{{Phase: "begun"}}}},
		"not entered": {PutRelease: &state.Release{ID: "x", Address: "deploy.a", Phase: state.Planned}},
		"two in one":  {PutRelease: sampleRelease("deploy.a", 0, state.Planned), PutDrill: sampleDrill("drill.a", 0, state.Done)},
	} {
		ledger := state.NewLedger(sampleDocument(0))
		if err := record(t, ledger, event); err == nil || len(ledger.Document().Releases) != 0 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSnapshotKeepsReleases(t *testing.T) {
	document := sampleDocument(0)
	document.Releases = []*state.Release{sampleRelease("deploy.a", 0, state.Promoted), sampleRelease("deploy.b", 1, state.Deploying)}
	data := encode(t, document)
	if diff := cmp.Diff(document.Releases, decode(t, data).Releases); diff != "" {
		t.Error(diff)
	}
	for old, damaged := range map[string]string{
		`"address":"deploy.b"`: `"address":"deploy.a"`,
		`"phase":"promoted"`:   `"phase":"glorious"`,
	} {
		changed := strings.Replace(string(data), old, damaged, 1)
		if old == `"address":"deploy.b"` {
			changed = strings.ReplaceAll(changed, "020001Z", "020000Z")
		}
		if _, err := state.Decode(strings.NewReader(string(redigest([]byte(changed))))); changed == string(data) || err == nil {
			t.Errorf("%s was read", damaged)
		}
	}
}

func TestPhases(t *testing.T) {
	begun := sampleRelease("deploy.a", 0, state.Checking)
	failed := begun.Enter(state.Failure, time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))
	if begun.Phase != state.Checking || !begun.EndedAt().IsZero() || failed.EndedAt().Hour() != 3 || failed.WasTouched() {
		t.Errorf("got %+v", failed)
	}
	if !sampleRelease("deploy.a", 0, state.Verifying).WasTouched() {
		t.Error("what was verified had not been touched")
	}
}
