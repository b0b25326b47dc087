package planner

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// measuring is a chooser that only has preferences.
type measuring struct{ preferences providers.Preferences }

func (m measuring) Preferences() providers.Preferences { return m.preferences }
func (m measuring) HeadSize() int                      { return 0 }
func (m measuring) RecallSize() int                    { return 0 }
func (m measuring) Recall(clock.Clock, providers.Circumstances) (providers.Chosen, bool, error) {
	return providers.Chosen{}, false, nil
}
func (m measuring) Choose(context.Context, clock.Clock, providers.Circumstances) (providers.Chosen, error) {
	return providers.Chosen{}, nil
}

// expectation is that of the one backup of a scene's plan.
func (s *scene) expectation() Expectation {
	for _, action := range s.diff().Actions {
		if backup, ok := action.(*Backup); ok {
			return backup.Expect
		}
	}
	s.t.Fatal("no backup is planned")
	return Expectation{}
}

// TestExpectation: the next backup is expected to be as the last one was, and otherwise as the source says.
func TestExpectation(t *testing.T) {
	s := newScene(t, placeA, placeB)
	if got := s.expectation(); !cmp.Equal(got, Expectation{}) {
		t.Errorf("nothing known: %+v", got)
	}
	s.observed.Sources[s.spec.Backups[0].Source] = &SourceView{Inspection: providers.Inspection{Bytes: 77}}
	if got := s.expectation(); !cmp.Equal(got, Expectation{RawBytes: 77}) {
		t.Errorf("an estimate: %+v", got)
	}
	older, newer := s.have(80*hour, placeA, placeB), s.have(50*hour, placeA, placeB)
	older.Raw.Size, newer.Raw.Size = 900*mib, 1000*mib
	older.Stored.Size, newer.Stored.Size = 90*mib, 100*mib
	for _, artifact := range []*state.Artifact{older, newer} {
		for i := range artifact.Replicas {
			artifact.Replicas[i].StoredAt = artifact.EndedAt
		}
	}
	if got := s.expectation(); !cmp.Equal(got, Expectation{RawBytes: 1000 * mib}) {
		t.Errorf("no speeds: %+v", got)
	}
	older.SourceSeconds = 9
	older.Replicas[0].UploadSeconds, older.Replicas[1].UploadSeconds = 9, 90
	want := Expectation{RawBytes: 1000 * mib, SourceRate: float64(100 * mib), UploadRate: float64(mib)}
	if got := s.expectation(); !cmp.Equal(got, want) {
		t.Errorf("older speeds: %+v, want %+v", got, want)
	}
	newer.SourceSeconds = 5
	newer.Replicas[1].UploadSeconds = 20
	want.SourceRate, want.UploadRate = float64(200*mib), float64(5*mib)
	if got := s.expectation(); !cmp.Equal(got, want) {
		t.Errorf("newer speeds: %+v, want %+v", got, want)
	}
	newer.Replicas[1].UploadSeconds = 0.01
	want.UploadRate = float64(newer.Stored.Size) / leastSeconds
	older.Replicas[0].UploadSeconds = 0
	if got := s.expectation(); !cmp.Equal(got, want) {
		t.Errorf("what is stored too soon to measure: %+v, want %+v", got, want)
	}
	older.Replicas[0].UploadSeconds = 9
	newer.Stored.Size, newer.SourceSeconds = mib, 0.001
	want.SourceRate, want.UploadRate = float64(100*mib), float64(mib)
	if got := s.expectation(); !cmp.Equal(got, want) {
		t.Errorf("what is too small to measure: %+v, want %+v", got, want)
	}
}

// paced is a destination of which a rate is assumed.
type paced struct {
	providers.DestinationConfig
	rate float64
}

func (p paced) AssumedUploadRate() float64 { return p.rate }

// TestAssumedRate: a destination that nothing was measured of counts by what is assumed of it, also beside one that was measured.
func TestAssumedRate(t *testing.T) {
	s := newScene(t, placeA, placeB)
	assumed := func() float64 { return s.expectation().AssumedRate }
	if got := assumed(); got != 0 {
		t.Errorf("without a chooser: %v", got)
	}
	s.spec.Backups[0].Chooser = measuring{}
	if got := assumed(); got != providers.UsualUploadRate {
		t.Errorf("of any: %v", got)
	}
	s.spec.Destinations[0].Config = paced{rate: 2e8}
	if got := assumed(); got != providers.UsualUploadRate {
		t.Errorf("a disk and another: %v", got)
	}
	s.spec.Destinations[1].Config = paced{rate: 3e8}
	if got := assumed(); got != 2e8 {
		t.Errorf("two disks: %v", got)
	}
	s.spec.Destinations[1].UploadLimit = 1e6
	if got := assumed(); got != 1e6 {
		t.Errorf("a limit: %v", got)
	}
	artifact := s.have(50*hour, placeA, placeB)
	artifact.Raw.Size, artifact.Stored.Size = 1000*mib, 100*mib
	artifact.Replicas[1].StoredAt, artifact.Replicas[1].UploadSeconds = artifact.EndedAt, 100
	if got := s.expectation(); got.AssumedRate != 2e8 || got.UploadRate != float64(mib) {
		t.Errorf("one was measured: %+v", got)
	}
	artifact.Replicas[0].StoredAt, artifact.Replicas[0].UploadSeconds = artifact.EndedAt, 10
	if got := s.expectation(); got.AssumedRate != 0 || got.UploadRate != float64(mib) {
		t.Errorf("both were measured: %+v", got)
	}
}

// TestDisappointing: a method counts by its newest artifact, and only against a bound.
func TestDisappointing(t *testing.T) {
	s := newScene(t, placeA)
	for i, c := range []struct {
		method string
		stored int64
	}{{"zstd", 10}, {"bzip2", 90}, {"gzip", 50}, {"zstd", 80}, {"none", 100}} {
		artifact := s.have(time.Duration(200-i)*hour, placeA)
		artifact.Method, artifact.Raw.Size, artifact.Stored.Size = c.method, 100*mib, c.stored*mib
	}
	if got := s.expectation().Disappointing; got != nil {
		t.Errorf("without a chooser: %v", got)
	}
	for least, want := range map[int][]string{0: nil, 5: nil, 20: {"bzip2"}, 30: {"bzip2", "zstd"}, 60: {"bzip2", "gzip", "zstd"}} {
		s.spec.Backups[0].Chooser = measuring{providers.Preferences{MinReduction: least}}
		if got := s.expectation().Disappointing; !cmp.Equal(got, want) {
			t.Errorf("min_reduction %d: %v, want %v", least, got, want)
		}
	}
}

// TestSurveyed: the newest survey counts, for a compression that measures only.
func TestSurveyed(t *testing.T) {
	s := newScene(t, placeA)
	for i, reference := range []float64{0.4, 0.3, 0} {
		artifact := s.have(time.Duration(200-i)*hour, placeA)
		artifact.Method = "none"
		if reference > 0 {
			artifact.Method, artifact.Level, artifact.Raw.Size, artifact.Stored.Size = "zstd", 2, 400*mib, 100*mib
			artifact.Survey = &state.Survey{Head: 0.5, Reference: reference, Texture: 0.4, Spread: 0.1, Speedup: 1.5, Tried: []state.Tried{{Method: "zstd", Level: 2, Fraction: 0.2, Rate: 3e8}}}
		}
	}
	if got := s.expectation().Survey; got != nil {
		t.Errorf("without a chooser: %+v", got)
	}
	s.spec.Backups[0].Chooser = measuring{}
	newest := s.have(10*hour, placeA)
	newest.Method, newest.Level, newest.Raw.Size, newest.Stored.Size = "zstd", 1, 100*mib, 40*mib
	since := []providers.Experience{{Method: "zstd", Level: 1, Fraction: 0.4}, {Method: "zstd", Level: 2, Fraction: 0.25}}
	want := &providers.Survey{Since: since, Head: 0.5, Reference: 0.3, Texture: 0.4, Spread: 0.1, Speedup: 1.5, Made: providers.Experience{Method: "zstd", Level: 2, Fraction: 0.25},
		Tried: []providers.Tried{{Experience: providers.Experience{Method: "zstd", Level: 2, Fraction: 0.2}, Rate: 3e8}}}
	if got := s.expectation().Survey; !cmp.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestPast: each method counts by its newest artifact, for a compression that measures only.
func TestPast(t *testing.T) {
	s := newScene(t, placeA)
	for i, c := range []struct {
		method      string
		level       int
		raw, stored int64
	}{{"xz", 6, 100 * mib, 10 * mib}, {"zstd", 1, 100 * mib, 50 * mib}, {"none", 0, 100 * mib, 100 * mib}, {"zstd", 1, 100 * mib, 40 * mib}, {"gzip", 9, mib, mib / 2}} {
		artifact := s.have(time.Duration(200-i)*hour, placeA)
		artifact.Method, artifact.Level, artifact.Raw.Size, artifact.Stored.Size = c.method, c.level, c.raw, c.stored
	}
	if got := s.expectation().Past; got != nil {
		t.Errorf("without a chooser: %v", got)
	}
	s.spec.Backups[0].Chooser = measuring{}
	want := []providers.Experience{{Method: "zstd", Level: 1, Fraction: 0.4}, {Method: "xz", Level: 6, Fraction: 0.1}}
	if got := s.expectation().Past; !cmp.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
