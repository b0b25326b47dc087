package statetest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/state"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// patience is how long something is waited for that must happen.
const patience = 2 * time.Minute

// Artifact is the i-th artifact, with a copy at one place.
func Artifact(i int) *state.Artifact {
	began := noon.Add(time.Duration(i) * time.Second)
	sum := strings.Repeat("ab", 32)
	return &state.Artifact{
		Description: state.Description{
			ID: fmt.Sprintf("database-%06d", i), Backup: "backup.database", StartedAt: began, EndedAt: began,
			Raw: state.Sums{Size: 1, SHA256: sum}, Stored: state.Sums{Size: 1, SHA256: sum}, Key: fmt.Sprintf("database/%d.sql", i),
		},
		Replicas: []state.Replica{{Destination: "destination.local.a", Condition: state.Verified, StoredAt: began, VerifiedAt: began}},
	}
}

// Intent is the intent to make the i-th artifact.
func Intent(i int) state.Intent {
	return state.Intent{ID: fmt.Sprintf("run/%d", i), Run: "run", Kind: "backup", Backup: "backup.database", BeganAt: noon}
}

// Result is the end of an intent that went well.
func Result(events ...state.Event) state.Result {
	return state.Result{Outcome: state.Done, EndedAt: noon, Events: events}
}

// Step is one action, from its intent to its result: the i-th artifact.
func Step(s state.Session, i int) error {
	if err := s.Begin(context.Background(), Intent(i)); err != nil {
		return err
	}
	return s.End(context.Background(), Intent(i).ID, Result(state.Event{PutArtifact: Artifact(i)}))
}

// Ana is somebody who locks the state: this process.
func Ana(id string) state.LockInfo {
	return state.LockInfo{ID: id, Operation: "apply", User: "ana", Host: "vm", PID: os.Getpid()}
}

// lock takes the lock, or fails.
func lock(t *testing.T, backend state.Backend, id string) state.Session {
	t.Helper()
	opened, err := backend.Lock(t.Context(), Ana(id), patience)
	if err != nil {
		t.Fatalf("lock: %v", err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened
}

// step does one, or fails.
func step(t *testing.T, s state.Session, i int) {
	t.Helper()
	if err := Step(s, i); err != nil {
		t.Fatalf("step %d: %v", i, err)
	}
}

// read reads the state, or fails.
func read(t *testing.T, backend state.Backend) *state.Document {
	t.Helper()
	document, err := backend.Read(t.Context())
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return document
}

// closed closes a session, or fails.
func closed(t *testing.T, s state.Session) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// says fails unless an error has all texts.
func says(t *testing.T, err error, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %q", err, text)
		}
	}
}
