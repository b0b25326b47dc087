package local_test

import (
	"errors"
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

func TestUnlockClearsOnlyTheRecordOfAHolderThatIsGone(t *testing.T) {
	backend := local.New(filepath.Join(t.TempDir(), "state.json"), clock.System{}, "test")
	refused := func(id string) error {
		t.Helper()
		_, err := backend.Unlock(t.Context(), id)
		if err == nil {
			t.Fatalf("the lock was ended with the id %q", id)
		}
		return err
	}
	refused("1")
	session, err := backend.Lock(t.Context(), state.LockInfo{ID: "1", Operation: "apply", Host: "elsewhere", PID: 7}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var locked *state.LockedError
	if err := refused("2"); errors.As(err, &locked) {
		t.Errorf("another id: %v", err)
	}
	if err := refused("1"); !errors.As(err, &locked) || locked.Holder.PID != 7 {
		t.Errorf("the holder lives: %v", err)
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	refused("1")

	record := `{"id":"1","operation":"apply","user":"u","host":"elsewhere","pid":7,"taken_at":"2026-01-01T00:00:00Z"}`
	if err := os.WriteFile(backend.Location()+".lock", []byte(record), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("2")
	if _, held, err := backend.Holder(t.Context()); err != nil || !held {
		t.Fatalf("a wrong id cleared the record: %v, %v", held, err)
	}
	if holder, err := backend.Unlock(t.Context(), "1"); err != nil || holder.Operation != "apply" {
		t.Fatalf("%+v, %v", holder, err)
	}
	if _, held, err := backend.Holder(t.Context()); err != nil || held {
		t.Errorf("the record is still there: %v, %v", held, err)
	}
}
