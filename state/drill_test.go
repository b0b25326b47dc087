package state_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/state"
)

// sampleDrill is the i-th drill of a block.
func sampleDrill(address string, i int, outcome state.Outcome) *state.Drill {
	began := epoch.Add(time.Duration(i) * time.Hour)
	return &state.Drill{
		ID: fmt.Sprintf("run%d/%s", i, address), Address: address, Backup: "backup.database", Artifact: "database-x", Destination: "destination.local.vm", Into: "postgres",
		StartedAt: began, EndedAt: began.Add(time.Minute), RecoverySeconds: 42.5, Outcome: outcome, Tables: 3, Rows: 12, Assertions: 1,
	}
}

// record ends an intent with events.
func record(t *testing.T, ledger *state.Ledger, events ...state.Event) error {
	t.Helper()
	if len(ledger.Document().Intents) == 0 {
		if err := ledger.Apply(state.Record{Serial: ledger.Serial() + 1, Begin: sampleIntent("x")}); err != nil {
			t.Fatal(err)
		}
	}
	return ledger.Apply(state.Record{Serial: ledger.Serial() + 1, End: &state.Ending{
		Intent: ledger.Document().Intents[0].ID, Result: state.Result{Outcome: state.Done, Events: events},
	}})
}

func TestDrillsAreKept(t *testing.T) {
	ledger := state.NewLedger(&state.Document{Version: state.Version, Lineage: "l"})
	put := func(drill *state.Drill) {
		t.Helper()
		if err := record(t, ledger, state.Event{PutDrill: drill}); err != nil {
			t.Fatal(err)
		}
	}
	put(sampleDrill("drill.a", 0, state.Done))
	put(sampleDrill("drill.b", 0, state.Done))
	before := ledger.Document()
	for i := range 30 {
		put(sampleDrill("drill.a", i+1, state.Failed))
	}
	document := ledger.Document()
	kept := document.DrillsOf("drill.a")
	if len(kept) != state.KeptDrills || !kept[0].Passed() || kept[len(kept)-1].ID != "run30/drill.a" {
		t.Errorf("kept are %d, the first %+v", len(kept), kept[0])
	}
	if len(document.DrillsOf("drill.b")) != 1 || len(before.Drills) != 2 {
		t.Error("others were touched")
	}
	changed := sampleDrill("drill.b", 0, state.Done).Of("backup.other")
	put(changed)
	if others := ledger.Document().DrillsOf("drill.b"); len(others) != 1 || others[0].Backup != "backup.other" || document.DrillsOf("drill.b")[0].Backup != "backup.database" {
		t.Errorf("got %+v", others)
	}
}

func TestDrillEventsRefused(t *testing.T) {
	for name, event := range map[string]state.Event{
		"no id":      {PutDrill: &state.Drill{Address: "drill.a", Outcome: state.Done}},
		"no outcome": {PutDrill: &state.Drill{ID: "x", Address: "drill.a"}},
		"abandoned":  {PutDrill: sampleDrill("drill.a", 0, state.Abandoned)},
		"two in one": {PutDrill: sampleDrill("drill.a", 0, state.Done), PutArtifact: sampleArtifact("database", 0, "destination.local.vm")},
	} {
		ledger := state.NewLedger(&state.Document{Version: state.Version, Lineage: "l"})
		good := state.Event{PutDrill: sampleDrill("drill.b", 0, state.Done)}
		if err := record(t, ledger, good, event); err == nil || len(ledger.Document().Drills) != 0 || len(ledger.Document().Artifacts) != 0 {
			t.Errorf("%s: got %v, %v", name, err, ledger.Document().Drills)
		}
		document := ledger.Document()
		if err := document.Apply(event); err == nil {
			t.Errorf("%s: the document took it", name)
		}
	}
}

func TestSnapshotKeepsDrills(t *testing.T) {
	document := sampleDocument(1)
	document.Drills = []*state.Drill{sampleDrill("drill.a", 0, state.Done), sampleDrill("drill.a", 1, state.Failed)}
	document.Drills[1].Differences, document.Drills[1].Error = []string{"a has 1 row"}, "it differs"
	data := encode(t, document)
	if diff := cmp.Diff(document.Drills, decode(t, data).Drills); diff != "" {
		t.Error(diff)
	}
	for from, to := range map[string]string{
		`"outcome":"failed"`:   `"outcome":"whatever"`,
		`"id":"run1/drill.a"`:  `"id":"run0/drill.a"`,
		`"id":"run0/drill.a",`: ``,
	} {
		changed := strings.Replace(string(data), from, to, 1)
		if _, err := state.Decode(strings.NewReader(string(redigest([]byte(changed))))); changed == string(data) || err == nil {
			t.Errorf("%s was accepted", to)
		}
	}
	unknown := strings.Replace(string(data), `{"id":"run0/drill.a"`, `{"by":"hand","id":"run0/drill.a"`, 1)
	if again := string(encode(t, decode(t, redigest([]byte(unknown))))); strings.Count(again, `"by":"hand"`) != 1 {
		t.Errorf("an unknown field was lost:\n%s", again)
	}
}

func TestDrillFingerprints(t *testing.T) {
	document := sampleDocument(1)
	nothing := state.Fingerprint(nil, nil)
	if state.DrillFingerprint(nil) != nothing {
		t.Error("no drill has another fingerprint than nothing")
	}
	document.Drills = []*state.Drill{sampleDrill("drill.a", 0, state.Done)}
	first := document.Fingerprints()["drill.a"]
	document.Drills = append(document.Drills, sampleDrill("drill.a", 1, state.Done))
	if second := document.Fingerprints()["drill.a"]; first == nothing || second == first {
		t.Errorf("got %s, then %s", first, second)
	}
}
