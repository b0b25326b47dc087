package statetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/state"
)

func testLock(t *testing.T, place Place) {
	s := lock(t, place.Backend, "first")
	_, err := place.Again().Lock(t.Context(), Ana("second"), 0)
	locked := new(state.LockedError)
	if !errors.As(err, &locked) || locked.Holder.ID != "first" || locked.Location != place.Backend.Location() {
		t.Fatalf("a second one: %v", err)
	}
	says(t, err, `"imsctl apply" of ana on vm`, "-lock-timeout")
	step(t, s, 1)
	closed(t, s)
	closed(t, lock(t, place.Again(), "third"))
}

func testWaiting(t *testing.T, place Place) {
	s := lock(t, place.Backend, "first")
	waits(t, place.Again(), s, func() { step(t, s, 1) })
}

// waits holds that who wants to lock everything waits until a session is closed, and sees the one artifact that is recorded meanwhile.
func waits(t *testing.T, other state.Backend, first state.Session, meanwhile func()) {
	t.Helper()
	type answer struct {
		session state.Session
		err     error
	}
	answers := make(chan answer, 1)
	go func() {
		session, err := other.Lock(context.Background(), Ana("second"), patience)
		answers <- answer{session, err}
	}()
	meanwhile()
	select {
	case got := <-answers:
		t.Fatalf("the lock was not waited for: %v", got.err)
	default:
	}
	closed(t, first)
	got := <-answers
	if got.err != nil {
		t.Fatal(got.err)
	}
	if document := got.session.Document(); len(document.Artifacts) != 1 {
		t.Errorf("who has waited sees %+v", document)
	}
	closed(t, got.session)
}

func testHolder(t *testing.T, place Place) {
	s := lock(t, place.Backend, "first")
	holder, held, err := place.Again().Holder(t.Context())
	if err != nil || !held || holder.ID != "first" || holder.User != "ana" || holder.Operation != "apply" || holder.TakenAt.IsZero() {
		t.Errorf("while it is held: %+v, %v, %v", holder, held, err)
	}
	closed(t, s)
	if holder, held, err = place.Again().Holder(t.Context()); err != nil || held || holder != (state.LockInfo{}) {
		t.Errorf("afterwards: %+v, %v, %v", holder, held, err)
	}
}

// testDeath: what a session recorded survives it, and its lock does not stay for ever.
func testDeath(t *testing.T, place Place) {
	s := lock(t, place.Backend, "first")
	lineage := s.Document().Lineage
	step(t, s, 1)
	if err := s.Begin(t.Context(), Intent(2)); err != nil {
		t.Fatal(err)
	}
	place.Die(s)
	if place.Expire != nil {
		place.Expire(t)
	}
	holder, held, err := place.Again().Holder(t.Context())
	if err != nil || held {
		t.Errorf("the lock of a dead session: %+v, %v, %v", holder, held, err)
	}
	s = lock(t, place.Again(), "second")
	document := s.Document()
	if document.Lineage != lineage || document.Serial != 3 || len(document.Artifacts) != 1 || len(document.Intents) != 1 {
		t.Errorf("after a death: %+v", document)
	}
	if err := s.End(t.Context(), Intent(2).ID, state.Result{Outcome: state.Abandoned}); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	if document := read(t, place.Again()); document.Serial != 4 || len(document.Intents) != 0 {
		t.Errorf("settled: %+v", document)
	}
}

func testUnlock(t *testing.T, place Place) {
	unlocker, can := place.Again().(state.Unlocker)
	if !can {
		t.Fatal("the lock cannot be ended by force")
	}
	_, err := unlocker.Unlock(t.Context(), "nobody")
	says(t, err, "is not locked")
	s := lock(t, place.Backend, "first")
	step(t, s, 1)
	_, err = unlocker.Unlock(t.Context(), "other")
	says(t, err, `has the id "first", not "other"`)
	place.Die(s)
	holder, err := unlocker.Unlock(t.Context(), "first")
	if err != nil || holder.User != "ana" {
		t.Errorf("%+v, %v", holder, err)
	}
	s, err = place.Again().Lock(t.Context(), Ana("second"), 0)
	if err != nil {
		t.Fatalf("after the lock was ended: %v", err)
	}
	step(t, s, 2)
	closed(t, s)
	_, err = unlocker.Unlock(t.Context(), "second")
	says(t, err, "is not locked")
}

// testFencing: whoever has lost the lock records nothing any more, whatever it knows of that.
func testFencing(t *testing.T, place Place) {
	if place.Steal == nil {
		return // no test: the system lets nobody take this lock from a holder that lives
	}
	first := lock(t, place.Backend, "first")
	step(t, first, 1)
	if err := first.Begin(t.Context(), Intent(2)); err != nil {
		t.Fatal(err)
	}
	place.Steal(t)
	second := lock(t, place.Again(), "second")
	if document := second.Document(); len(document.Artifacts) != 1 || len(document.Intents) != 1 {
		t.Errorf("the second one begins with %+v", document)
	}
	// The first one is faster.
	err := first.End(context.Background(), Intent(2).ID, Result(state.Event{PutArtifact: Artifact(2)}))
	says(t, err, "somebody else has taken the lock", "nothing more is recorded or begun")
	if err := first.Begin(t.Context(), Intent(3)); err == nil {
		t.Error("begun without the lock")
	}
	step(t, second, 4)
	err = first.Close()
	says(t, err, "somebody else has taken the lock", "errored.state.json", "imsctl state push errored.state.json")
	step(t, second, 5)
	closed(t, second)
	if got := strings.Join(ids(read(t, place.Again())), " "); got != "database-000001 database-000004 database-000005" {
		t.Errorf("recorded: %s", got)
	}
}

// testFencingLate: the same, where those who have had the lock since are through, and have tidied up behind them.
func testFencingLate(t *testing.T, place Place) {
	if place.Steal == nil {
		return // no test: the system lets nobody take this lock from a holder that lives
	}
	first := lock(t, place.Backend, "first")
	step(t, first, 1)
	if err := first.Begin(t.Context(), Intent(2)); err != nil {
		t.Fatal(err)
	}
	place.Steal(t)
	for i := range 3 {
		later := lock(t, place.Again(), fmt.Sprint("later-", i))
		step(t, later, 10+i)
		closed(t, later)
	}
	want := read(t, place.Again())
	err := first.End(context.Background(), Intent(2).ID, Result(state.Event{PutArtifact: Artifact(2)}))
	says(t, err, "somebody else has taken the lock")
	if err := first.Begin(t.Context(), Intent(3)); err == nil {
		t.Error("begun without the lock")
	}
	says(t, first.Close(), "errored.state.json")
	last := lock(t, place.Again(), "last")
	if same, err := state.Equal(want, last.Document()); err != nil || !same {
		t.Errorf("%v: the state changed to %+v", err, last.Document())
	}
	step(t, last, 20)
	closed(t, last)
	if got := ids(read(t, place.Again())); len(got) != 5 {
		t.Errorf("recorded: %v", got)
	}
}
