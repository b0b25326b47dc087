package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newBackend(t testing.TB) *Backend {
	t.Helper()
	return New(filepath.Join(t.TempDir(), "project", ".imsctl", "state.json"), clock.NewManual(noon), "0.1.0")
}

func lock(t testing.TB, b *Backend) *session {
	t.Helper()
	opened, err := b.Lock(context.Background(), state.LockInfo{ID: "x", Operation: "apply", User: "ana", Host: "vm", PID: os.Getpid()}, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened.(*session)
}

func read(t testing.TB, b *Backend) *state.Document {
	t.Helper()
	document, err := b.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func closed(t testing.TB, s *session) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// artifact is the i-th one, with a copy at one place.
func artifact(i int) *state.Artifact {
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

func intent(i int) state.Intent {
	return state.Intent{ID: fmt.Sprintf("run/%d", i), Run: "run", Kind: "backup", Backup: "backup.database", BeganAt: noon}
}

func result(events ...state.Event) state.Result {
	return state.Result{Outcome: state.Done, EndedAt: noon, Events: events}
}

// step is one action, from its intent to its result: a new artifact.
func step(s state.Session, i int) error {
	if err := s.Begin(context.Background(), intent(i)); err != nil {
		return err
	}
	return s.End(context.Background(), intent(i).ID, result(state.Event{PutArtifact: artifact(i)}))
}

func mustStep(t testing.TB, s state.Session, i int) {
	t.Helper()
	if err := step(s, i); err != nil {
		t.Fatal(err)
	}
}

// tree returns the content of every file of the state but the lock.
func tree(t testing.TB, b *Backend) map[string]string {
	t.Helper()
	found := make(map[string]string)
	entries, err := os.ReadDir(filepath.Dir(b.path))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), lockSuffix) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(filepath.Dir(b.path), entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found[entry.Name()] = string(data)
	}
	return found
}
