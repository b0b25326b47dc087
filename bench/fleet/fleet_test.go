package fleet

import (
	"fmt"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state/local"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// filled is a fleet in a folder of its own, and its state.
func filled(t *testing.T, databases int) (Fleet, string, *local.Backend) {
	t.Helper()
	fleet, folder := Fleet{Hosts: 1 + databases/10, Databases: databases, Artifacts: 5, Now: now}, t.TempDir()
	if err := fleet.Write(folder, ""); err != nil {
		t.Fatal(err)
	}
	backend := local.New(folder+"/state.json", clock.NewManual(now), "test")
	if err := Fill(t.Context(), backend, fleet.Document(), &Laps{Note: func(string, time.Duration) {}}); err != nil {
		t.Fatal(err)
	}
	return fleet, folder, backend
}

// TestPlanGrowsWithTheFleet: what a plan asks of the stores and what it allocates is in proportion to the fleet.
func TestPlanGrowsWithTheFleet(t *testing.T) {
	const small, large = 200, 1600
	measure := func(databases int) (pages int64, allocations float64) {
		fleet, folder, backend := filled(t, databases)
		laps := &Laps{Note: func(string, time.Duration) {}}
		allocations = testing.AllocsPerRun(1, func() {
			var err error
			if pages, err = fleet.Plan(t.Context(), folder, backend, 0, 0, laps); err != nil {
				t.Fatal(err)
			}
		})
		return pages, allocations
	}
	pages, allocations := measure(small)
	morePages, moreAllocations := measure(large)
	if morePages > 60 || morePages < pages {
		t.Errorf("%d pages of listings for %d databases, %d for %d", pages, small, morePages, large)
	}
	if factor := moreAllocations / allocations; factor > 1.25*large/small {
		t.Errorf("%.0f allocations for %d databases and %.0f, %.1f times as many, for %d", allocations, small, moreAllocations, factor, large)
	}
}

func TestRecord(t *testing.T) {
	fleet, _, backend := filled(t, 200)
	laps := make(map[string]int)
	if err := fleet.Record(t.Context(), backend, &Laps{Note: func(what string, _ time.Duration) { laps[what]++ }}); err != nil {
		t.Fatal(err)
	}
	if laps["record"] != 2*(1+Steps) || laps["lock"] != 2 || laps[fmt.Sprintf("end of a run of %d", Steps)] != 1 {
		t.Errorf("got %v", laps)
	}
	document, err := backend.Read(t.Context())
	if err != nil || len(document.Artifacts) != 200*5+1+Steps {
		t.Errorf("%v: %d artifacts", err, len(document.Artifacts))
	}
}
