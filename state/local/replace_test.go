package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/state"
)

// another is a state of another history, older than those of the tests.
func another() *state.Document {
	return &state.Document{Version: state.Version, Lineage: "another", Serial: 2, Artifacts: []*state.Artifact{artifact(77)}}
}

func TestReplacePutsAnotherDocumentInPlaceAndKeepsTheOneBefore(t *testing.T) {
	b := newBackend(t)
	s := lock(t, b)
	mustStep(t, s, 1)
	mustStep(t, s, 2)
	before := s.Document()
	if err := s.Replace(context.Background(), another()); err != nil {
		t.Fatal(err)
	}
	if got := read(t, b); got.Lineage != "another" || got.Serial != 2 || len(got.Artifacts) != 1 {
		t.Fatalf("got %+v", got)
	}
	// What follows is recorded after it, in a journal of its lineage.
	mustStep(t, s, 3)
	if got := read(t, b); got.Serial != 4 || len(got.Artifacts) != 2 {
		t.Errorf("after one more step: %+v", got)
	}
	closed(t, s)
	if got := read(t, b); got.Lineage != "another" || got.Serial != 4 || len(got.Artifacts) != 2 {
		t.Errorf("after closing: %+v", got)
	}
	if err := s.Replace(context.Background(), another()); !errors.Is(err, errClosed) {
		t.Errorf("a closed session: %v", err)
	}

	again := newBackend(t)
	s = lock(t, again)
	mustStep(t, s, 1)
	mustStep(t, s, 2)
	if err := s.Replace(context.Background(), another()); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	file, err := os.Open(again.files().backup)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	kept, err := state.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(before.Artifacts, kept.Artifacts); difference != "" {
		t.Errorf("the state before (-want +kept):\n%s", difference)
	}
}

// A crash between two steps of a replacement leaves the state before, or the one after, whole.
func TestReplaceIsWholeWithoutTheJournal(t *testing.T) {
	b := newBackend(t)
	s := lock(t, b)
	mustStep(t, s, 1)
	before := s.Document()
	s.writing.Lock()
	err := errors.Join(s.fold(), s.dropJournal())
	s.writing.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.files().journal); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the journal is still there: %v", err)
	}
	if difference := cmp.Diff(before.Artifacts, read(t, b).Artifacts); difference != "" {
		t.Errorf("the state before (-want +got):\n%s", difference)
	}
	if err := s.save(another()); err != nil {
		t.Fatal(err)
	}
	if got := read(t, b); got.Lineage != "another" {
		t.Errorf("got %+v", got)
	}
}
