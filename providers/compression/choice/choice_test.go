package choice

import (
	"math"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// dump is what the methods make of a dump in SQL on one core, rates in MB/s.
func dump() []trial.Measurement {
	return []trial.Measurement{
		measured("zstd", 1, 0.279, 215), measured("zstd", 3, 0.288, 92), measured("zstd", 7, 0.275, 28),
		measured("gzip", 1, 0.306, 162), measured("gzip", 6, 0.305, 70), measured("gzip", 9, 0.292, 17),
		measured("bzip2", 9, 0.251, 8), measured("zstd", 19, 0.283, 5.3), measured("xz", 6, 0.240, 1),
	}
}

// sources is what they make of source code, where the fastest is not small enough.
func sources() []trial.Measurement {
	return []trial.Measurement{
		measured("zstd", 1, 0.300, 185), measured("zstd", 3, 0.2775, 90), measured("zstd", 7, 0.2656, 30),
		measured("gzip", 9, 0.2678, 20), measured("bzip2", 9, 0.252, 8), measured("xz", 6, 0.2500, 3),
	}
}

func measured(method string, level int, fraction, rate float64) trial.Measurement {
	return trial.Measurement{Method: method, Level: level, Fraction: fraction, Rate: rate * 1e6}
}

func TestChoose(t *testing.T) {
	const gigabyte = 1_000_000_000
	cases := []struct {
		name   string
		q      Question
		want   string
		reason string
	}{
		{"size", Question{Goal: Size, Measurements: dump()}, "xz 6", "it leaves 24.0 %, the least; bzip2 9 would leave 25.1 %"},
		{"size, near enough", Question{Goal: Size, Measurements: sources()}, "bzip2 9", "it leaves 25.2 %, within 1 % of the least (xz 6), and is faster"},
		{"speed", Question{Goal: Speed, Measurements: sources(), UploadRate: gigabyte}, "zstd 1", "it leaves 30.0 % and has the last copy in place soonest"},
		{"balanced, fast upload", Question{Goal: Balanced, Measurements: dump(), UploadRate: gigabyte}, "zstd 1", "it leaves 27.9 % and has the last copy in place soonest, with no more bytes than gzip 9"},
		{"balanced, no more than gzip 9", Question{Goal: Balanced, Measurements: sources(), UploadRate: gigabyte}, "zstd 7", "with no more bytes than gzip 9"},
		{"balanced, slow upload", Question{Goal: Balanced, Measurements: dump(), UploadRate: 1e6}, "bzip2 9", "it leaves 25.1 % and has the last copy in place soonest (the upload is the slowest part)"},
		{"balanced, very slow upload", Question{Goal: Balanced, Measurements: dump(), UploadRate: 0.1e6}, "xz 6", "the upload is the slowest part"},
		{"balanced, slow source", Question{Goal: Balanced, Measurements: dump(), SourceRate: 7e6}, "bzip2 9", "(the source is the slowest part)"},
		{"balanced, nothing known", Question{Goal: Balanced, Measurements: dump()}, "zstd 1", "it leaves 27.9 %"},
		{"balanced, many cores and a slow upload", Question{Goal: Balanced, Measurements: dump(), UploadRate: 5e6, Cores: 4}, "bzip2 9", ""},
		{"balanced, one core and that upload", Question{Goal: Balanced, Measurements: dump(), UploadRate: 5e6, Cores: 1}, "zstd 7", ""},
		{"dense", Question{Goal: Size, Measurements: dump(), Dense: "a JPEG image"}, "none", "it is a JPEG image: stored as it is"},
		{"noise", Question{Goal: Size, Measurements: []trial.Measurement{measured("zstd", 1, 1.0001, 900), measured("xz", 6, 1.00, 2)}}, "none", "no method makes it smaller: stored as it is"},
		{"next to noise", Question{Goal: Balanced, Measurements: []trial.Measurement{measured("zstd", 1, 0.98, 900)}}, "none", "no method takes off more than 2.0 %: stored as it is"},
		{"nothing measured", Question{Goal: Balanced}, "none", "nothing was tried: stored as it is"},
		{"equals", Question{Goal: Size, Measurements: []trial.Measurement{measured("gzip", 6, 0.5, 10), measured("zstd", 1, 0.5, 10)}}, "gzip 6", ""},
		{"no speeds", Question{Goal: Balanced, Measurements: []trial.Measurement{measured("bzip2", 9, 0.3, 0), measured("gzip", 9, 0.3, 0), measured("zstd", 1, 0.3, 0)}}, "zstd 1", ""},
	}
	for _, c := range cases {
		got := Choose(c.q)
		if got.String() != c.want || !strings.Contains(got.Reason, c.reason) || got.Warning != "" {
			t.Errorf("%s: %s because %s %s, want %s because %s", c.name, got, got.Reason, got.Warning, c.want, c.reason)
		}
		if len(got.Options) != len(c.q.Measurements)+1 || got.Options[len(got.Options)-1].Method != "none" {
			t.Errorf("%s: the options are %v", c.name, got.Options)
		}
		if got.RunnerUp != nil && got.RunnerUp.String() == got.String() {
			t.Errorf("%s: the runner-up is the same", c.name)
		}
	}
}

// TestFallback: methods that take off too little give way to those that are named, and the warning says so.
func TestFallback(t *testing.T) {
	poor := []trial.Measurement{measured("zstd", 1, 0.90, 200), measured("gzip", 9, 0.80, 20), measured("bzip2", 9, 0.60, 8)}
	cases := []struct {
		name    string
		q       Question
		want    string
		warning string
	}{
		{"enough", Question{Goal: Speed, Measurements: poor, MinReduction: 10}, "zstd 1", ""},
		{"the first that is enough", Question{Goal: Speed, Measurements: poor, MinReduction: 30, Fallback: []string{"gzip", "bzip2"}}, "bzip2 9",
			"zstd 1 would take off only 10.0 %, which is below min_reduction = 30: bzip2 9 is used"},
		{"none takes all", Question{Goal: Speed, Measurements: poor, MinReduction: 30, Fallback: []string{"none", "bzip2"}}, "none", "none is used"},
		{"nothing is enough", Question{Goal: Speed, Measurements: poor, MinReduction: 70, Fallback: []string{"gzip", "bzip2"}}, "zstd 1",
			"and so is what gzip, bzip2 would take off: zstd 1 is used"},
		{"no fallback", Question{Goal: Speed, Measurements: poor, MinReduction: 30}, "zstd 1", "there is no fallback: zstd 1 is used"},
		{"the last run", Question{Goal: Speed, Measurements: poor, MinReduction: 10, Disappointing: []string{"zstd"}, Fallback: []string{"zstd", "gzip"}}, "gzip 9",
			"zstd took off less than 10 % the last time, which is below min_reduction = 10: gzip 9 is used"},
		{"no limit", Question{Goal: Speed, Measurements: poor, Disappointing: []string{"zstd"}}, "zstd 1", ""},
	}
	for _, c := range cases {
		c.q.UploadRate = 1e9
		got := Choose(c.q)
		if got.String() != c.want || (c.warning == "") != (got.Warning == "") || !strings.Contains(got.Warning, c.warning) {
			t.Errorf("%s: %s, %q; want %s, %q", c.name, got, got.Warning, c.want, c.warning)
		}
	}
}

// TestPrediction: the slowest of reading, compressing and uploading decides about the time.
func TestPrediction(t *testing.T) {
	one := []trial.Measurement{measured("zstd", 1, 0.5, 100)}
	for name, c := range map[string]struct {
		q       Question
		bytes   int64
		seconds float64
	}{
		"not known":        {Question{}, 0, 0},
		"by the codec":     {Question{Bytes: 1e9, UploadRate: 1e9}, 5e8, 10},
		"by two cores":     {Question{Bytes: 1e9, UploadRate: 1e9, Cores: 2}, 5e8, 10 / 1.5},
		"by the source":    {Question{Bytes: 1e9, UploadRate: 1e9, SourceRate: 10e6}, 5e8, 100},
		"by the upload":    {Question{Bytes: 1e9, UploadRate: 1e6}, 5e8, 500},
		"by an assumption": {Question{Bytes: 10e9, Cores: 64}, 5e9, 100},
	} {
		c.q.Goal, c.q.Measurements = Balanced, one
		got := Choose(c.q)
		if got.Bytes != c.bytes || math.Abs(got.Seconds-c.seconds) > 1e-6*c.seconds {
			t.Errorf("%s: %d bytes in %v s, want %d in %v", name, got.Bytes, got.Seconds, c.bytes, c.seconds)
		}
	}
}

// TestAssumed: every candidate of the trial has an assumption.
func TestAssumed(t *testing.T) {
	for _, candidate := range trial.Candidates() {
		if e := compression.EstimateOf(candidate.Method, candidate.Level); e.Fraction <= 0 || e.Fraction >= 1 || e.Rate <= 0 || e.Rate >= compression.StoringRate {
			t.Errorf("%+v: %+v", candidate, e)
		}
	}
}
