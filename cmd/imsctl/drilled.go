package main

import (
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/state"
)

// recoveryTime prints a measured recovery time.
func recoveryTime(seconds float64) string {
	return units.Span(time.Duration(seconds * float64(time.Second)))
}

// lastDrills are the latest drills of artifacts, by the artifact's id.
func lastDrills(drills []*state.Drill) map[string]*state.Drill {
	last := make(map[string]*state.Drill)
	for _, drill := range drills {
		if other := last[drill.Artifact]; other == nil || !drill.StartedAt.Before(other.StartedAt) {
			last[drill.Artifact] = drill
		}
	}
	return last
}

// drilled says what is known of an artifact from its last drill.
func drilled(drill *state.Drill, now time.Time) string {
	switch {
	case drill == nil:
		return "-"
	case !drill.Passed():
		return "failed " + ago(drill.StartedAt, now)
	}
	return ago(drill.StartedAt, now) + ", in " + recoveryTime(drill.RecoverySeconds)
}
