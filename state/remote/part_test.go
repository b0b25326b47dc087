package remote

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/state"
)

func claimOf(t *testing.T, b *Backend, id string, blocks ...string) state.Session {
	t.Helper()
	opened, err := b.Claim(t.Context(), state.LockInfo{ID: id, PID: os.Getpid()}, blocks, 0)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// TestAnswersThatAPartLoses: something was made and nobody heard of it, or was not made, at every writing of a part.
func TestAnswersThatAPartLoses(t *testing.T) {
	for _, made := range []bool{true, false} {
		for fault := 1; ; fault++ {
			medium, writings := newMemory(), 0
			b := newBackend(medium, t.TempDir())
			s := claimOf(t, b, "first", "backup.a")
			medium.fault = func(string) (error, bool) {
				if writings++; writings == fault {
					return ErrUnreachable, made
				}
				return nil, true
			}
			for i := range 3 {
				if err := step(s, i); err != nil {
					t.Fatalf("fault %d, made %v: %v", fault, made, err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatalf("fault %d, made %v: %v", fault, made, err)
			}
			if found := count(t, b); found != 3 {
				t.Fatalf("fault %d, made %v: %d artifacts", fault, made, found)
			}
			if writings < fault {
				break
			}
		}
	}
}

// TestAPartThatCannotBeRecorded is kept in a file, unless its end finds the server again.
func TestAPartThatCannotBeRecorded(t *testing.T) {
	for _, back := range []bool{false, true} {
		folder, medium := t.TempDir(), newMemory()
		b := newBackend(medium, folder)
		b.options.Patience = 0
		s := claimOf(t, b, "first", "backup.a")
		if err := step(s, 1); err != nil {
			t.Fatal(err)
		}
		if err := s.Begin(t.Context(), state.Intent{ID: "run/x", Run: "run", Kind: "backup", Backup: "backup.a", BeganAt: noon}); err != nil {
			t.Fatal(err)
		}
		medium.fault = func(string) (error, bool) { return fmt.Errorf("%w: the cable is out", ErrUnreachable), false }
		err := s.End(t.Context(), "run/x", state.Result{Outcome: state.Done, EndedAt: noon})
		if err == nil || !strings.Contains(err.Error(), "nothing else is begun: beginning to write: there was no answer: the cable is out") {
			t.Errorf("got %v", err)
		}
		if err := step(s, 2); err == nil {
			t.Error("begun although nothing can be recorded")
		}
		if back {
			medium.fault = nil
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			document, err := b.Read(t.Context())
			if err != nil || len(document.Intents) != 0 || len(document.Artifacts) != 1 {
				t.Errorf("%+v, %v", document, err)
			}
			continue
		}
		if err := s.Close(); err == nil || !strings.Contains(err.Error(), "errored.state.json") {
			t.Errorf("got %v", err)
		}
		file, err := os.Open(filepath.Join(folder, "errored.state.json"))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := state.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		if records, err := state.CutUnrecorded(kept); err != nil || len(records) != 1 || len(kept.Intents) != 0 || len(kept.Artifacts) != 1 {
			t.Errorf("%d records, %v: %+v", len(records), err, kept)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPartsOfAStateThatIsNew: several begin before there is anything, and one ends, with a snapshot, while the others go on.
func TestPartsOfAStateThatIsNew(t *testing.T) {
	medium := newMemory()
	north, south := newBackend(medium, t.TempDir()), newBackend(medium, t.TempDir())
	begin := func(s state.Session, block string) {
		t.Helper()
		if err := s.Begin(t.Context(), state.Intent{ID: "run/" + block, Run: "run", Kind: "backup", Address: block, Backup: block, BeganAt: noon}); err != nil {
			t.Fatal(err)
		}
	}
	end := func(s state.Session, block string) {
		t.Helper()
		if err := s.End(t.Context(), "run/"+block, state.Result{Outcome: state.Done, EndedAt: noon}); err != nil {
			t.Fatal(err)
		}
	}
	first, second := claimOf(t, north, "first", "backup.north"), claimOf(t, south, "second", "backup.south")
	begin(first, "backup.north")
	begin(second, "backup.south")
	third := claimOf(t, newBackend(medium, t.TempDir()), "third", "backup.third")
	begin(third, "backup.third")
	end(third, "backup.third")
	if err := third.Close(); err != nil {
		t.Fatal(err)
	}
	end(first, "backup.north")
	end(second, "backup.south")
	for _, s := range []state.Session{first, second} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	document, err := north.Read(t.Context())
	if err != nil || document.Serial != 6 || len(document.Intents) != 0 {
		t.Errorf("%+v, %v", document, err)
	}
}

// busy is a medium that turns the first who want a claim away.
type busy struct {
	*memory
	left int
}

func (b *busy) Claim(number int) Medium {
	if b.left--; b.left >= 0 {
		return turnedAway{b.memory.Claim(number)}
	}
	return b.memory.Claim(number)
}

type turnedAway struct{ Medium }

func (turnedAway) Acquire(context.Context, Holder) (Lease, error) {
	return nil, fmt.Errorf("%w: %w", ErrUnreachable, ErrBusy)
}

// TestABusyServer: whoever has the lock already is not turned away for want of a connection more.
func TestABusyServer(t *testing.T) {
	b := newBackend(&busy{memory: newMemory(), left: 3}, t.TempDir())
	s := claimOf(t, b, "first", "backup.a")
	if err := step(s, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
