package statetest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/state"
)

func testEmpty(t *testing.T, place Place) {
	if document := read(t, place.Backend); document.Serial != 0 || document.Lineage != "" || len(document.Artifacts) != 0 {
		t.Errorf("a state that was never written: %+v", document)
	}
	if holder, held, err := place.Backend.Holder(t.Context()); err != nil || held || holder != (state.LockInfo{}) {
		t.Errorf("its lock: %v, %v, %v", holder, held, err)
	}
	s := lock(t, place.Backend, "first")
	if s.Document().Lineage == "" {
		t.Error("a session must know the lineage that it is going to write")
	}
	closed(t, s)
	if document := read(t, place.Again()); document.Serial != 0 || document.Lineage != "" {
		t.Errorf("after a session that recorded nothing: %+v", document)
	}
}

func testLife(t *testing.T, place Place) {
	s := lock(t, place.Backend, "first")
	lineage, before := s.Document().Lineage, s.Document()
	step(t, s, 1)
	if len(before.Artifacts) != 0 || before.Serial != 0 {
		t.Error("a copy of the document changed afterwards")
	}
	if document := read(t, place.Again()); document.Serial != 2 || document.Lineage != lineage || len(document.Artifacts) != 1 {
		t.Errorf("read beside a session: %+v", document)
	}
	closed(t, s)
	closed(t, s)
	if err := s.Begin(context.Background(), Intent(9)); err == nil {
		t.Error("begun after Close")
	}
	s = lock(t, place.Again(), "second")
	if err := s.Begin(context.Background(), Intent(2)); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	document := read(t, place.Again())
	if document.Serial != 3 || document.Lineage != lineage || len(document.Intents) != 1 || len(document.Artifacts) != 1 || document.Writer == "" {
		t.Errorf("after the second session: %+v", document)
	}
	s = lock(t, place.Again(), "third")
	if err := s.End(context.Background(), Intent(2).ID, Result(state.Event{PutArtifact: Artifact(2)})); err != nil {
		t.Fatal(err)
	}
	want := s.Document()
	closed(t, s)
	got := read(t, place.Again())
	if same, err := state.Equal(want, got); err != nil || !same {
		t.Errorf("%v: %s", err, cmp.Diff(want, got))
	}
}

func testRefused(t *testing.T, place Place) {
	s := lock(t, place.Backend, "first")
	step(t, s, 1)
	for _, err := range []error{s.Begin(context.Background(), state.Intent{}), s.End(context.Background(), "nobody", Result())} {
		if err == nil {
			t.Error("nonsense was recorded")
		}
	}
	step(t, s, 2)
	closed(t, s)
	if document := read(t, place.Again()); document.Serial != 4 || len(document.Artifacts) != 2 {
		t.Errorf("got %+v", document)
	}
}

func testContexts(t *testing.T, place Place) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := place.Backend.Read(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v", err)
	}
	s := lock(t, place.Backend, "first")
	if err := s.Begin(ended, Intent(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("begun: %v", err)
	}
	if err := s.Begin(context.Background(), Intent(1)); err != nil {
		t.Fatal(err)
	}
	if err := s.End(ended, Intent(1).ID, Result()); err != nil {
		t.Errorf("what happened was not recorded: %v", err)
	}
	if _, err := place.Again().Lock(ended, Ana("second"), patience); err == nil {
		t.Error("waited for a lock under a context that has ended")
	}
}

func testReplace(t *testing.T, place Place) {
	s := lock(t, place.Backend, "first")
	step(t, s, 1)
	step(t, s, 2)
	replacer, can := s.(state.Replacer)
	if !can {
		t.Fatal("the state cannot be replaced as a whole")
	}
	other := &state.Document{Version: state.Version, Lineage: "11111111-0000-4000-8000-000000000000", Serial: 77, Artifacts: []*state.Artifact{Artifact(5)}}
	if err := replacer.Replace(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if document := read(t, place.Again()); document.Serial != 77 || document.Lineage != other.Lineage || len(document.Artifacts) != 1 {
		t.Errorf("replaced: %+v", document)
	}
	step(t, s, 6)
	closed(t, s)
	if err := replacer.Replace(t.Context(), other); err == nil {
		t.Error("replaced after Close")
	}
	if document := read(t, place.Again()); document.Serial != 79 || document.Lineage != other.Lineage || len(document.Artifacts) != 2 {
		t.Errorf("continued: %+v", document)
	}
}

func testUnchanged(t *testing.T, place Place) {
	s := lock(t, place.Backend, "first")
	step(t, s, 1)
	closed(t, s)
	for range 3 {
		closed(t, lock(t, place.Again(), "again"))
	}
	if document := read(t, place.Again()); document.Serial != 2 || len(document.Artifacts) != 1 {
		t.Errorf("got %+v", document)
	}
}

func testDamage(t *testing.T, place Place) {
	s := lock(t, place.Backend, "first")
	step(t, s, 1)
	closed(t, s)
	place.Spoil(t)
	_, err := place.Again().Read(t.Context())
	says(t, err, place.Backend.Location(), "damaged", "imsctl state rebuild", "Nothing was changed")
	_, err = place.Again().Lock(t.Context(), Ana("second"), 0)
	says(t, err, place.Backend.Location(), "damaged", "imsctl state rebuild")
	_, err = place.Again().Lock(t.Context(), Ana("third"), 0)
	says(t, err, "damaged")
	salvager, can := place.Again().(state.Salvager)
	if !can {
		return
	}
	s, err = salvager.LockDamaged(t.Context(), Ana("fourth"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if document := s.Document(); document.Serial != 0 || document.Lineage == "" || len(document.Artifacts) != 0 {
		t.Errorf("in the place of a damaged state: %+v", document)
	}
	again := s.Document()
	again.Serial, again.Artifacts = 1, []*state.Artifact{Artifact(3)}
	if err := s.(state.Replacer).Replace(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	s = lock(t, place.Again(), "fifth")
	step(t, s, 4)
	closed(t, s)
	if document := read(t, place.Again()); document.Serial != 3 || len(document.Artifacts) != 2 {
		t.Errorf("after all: %+v", document)
	}
}

func testNewer(t *testing.T, place Place) {
	s := lock(t, place.Backend, "first")
	step(t, s, 1)
	closed(t, s)
	place.Future(t)
	_, err := place.Again().Read(t.Context())
	says(t, err, place.Backend.Location(), "was written by a newer imsctl", "upgrade imsctl")
	_, err = place.Again().Lock(t.Context(), Ana("second"), 0)
	says(t, err, "was written by a newer imsctl")
	if newer := new(state.NewerError); !errors.As(err, &newer) {
		t.Errorf("%T", err)
	}
}

// ids are those of a document's artifacts.
func ids(document *state.Document) []string {
	var found []string
	for _, artifact := range document.Artifacts {
		found = append(found, artifact.ID)
	}
	slices.Sort(found)
	return found
}
