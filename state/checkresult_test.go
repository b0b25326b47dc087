package state_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/state"
)

// sampleResult is what a check saw so long after the epoch.
func sampleResult(address string, after time.Duration, verdict string) *state.CheckResult {
	return &state.CheckResult{
		Address: address, AskedAt: epoch.Add(after), Verdict: verdict, Summary: "/ is 43 % full", Figures: map[string]float64{"used_percent": 43.5},
	}
}

// asked are the hours after the epoch at which the results of a check were recorded.
func asked(results []*state.CheckResult) []float64 {
	var hours []float64
	for _, result := range results {
		hours = append(hours, result.AskedAt.Sub(epoch).Hours())
	}
	return hours
}

func TestResultsAreThinned(t *testing.T) {
	every := func(pause, until time.Duration) []time.Duration {
		var times []time.Duration
		for at := time.Duration(0); at <= until; at += pause {
			times = append(times, at)
		}
		return times
	}
	for name, test := range map[string]struct {
		times []time.Duration
		want  []float64
	}{
		"one":                     {[]time.Duration{0}, []float64{0}},
		"the newest stays":        {[]time.Duration{0, time.Minute, 2 * time.Minute}, []float64{0, 1. / 30}},
		"each quarter of an hour": {every(15*time.Minute, 3*time.Hour), []float64{0, 1, 2, 3}},
		"a job that is late":      {[]time.Duration{time.Minute, time.Hour, 2 * time.Hour}, []float64{1. / 60, 1, 2}},
		"each hour of two days":   {every(time.Hour, 48*time.Hour), []float64{0, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48}},
		"each day":                {every(24*time.Hour, 5*24*time.Hour), []float64{0, 24, 48, 72, 96, 120}},
		"once in the future":      {[]time.Duration{0, 9000 * time.Hour, time.Hour, 2 * time.Hour, 121 * time.Minute}, []float64{0, 9000, 1, 2, 121. / 60}},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := state.NewLedger(sampleDocument(0))
			for _, at := range test.times {
				for _, address := range []string{"check.disk.a", "check.disk.b"} {
					if err := record(t, ledger, state.Event{PutCheck: sampleResult(address, at, "passed")}); err != nil {
						t.Fatal(err)
					}
				}
			}
			document := ledger.Document()
			for _, address := range []string{"check.disk.a", "check.disk.b"} {
				if got := asked(document.ResultsOf(address)); fmt.Sprint(got) != fmt.Sprint(test.want) {
					t.Errorf("%s: got %v", address, got)
				}
			}
			if last := document.LastResult("check.disk.a"); last.AskedAt.Sub(epoch) != test.times[len(test.times)-1] {
				t.Errorf("the last is of %s", last.AskedAt)
			}
		})
	}
}

func TestResultsAreBounded(t *testing.T) {
	document := sampleDocument(0)
	for i := range 200 * 24 {
		if err := document.Apply(state.Event{PutCheck: sampleResult("check.disk.a", time.Duration(i)*time.Hour, "passed")}); err != nil {
			t.Fatal(err)
		}
	}
	results := document.ResultsOf("check.disk.a")
	if span := results[len(results)-1].AskedAt.Sub(results[0].AskedAt); len(results) != state.KeptResults || span < 30*24*time.Hour {
		t.Errorf("%d results over %s", len(results), span)
	}
	if document.LastResult("check.disk.b") != nil {
		t.Error("another check has a result")
	}
}

func TestResultOfTheSameMoment(t *testing.T) {
	ledger := state.NewLedger(sampleDocument(0))
	first := state.Event{PutCheck: sampleResult("check.disk.a", 0, "passed")}
	if err := record(t, ledger, first, state.Event{PutCheck: sampleResult("check.disk.b", 0, "passed")}); err != nil {
		t.Fatal(err)
	}
	before := ledger.Document()
	if err := record(t, ledger, state.Event{PutCheck: sampleResult("check.disk.a", 0, "failed")}); err != nil {
		t.Fatal(err)
	}
	if got := ledger.Document().ResultsOf("check.disk.a"); len(got) != 1 || got[0].Verdict != "failed" || before.Checks[0].Verdict != "passed" {
		t.Errorf("got %+v, before %+v", got, before.Checks)
	}
}

func TestResultEventsRefused(t *testing.T) {
	for name, event := range map[string]state.Event{
		"no address": {PutCheck: sampleResult("", 0, "passed")},
		"no time":    {PutCheck: &state.CheckResult{Address: "check.disk.a", Verdict: "passed"}},
		"no verdict": {PutCheck: sampleResult("check.disk.a", 0, "well")},
		"two in one": {PutCheck: sampleResult("check.disk.a", 0, "passed"), PutDrill: sampleDrill("drill.a", 0, state.Done)},
	} {
		ledger := state.NewLedger(sampleDocument(0))
		if err := record(t, ledger, event); err == nil || len(ledger.Document().Checks) != 0 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSnapshotKeepsResults(t *testing.T) {
	document := sampleDocument(1)
	document.Checks = []*state.CheckResult{sampleResult("check.disk.a", 0, "passed"), sampleResult("check.disk.a", time.Hour, "failed")}
	data := encode(t, document)
	twice := `"asked_at":"` + epoch.Add(time.Hour).Format(time.RFC3339Nano) + `"`
	if diff := cmp.Diff(document.Checks, decode(t, data).Checks); diff != "" {
		t.Error(diff)
	}
	for from, to := range map[string]string{
		`"verdict":"failed"`:         `"verdict":"whatever"`,
		twice:                        `"asked_at":"` + epoch.Format(time.RFC3339Nano) + `"`,
		`{"address":"check.disk.a",`: `{`,
	} {
		changed := strings.Replace(string(data), from, to, 1)
		if _, err := state.Decode(strings.NewReader(string(redigest([]byte(changed))))); changed == string(data) || err == nil {
			t.Errorf("%s was accepted", to)
		}
	}
	unknown := strings.Replace(string(data), `{"address":"check.disk.a"`, `{"by":"hand","address":"check.disk.a"`, 1)
	if again := string(encode(t, decode(t, redigest([]byte(unknown))))); strings.Count(again, `"by":"hand"`) != 1 {
		t.Errorf("an unknown field was lost:\n%s", again)
	}
}
