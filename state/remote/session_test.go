package remote

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newBackend(medium Medium, folder string) *Backend {
	return New(medium, Options{Clock: clock.System{}, Version: "0.2.0", Folder: folder, Patience: time.Second})
}

func locked(t *testing.T, b *Backend, id string) state.Session {
	t.Helper()
	opened, err := b.Lock(t.Context(), state.LockInfo{ID: id, PID: os.Getpid()}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// step is one action, which records an artifact.
func step(s state.Session, i int) error {
	intent := state.Intent{ID: fmt.Sprint("run/", i), Run: "run", Kind: "backup", Backup: "backup.a", BeganAt: noon}
	if err := s.Begin(context.Background(), intent); err != nil {
		return err
	}
	sum := strings.Repeat("ab", 32)
	artifact := &state.Artifact{
		Description: state.Description{ID: fmt.Sprintf("a-%06d", i), Backup: "backup.a", StartedAt: noon, EndedAt: noon, Raw: state.Sums{Size: 1, SHA256: sum},
			Stored: state.Sums{Size: 1, SHA256: sum}, Key: fmt.Sprint("a/", i)},
		Replicas: []state.Replica{{Destination: "destination.local.a", Condition: state.Verified, StoredAt: noon, VerifiedAt: noon}},
	}
	return s.End(context.Background(), intent.ID, state.Result{Outcome: state.Done, EndedAt: noon, Events: []state.Event{{PutArtifact: artifact}}})
}

func count(t *testing.T, b *Backend) int {
	t.Helper()
	document, err := b.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(document.Artifacts)
}

// TestAnswersThatAreLost: a part was made and nobody heard of it, at every writing of a session.
func TestAnswersThatAreLost(t *testing.T) {
	for fault := 1; ; fault++ {
		medium, writings := newMemory(), 0
		b := newBackend(medium, t.TempDir())
		s := locked(t, b, "first")
		medium.fault = func(string) (error, bool) {
			if writings++; writings == fault {
				return ErrUnreachable, fault%2 == 0 || fault > 3
			}
			return nil, true
		}
		for i := range 3 {
			if err := step(s, i); err != nil {
				t.Fatalf("fault %d: %v", fault, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatalf("fault %d: %v", fault, err)
		}
		if found := count(t, b); found != 3 {
			t.Fatalf("fault %d: %d artifacts", fault, found)
		}
		if writings < fault {
			return
		}
	}
}

// TestTheLogIsFolded: a step never costs more than an entry, and the log stays short.
func TestTheLogIsFolded(t *testing.T) {
	medium := newMemory()
	b := newBackend(medium, t.TempDir())
	b.foldEntries = 10
	s := locked(t, b, "first")
	for i := range 100 {
		if err := step(s, i); err != nil {
			t.Fatal(err)
		}
		names, _ := medium.List(t.Context(), entryPrefix)
		if len(names) > 50+b.foldEntries {
			t.Fatalf("%d entries after %d steps", len(names), i+1)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if found := count(t, b); found != 100 {
		t.Errorf("%d artifacts", found)
	}
}

// TestAStateThatCannotBeRecorded is kept in a file, another one each time, with all that happened and nothing that did not.
func TestAStateThatCannotBeRecorded(t *testing.T) {
	folder, medium := t.TempDir(), newMemory()
	for _, name := range []string{"errored.state.json", "errored-2.state.json"} {
		b := newBackend(medium, folder)
		b.options.Patience = 0
		s := locked(t, b, "first")
		if err := s.Begin(t.Context(), state.Intent{ID: "run/x", Run: "run", Kind: "backup", Backup: "backup.a", BeganAt: noon}); err != nil {
			t.Fatal(err)
		}
		medium.fault = func(string) (error, bool) { return fmt.Errorf("%w: the cable is out", ErrUnreachable), false }
		err := s.End(t.Context(), "run/x", state.Result{Outcome: state.Done, EndedAt: noon})
		if err == nil || !strings.Contains(err.Error(), "nothing else is begun: there was no answer: the cable is out") {
			t.Errorf("got %v", err)
		}
		if err := step(s, 1); err == nil {
			t.Error("begun although nothing can be recorded")
		}
		if err := s.Close(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v", err)
		}
		file, err := os.Open(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := state.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		if records, err := state.CutUnrecorded(kept); err != nil || len(records) != 1 || len(kept.Intents) != 0 || len(kept.Artifacts) != 0 || len(kept.Unknown) != 0 {
			t.Errorf("%d records, %v: %+v", len(records), err, kept)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		medium.fault = nil
		// The next one settles what is open.
		s = locked(t, b, "second")
		if err := s.End(t.Context(), "run/x", state.Result{Outcome: state.Abandoned, EndedAt: noon}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRenewalsNoticeALostLock, though nothing is recorded meanwhile.
func TestRenewalsNoticeALostLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := newMemory()
		b := newBackend(medium, t.TempDir())
		s := locked(t, b, "first")
		if _, err := b.Unlock(t.Context(), "first"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(LeaseTime)
		synctest.Wait()
		if err := step(s, 1); err == nil || !strings.Contains(err.Error(), "somebody else has taken the lock") {
			t.Errorf("got %v", err)
		}
		if err := s.Close(); err == nil {
			t.Error("closed as if nothing had happened")
		}
	})
}

// TestAnEntryInAGap: whoever makes an entry where there was one before has recorded nothing.
func TestAnEntryInAGap(t *testing.T) {
	medium := newMemory()
	b := newBackend(medium, t.TempDir())
	first := locked(t, b, "first")
	if err := step(first, 1); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := b.Unlock(t.Context(), "first"); err != nil && i == 0 {
			t.Fatal(err)
		}
		later := locked(t, b, "later")
		if err := step(later, 10+i); err != nil {
			t.Fatal(err)
		}
		if err := later.Close(); err != nil {
			t.Fatal(err)
		}
	}
	number := first.(*session).last + 1
	if _, err := medium.Read(t.Context(), entryName(number)); err == nil {
		t.Fatalf("%s is still there: nothing is proven", entryName(number))
	}
	if err := step(first, 2); err == nil || !strings.Contains(err.Error(), "somebody else has taken the lock") {
		t.Errorf("got %v", err)
	}
	if found := count(t, b); found != 4 {
		t.Errorf("%d artifacts", found)
	}
	if err := first.Close(); err == nil {
		t.Error("closed as if nothing had happened")
	}
}

// TestLargeStatesAreNotRewrittenEachTime: a session of a few changes leaves them in the log, until they are many; and a long log is
// allowed behind a large snapshot.
func TestLargeStatesAreNotRewrittenEachTime(t *testing.T) {
	medium := newMemory()
	b := newBackend(medium, t.TempDir())
	s := locked(t, b, "first")
	for i := range 100 {
		if err := step(s, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	snapshots := func() int {
		names, err := medium.List(t.Context(), snapshotPrefix)
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	before, rewritten := snapshots(), 0
	b.largeSize = 1
	for i := 100; rewritten == 0; i++ {
		again := locked(t, b, "again")
		if err := step(again, i); err != nil {
			t.Fatal(err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		if found := count(t, b); found != i+1 {
			t.Fatalf("%d artifacts", found)
		}
		if snapshots() != before {
			rewritten = i + 1 - 100
		}
	}
	if rewritten < 5 || rewritten > 50 {
		t.Errorf("rewritten by session %d", rewritten)
	}
	large := &session{backend: b, size: 400 << 20, entries: b.foldEntries, bytes: 1 << 20}
	if large.isLong() {
		t.Error("a snapshot of 400 MiB is written after 1 MiB of changes")
	}
	large.entries = large.entryLimit()
	if !large.isLong() {
		t.Error("the log grows for ever")
	}
}
