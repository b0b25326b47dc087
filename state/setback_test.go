package state_test

import (
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/state"
)

// sampleSetback is one that so many runs have met.
func sampleSetback(address string, runs int) *state.Setback {
	return &state.Setback{Address: address, Since: epoch, LastAt: epoch.Add(time.Duration(runs) * time.Hour), Runs: runs, Error: "no route to host"}
}

func TestSetbacksAreSettled(t *testing.T) {
	ledger := state.NewLedger(sampleDocument(0))
	before := ledger.Document()
	for _, step := range []struct {
		settlement state.Settlement
		want       string
	}{
		{state.Settlement{Failed: []*state.Setback{sampleSetback("backup.b", 1), sampleSetback("backup.a", 1)}}, "backup.a 1, backup.b 1"},
		{state.Settlement{Failed: []*state.Setback{sampleSetback("backup.b", 2)}, Well: []string{"backup.a"}}, "backup.b 2"},
		{state.Settlement{Well: []string{"backup.b", "backup.never"}}, ""},
	} {
		if err := record(t, ledger, state.Event{Settle: &step.settlement}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, setback := range ledger.Document().Setbacks {
			got = append(got, setback.Address+" "+string(rune('0'+setback.Runs)))
		}
		if strings.Join(got, ", ") != step.want {
			t.Errorf("got %q, want %q", got, step.want)
		}
	}
	if len(before.Setbacks) != 0 {
		t.Errorf("an earlier document has changed: %v", before.Setbacks)
	}
}

func TestSetbacksThatCannotBe(t *testing.T) {
	for name, event := range map[string]state.Event{
		"no address": {Settle: &state.Settlement{Failed: []*state.Setback{sampleSetback("", 1)}}},
		"no run":     {Settle: &state.Settlement{Failed: []*state.Setback{sampleSetback("backup.a", 0)}}},
		"twice":      {Settle: &state.Settlement{Failed: []*state.Setback{sampleSetback("backup.a", 1), sampleSetback("backup.a", 1)}}},
		"two in one": {Settle: &state.Settlement{}, PutDrill: sampleDrill("drill.a", 0, state.Done)},
	} {
		document := sampleDocument(0)
		if err := document.Apply(event); err == nil || len(document.Setbacks) > 0 {
			t.Errorf("%s: %v, %v", name, err, document.Setbacks)
		}
	}
}
