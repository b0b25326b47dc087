package planner

import (
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// fixedCodec is a codec that only has a name and an estimate.
type fixedCodec struct {
	providers.Codec
	method string
	level  int
}

func (c fixedCodec) Method() string { return c.method }
func (c fixedCodec) Level() int     { return c.level }
func (c fixedCodec) Estimate() providers.Estimate {
	return providers.Estimate{Fraction: 0.25, Rate: float64(10 * mib)}
}

// predicted is what the plan of a scene says of its backup.
func (s *scene) predicted() string {
	for _, action := range s.diff().Actions {
		if backup, ok := action.(*Backup); ok {
			return prediction(backup)
		}
	}
	s.t.Fatal("no backup is planned")
	return ""
}

// TestPrediction: history when the backup was compressed in the same way, round figures when only a size is known, and
// otherwise it is said that nothing is.
func TestPrediction(t *testing.T) {
	s := newScene(t, placeA)
	expect := func(name, want string) {
		t.Helper()
		if got := s.predicted(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	expect("nothing known", "size and time not known yet")
	s.spec.Backups[0].Codec = fixedCodec{method: "xz", level: 9}
	expect("a codec only", "size and time not known yet")
	s.observed.Sources[s.spec.Backups[0].Source] = &SourceView{Inspection: providers.Inspection{Bytes: 400 * mib}}
	expect("the source's word", "about 100 MiB in 40s (estimated)")
	s.observed.Sources[s.spec.Backups[0].Source].Inspection.Bytes = 1200 * mib
	expect("much of it", "about 300 MiB in 2m for 1.2 GiB at 10.5 MB/s with compression.balanced (estimated)")

	quick := s.make(80 * hour)
	quick.Method, quick.Level, quick.Raw.Size, quick.Stored.Size = "bzip2", 9, 1000*mib, 198*mib
	quick.EndedAt = quick.StartedAt.Add(20 * time.Minute)
	s.keep(quick, placeA)
	expect("another method", "about 250 MiB in 1m40s for 1000 MiB at 10.5 MB/s with compression.balanced (estimated)")

	slow := s.make(50 * hour)
	slow.Method, slow.Level, slow.Raw.Size, slow.Stored.Size = "xz", 9, 2000*mib, 400*mib
	slow.EndedAt = slow.StartedAt.Add(2 * time.Hour)
	s.keep(slow, placeA)
	expect("history", "about 400 MiB in 2h for 2.0 GiB at 0.3 MB/s with compression.balanced (from history); bzip2 9 was 1 % smaller in 40m")
	quick.Stored.Size, quick.EndedAt = 300*mib, quick.StartedAt.Add(3*time.Hour)
	if got := s.predicted(); strings.Contains(got, "bzip2") {
		t.Errorf("what was worse in every respect is told of: %q", got)
	}
}
