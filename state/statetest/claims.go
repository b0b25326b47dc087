package statetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/castrolanda/imsctl/state"
)

// claimTests are the tests of those backends that are a state.Claimer.
var claimTests = []suiteTest{
	{"Claims", testClaims},
	{"ClaimOverlap", testClaimOverlap},
	{"ClaimWaiting", testClaimWaiting},
	{"ClaimPart", testClaimPart},
	{"ClaimDeath", testClaimDeath},
	{"ClaimLost", testClaimLost},
	{"ClaimsTogether", testClaimsTogether},
	{"ClaimsAndWhole", testClaimsAndWhole},
}

// Block is the address of the i-th block that is claimed.
func Block(i int) string { return fmt.Sprintf("backup.b%02d", i) }

// stepOf is Step for a block: its i-th artifact.
func stepOf(s state.Session, block string, i int) error {
	intent := intentOf(block, i)
	if err := s.Begin(context.Background(), intent); err != nil {
		return err
	}
	return s.End(context.Background(), intent.ID, Result(state.Event{PutArtifact: artifactOf(block, i)}))
}

func intentOf(block string, i int) state.Intent {
	return state.Intent{ID: fmt.Sprintf("%s/%d", block, i), Run: block, Address: block, Kind: "backup", Backup: block, BeganAt: noon}
}

func artifactOf(block string, i int) *state.Artifact {
	made := Artifact(i)
	made.ID, made.Backup = fmt.Sprintf("%s-%06d", block, i), block
	return made
}

// claim claims blocks, or fails.
func claim(t *testing.T, backend state.Backend, id string, blocks ...string) state.Session {
	t.Helper()
	opened, err := backend.(state.Claimer).Claim(t.Context(), Ana(id), blocks, patience)
	if err != nil {
		t.Fatalf("claim of %v: %v", blocks, err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened
}

// done does a step of a block, or fails.
func done(t *testing.T, s state.Session, block string, i int) {
	t.Helper()
	if err := stepOf(s, block, i); err != nil {
		t.Fatalf("step %d of %s: %v", i, block, err)
	}
}

// testClaims: two work at once, and each sees what the other has recorded, but nothing of what he has only begun.
func testClaims(t *testing.T, place Place) {
	first, second := claim(t, place.Backend, "first", Block(1)), claim(t, place.Again(), "second", Block(2), Block(3))
	done(t, first, Block(1), 1)
	if err := first.Begin(t.Context(), intentOf(Block(1), 2)); err != nil {
		t.Fatal(err)
	}
	done(t, second, Block(2), 1)
	document := second.Document()
	if got := strings.Join(ids(document), " "); got != "backup.b01-000001 backup.b02-000001" || len(document.Intents) != 0 {
		t.Errorf("the second one sees %s, and %d intents", got, len(document.Intents))
	}
	if document := read(t, place.Again()); len(document.Intents) != 1 || len(document.Artifacts) != 2 {
		t.Errorf("whoever reads sees %+v", document)
	}
	if err := first.End(t.Context(), intentOf(Block(1), 2).ID, Result(state.Event{PutArtifact: artifactOf(Block(1), 2)})); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(ids(first.Document()), " "); got != "backup.b01-000001 backup.b01-000002 backup.b02-000001" {
		t.Errorf("the first one sees %s", got)
	}
	closed(t, first)
	done(t, second, Block(3), 1)
	closed(t, second)
	if document := read(t, place.Again()); document.Serial != 8 || len(document.Artifacts) != 4 || len(document.Intents) != 0 {
		t.Errorf("in the end: %+v", document)
	}
}

// testClaimOverlap: nobody gets what another has claimed, nor everything.
func testClaimOverlap(t *testing.T, place Place) {
	first := claim(t, place.Backend, "first", Block(1), `backup.group["a"]`)
	done(t, first, Block(1), 1)
	claimer := place.Again().(state.Claimer)
	for _, blocks := range [][]string{{Block(1)}, {Block(2), Block(1)}, {Block(1) + `["x"]`}, {"backup.group"}, nil} {
		var err error
		if blocks == nil {
			_, err = claimer.Lock(t.Context(), Ana("second"), 0)
		} else {
			_, err = claimer.Claim(t.Context(), Ana("second"), blocks, 0)
		}
		locked := new(state.LockedError)
		if !errors.As(err, &locked) || locked.Holder.ID != "first" {
			t.Errorf("%v: %v", blocks, err)
		}
		says(t, err, `"imsctl apply" of ana on vm`, `for backup.b01, backup.group["a"]`, "force-unlock first")
	}
	holder, held, err := claimer.Holder(t.Context())
	if err != nil || !held || holder.ID != "first" || holder.Part != `backup.b01, backup.group["a"]` {
		t.Errorf("the holder is %+v, %v, %v", holder, held, err)
	}
	closed(t, claim(t, place.Again(), "second", `backup.group["b"]`, "backup.b0"))
	closed(t, first)
	if holders, err := claimer.Holders(t.Context()); err != nil || len(holders) != 0 {
		t.Errorf("afterwards: %v, %v", holders, err)
	}
	whole := lock(t, place.Again(), "whole")
	_, err = claimer.Claim(t.Context(), Ana("second"), []string{Block(9)}, 0)
	locked := new(state.LockedError)
	if !errors.As(err, &locked) || locked.Holder.ID != "whole" {
		t.Errorf("while everything is locked: %v", err)
	}
	if holders, err := claimer.Holders(t.Context()); err != nil || len(holders) != 1 || holders[0].ID != "whole" {
		t.Errorf("while everything is locked: %v, %v", holders, err)
	}
	closed(t, whole)
	if _, err := claimer.Claim(t.Context(), Ana("nobody"), nil, 0); err == nil {
		t.Error("nothing was claimed")
	}
}

// testClaimWaiting: who wants everything waits for those who have claimed something.
func testClaimWaiting(t *testing.T, place Place) {
	first := claim(t, place.Backend, "first", Block(1))
	waits(t, place.Again(), first, func() { done(t, first, Block(1), 1) })
}

// testClaimPart: a part is not left, and nonsense is refused without harm to what is recorded with it.
func testClaimPart(t *testing.T, place Place) {
	s := claim(t, place.Backend, "first", Block(1), "drill.d")
	says(t, s.Begin(t.Context(), intentOf(Block(2), 1)), "backup.b02 is not of the part", "backup.b01, drill.d")
	for _, err := range []error{s.Begin(t.Context(), state.Intent{}), s.End(t.Context(), "nobody", Result())} {
		if err == nil {
			t.Error("nonsense was recorded")
		}
	}
	for _, address := range []string{"drill.d", Block(1) + "@destination.local.a", Block(1) + `["x"]`} {
		intent := state.Intent{ID: "run/" + address, Run: "run", Address: address, Kind: "verify", BeganAt: noon}
		if err := errors.Join(s.Begin(t.Context(), intent), s.End(t.Context(), intent.ID, Result())); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	note := state.Intent{ID: "run/check", Run: "run", Address: "check", Kind: "check", BeganAt: noon}
	if err := errors.Join(s.Begin(t.Context(), note), s.End(t.Context(), note.ID, Result())); err != nil {
		t.Errorf("what only the state is changed by: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Begin(ended, intentOf(Block(1), 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("begun after the end: %v", err)
	}
	done(t, s, Block(1), 2)
	closed(t, s)
	if err := s.Begin(t.Context(), intentOf(Block(1), 3)); err == nil {
		t.Error("begun after the session was closed")
	}
}

// testClaimDeath: what a part recorded survives it, and its claim does not stay for ever.
func testClaimDeath(t *testing.T, place Place) {
	s := claim(t, place.Backend, "first", Block(1))
	done(t, s, Block(1), 1)
	if err := s.Begin(t.Context(), intentOf(Block(1), 2)); err != nil {
		t.Fatal(err)
	}
	place.Die(s)
	if place.Expire != nil {
		place.Expire(t)
	}
	if holder, held, err := place.Again().Holder(t.Context()); err != nil || held {
		t.Errorf("the claim of a dead session: %+v, %v, %v", holder, held, err)
	}
	second := claim(t, place.Again(), "second", Block(1))
	if document := second.Document(); document.Serial != 3 || len(document.Artifacts) != 1 || len(document.Intents) != 1 {
		t.Errorf("after a death: %+v", document)
	}
	if err := second.End(t.Context(), intentOf(Block(1), 2).ID, state.Result{Outcome: state.Abandoned}); err != nil {
		t.Fatal(err)
	}
	if err := stepOf(s, Block(1), 3); err == nil {
		t.Error("the dead one has recorded something")
	}
	closed(t, second)
	if document := read(t, place.Again()); document.Serial != 4 || len(document.Intents) != 0 {
		t.Errorf("settled: %+v", document)
	}
}

// testClaimLost: whose claim is ended by force records nothing any more, and keeps what he has done.
func testClaimLost(t *testing.T, place Place) {
	first := claim(t, place.Backend, "first", Block(1))
	done(t, first, Block(1), 1)
	if err := first.Begin(t.Context(), intentOf(Block(1), 2)); err != nil {
		t.Fatal(err)
	}
	if holder, err := place.Again().(state.Unlocker).Unlock(t.Context(), "first"); err != nil || holder.ID != "first" {
		t.Fatalf("%+v, %v", holder, err)
	}
	second := claim(t, place.Again(), "second", Block(1))
	if document := second.Document(); len(document.Artifacts) != 1 || len(document.Intents) != 1 {
		t.Errorf("the second one begins with %+v", document)
	}
	err := first.End(t.Context(), intentOf(Block(1), 2).ID, Result(state.Event{PutArtifact: artifactOf(Block(1), 2)}))
	says(t, err, "somebody else has taken the lock", "nothing more is recorded or begun")
	if err := first.Begin(t.Context(), intentOf(Block(1), 3)); err == nil {
		t.Error("begun without the claim")
	}
	done(t, second, Block(1), 4)
	says(t, first.Close(), "somebody else has taken the lock", "errored.state.json", "imsctl state push errored.state.json")
	done(t, second, Block(1), 5)
	closed(t, second)
	if got := strings.Join(ids(read(t, place.Again())), " "); got != "backup.b01-000001 backup.b01-000004 backup.b01-000005" {
		t.Errorf("recorded: %s", got)
	}
}

// testClaimsTogether: parts that work at once, each with several steps at once, lose nothing of one another.
func testClaimsTogether(t *testing.T, place Place) {
	const parts, steps = 4, 6
	var group sync.WaitGroup
	errs := make(chan error, parts*(steps+1))
	for i := range parts {
		group.Go(func() {
			s, err := place.Again().(state.Claimer).Claim(context.Background(), Ana(fmt.Sprintf("part-%d", i)), []string{Block(i)}, patience)
			if err != nil {
				errs <- err
				return
			}
			var inner sync.WaitGroup
			for step := range steps {
				inner.Go(func() { errs <- stepOf(s, Block(i), step) })
			}
			inner.Wait()
			errs <- s.Close()
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if document := read(t, place.Again()); len(document.Artifacts) != parts*steps || document.Serial != 2*parts*steps || len(document.Intents) != 0 {
		t.Errorf("%d artifacts, serial %d, %d intents", len(document.Artifacts), document.Serial, len(document.Intents))
	}
}

// testClaimsAndWhole: parts and sessions with everything follow each other without a loss, also where snapshots are written in between.
func testClaimsAndWhole(t *testing.T, place Place) {
	lasting := claim(t, place.Backend, "lasting", Block(0))
	for i := range 3 {
		brief := claim(t, place.Again(), fmt.Sprintf("brief-%d", i), Block(1))
		done(t, brief, Block(1), i)
		done(t, lasting, Block(0), 2*i)
		closed(t, brief) // leaves a snapshot behind that the lasting one does not know
		done(t, lasting, Block(0), 2*i+1)
	}
	closed(t, lasting)
	whole := lock(t, place.Again(), "whole")
	step(t, whole, 1)
	closed(t, whole)
	if document := read(t, place.Again()); len(document.Artifacts) != 10 || document.Serial != 20 {
		t.Errorf("%d artifacts, serial %d", len(document.Artifacts), document.Serial)
	}
}
