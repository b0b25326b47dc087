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

// rivalled is a codec beside which there is a faster one.
type rivalled struct {
	fixedCodec
	rate float64
}

func (r rivalled) Rival() (string, providers.Estimate) {
	return "bzip2 9", providers.Estimate{Fraction: 0.25, Rate: r.rate}
}

// TestCostInWords: the plan says by what is compressed, what that costs, and what a faster method would take, from what is assumed
// while there is no history.
func TestCostInWords(t *testing.T) {
	s := newScene(t, placeA)
	backup := s.spec.Backups[0]
	backup.Codec = rivalled{fixedCodec{method: "xz", level: 9}, float64(60 * mib)}
	s.observed.Compressors = map[string]string{backup.Compression: "xz 5.4.1, 2 processes"}
	expect := func(name, want string) {
		t.Helper()
		if got := s.predicted(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	expect("no size", "size and time not known yet; compressed by xz 5.4.1, 2 processes")
	s.observed.Sources[backup.Source] = &SourceView{Inspection: providers.Inspection{Bytes: 500 * mib}}
	expect("quick", "about 125 MiB in 50s (estimated); compressed by xz 5.4.1, 2 processes")
	s.observed.Sources[backup.Source].Inspection.Bytes = 72000 * mib
	expect("long", "about 17.6 GiB in 2h for 70.3 GiB at 10.5 MB/s with compression.balanced (estimated); compressed by xz 5.4.1, 2 processes; bzip2 9 would store about as much in 20m (estimated)")
	backup.Codec = rivalled{fixedCodec{method: "xz", level: 9}, float64(19 * mib)}
	expect("a rival that is hardly faster", "about 17.6 GiB in 2h for 70.3 GiB at 10.5 MB/s with compression.balanced (estimated); compressed by xz 5.4.1, 2 processes")
	s.observed = nil
	if got := s.predicted(); strings.Contains(got, "compressed by") {
		t.Errorf("nobody looked: %q", got)
	}
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
