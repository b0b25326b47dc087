package local_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/local"
)

func TestHolderIsToldWhileTheLockIsHeld(t *testing.T) {
	backend := local.New(filepath.Join(t.TempDir(), "state.json"), clock.System{}, "test")
	expect := func(want bool) {
		t.Helper()
		holder, held, err := backend.Holder(t.Context())
		if err != nil || held != want || held && holder.Operation != "apply" {
			t.Fatalf("holder %+v, %v, %v; want held %v", holder, held, err, want)
		}
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	expect(false)
	session, err := backend.Lock(t.Context(), state.LockInfo{ID: "1", Operation: "apply", Host: host, PID: os.Getpid()}, 0)
	if err != nil {
		t.Fatal(err)
	}
	expect(true)
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	expect(false)
}

func TestHolderThatDiedIsNotTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	// No process has the highest possible number, 2^22 on Linux.
	content := `{"id":"1","operation":"apply","user":"u","host":"` + host + `","pid":4194304,"taken_at":"2026-01-01T00:00:00Z"}`
	if err := os.WriteFile(path+".lock", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, held, err := local.New(path, clock.System{}, "test").Holder(t.Context()); err != nil || held {
		t.Fatalf("held %v, %v", held, err)
	}
}
