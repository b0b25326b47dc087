package main

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/executor/health"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/local"
)

// heldBackend is a state that somebody holds, and that is free for whoever waits.
type heldBackend struct {
	state.Backend
	holder state.LockInfo
	waited time.Duration
}

func (b *heldBackend) Lock(ctx context.Context, holder state.LockInfo, timeout time.Duration) (state.Session, error) {
	if b.waited = timeout; timeout == 0 {
		return nil, &state.LockedError{Location: "here", Holder: b.holder}
	}
	return b.Backend.Lock(ctx, holder, timeout)
}

// Whoever does not want to wait waits for results of checks to be recorded all the same, and for nothing else.
func TestLockWaitsForRecords(t *testing.T) {
	for operation, works := range map[string]bool{checkOperation: true, "apply": false} {
		backend := &heldBackend{Backend: local.New(t.TempDir()+"/state.json", clock.System{}, "0.1.0"), holder: state.LockInfo{Operation: operation}}
		session, err := (&project{backend: backend}).lock(t.Context(), &cli{clock: clock.System{}}, "apply", 0)
		if (err == nil) != works {
			t.Fatalf("%s: got %v, after waiting for %s", operation, err, backend.waited)
		}
		if session != nil {
			if err := session.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// newRecorder makes one of a state in a folder.
func newRecorder(t *testing.T, path string, now clock.Clock, specification *spec.Spec) *checkRecorder {
	return (&cli{clock: now}).newCheckRecorder(t.Context(), &project{backend: local.New(path, now, "0.1.0"), spec: specification})
}

func TestRecordSettlesWhatWasInterrupted(t *testing.T) {
	path, now := t.TempDir()+"/state.json", clock.System{}
	session, err := local.New(path, now, "0.1.0").Lock(t.Context(), state.LockInfo{Operation: checkOperation}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{checkOperation, "backup"} {
		if err := session.Begin(t.Context(), state.Intent{ID: kind, Run: "1", Address: kind, Kind: kind, BeganAt: now.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	recorder := newRecorder(t, path, now, &spec.Spec{Backups: []*spec.Backup{{}}})
	result := recorder.result(health.Question{Address: "check.disk.a"}, health.Result{Finding: providers.Finding{
		Verdict: providers.Warned, Summary: "nearly full", Figures: map[string]float64{"a": 1, "b": math.NaN(), "c": math.Inf(1)},
	}})
	if err := recorder.record(t.Context(), []*state.CheckResult{result}); err != nil {
		t.Fatal(err)
	}
	document := newRecorder(t, path, now, &spec.Spec{}).document
	last := document.LastResult("check.disk.a")
	if len(document.Intents) != 1 || document.Intents[0].Kind != "backup" || last == nil || len(last.Figures) != 1 || last.Verdict != "warned" {
		t.Errorf("got %+v, %+v", document.Intents, last)
	}
}

func TestNothingIsRecorded(t *testing.T) {
	path, now := t.TempDir()+"/state.json", clock.System{}
	result := []*state.CheckResult{{Address: "check.disk.a", AskedAt: now.Now(), Verdict: "passed"}}
	if err := newRecorder(t, path, now, &spec.Spec{Backups: []*spec.Backup{{}}}).record(t.Context(), result); err == nil {
		t.Error("a state was begun beside backups")
	}
	damaged := newRecorder(t, path, now, &spec.Spec{})
	damaged.unread = errors.New("damaged")
	if err := damaged.record(t.Context(), result); err == nil {
		t.Error("a state was changed that could not be read")
	}
	if document := newRecorder(t, path, now, &spec.Spec{}).document; document.Lineage != "" {
		t.Errorf("got %+v", document)
	}
}

// While it asks again and again, what does not change is recorded once an hour.
func TestNewsOfWatching(t *testing.T) {
	path, now := t.TempDir()+"/state.json", clock.NewManual(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	recorder := newRecorder(t, path, now, &spec.Spec{})
	recorded := 0
	for minute, verdict := range []providers.Verdict{providers.Passed, providers.Passed, providers.Failed, providers.Failed, providers.Passed} {
		result := recorder.result(health.Question{Address: "check.disk.a"}, health.Result{Finding: providers.Finding{Verdict: verdict}})
		news := recorder.news([]*state.CheckResult{result})
		recorded += len(news)
		if err := recorder.record(t.Context(), news); err != nil {
			t.Fatalf("minute %d: %v", minute, err)
		}
		now.Advance(time.Minute)
	}
	now.Advance(time.Hour)
	result := recorder.result(health.Question{Address: "check.disk.a"}, health.Result{Finding: providers.Finding{Verdict: providers.Passed}})
	if recorded != 3 || len(recorder.news([]*state.CheckResult{result})) != 1 {
		t.Errorf("%d results were news", recorded)
	}
}
