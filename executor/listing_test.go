package executor_test

import (
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv/bucket"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers/destination/destinationtest/strict"
)

// TestListingsThatLag plans and applies while a store does not list what it has, and still lists what it has not: nothing is
// deleted for that, and all is recorded again as soon as it shows.
func TestListingsThatLag(t *testing.T) {
	b := newWorkbench(t)
	place := strict.New(bucket.New(b.clock), "")
	b.world.Destinations[placeAddress] = place
	place.Store().Lag(10*time.Minute, 0)
	artifact := b.backup()
	stored := place.Store().Names()

	apply := func() {
		t.Helper()
		document := b.session.Document()
		observed, err := planner.Observe(t.Context(), b.spec, document, b.world, b.clock, planner.ObserveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		b.run(planner.Diff(b.spec, document, observed, b.clock.Now()).Actions...)
	}
	apply()
	for _, name := range stored {
		if _, err := place.Store().Get(name); err != nil {
			t.Errorf("%s, which was not listed: %v", name, err)
		}
	}
	b.clock.Advance(10 * time.Minute)
	place.Store().Lag(0, 10*time.Minute)
	apply()
	found := b.session.Document().Find(artifact.ID)
	if found == nil || len(found.VerifiedAt()) != 1 {
		t.Fatalf("it is listed and recorded as %+v", found)
	}

	// Somebody deletes it; the listing still shows it.
	for _, name := range stored {
		if err := place.Store().Delete(name, bucket.Conditions{}); err != nil {
			t.Fatal(err)
		}
	}
	apply()
	b.clock.Advance(10 * time.Minute)
	apply()
	artifacts := b.session.Document().Artifacts
	if len(artifacts) != 1 || artifacts[0].ID == artifact.ID {
		t.Errorf("recorded at the end: %+v", artifacts)
	}
	if left := place.Store().Names(); len(left) != 2 {
		t.Errorf("the store has %q", left)
	}
}
