package planner

import (
	"fmt"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// bigScene declares many backups with ten artifacts each at two destinations. Every tenth backup is due, every tenth lost
// a copy, and every one has an artifact to prune at one destination.
func bigScene(b *testing.B, backups int) *scene {
	s := newScene(b, placeA, placeB)
	s.spec.Backups = nil
	s.retain(placeA, spec.Retention{KeepWithin: units.Duration(9*day + hour)})
	s.retain(placeB, spec.Retention{KeepLast: 30, KeepDaily: 7, KeepWeekly: 4, KeepMonthly: 12})
	for i := range backups {
		name := fmt.Sprintf("b%06d", i)
		backup := s.declare(name, placeA, placeB)
		for j := range 10 {
			age := time.Duration(j+1) * day
			if i%10 != 0 {
				age -= hour
			}
			start := s.now.Add(-age)
			id := name + start.Format("-20060102T150405Z-abcdef")
			artifact := &state.Artifact{
				Description: state.Description{
					ID: id, Backup: backup.Address, Key: name + "/" + id + ".sql.gz",
					StartedAt: start, EndedAt: start.Add(time.Minute), Stored: state.Sums{Size: 1000},
				},
				ManifestSize: 300, ManifestSHA256: "sum",
			}
			for _, place := range []string{placeA, placeB} {
				data, manifest := s.put(place, artifact)
				artifact.Replicas = append(artifact.Replicas, state.Replica{
					Destination: place, Version: data, ManifestVersion: manifest, Condition: state.Verified,
				})
			}
			if i%10 == 1 && j == 3 {
				s.loseCopy(placeB, artifact)
			}
			s.document.Artifacts = append(s.document.Artifacts, artifact)
		}
	}
	return s
}

func BenchmarkDiff(b *testing.B) {
	for _, backups := range []int{1000, 5000, 20000} {
		b.Run(fmt.Sprintf("backups=%d", backups), func(b *testing.B) {
			s := bigScene(b, backups)
			b.ReportAllocs()
			for b.Loop() {
				if plan := Diff(s.spec, s.document, s.observed, s.now); len(plan.Actions) == 0 {
					b.Fatal("the plan is empty")
				}
			}
		})
	}
}
