package choice

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
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
		measured("zstd", 1, 0.300, 185), measured("zstd", 3, 0.2775, 90), measured("zstd", 7, 0.2626, 30),
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
		{"size", Question{Goal: Size, Measurements: dump()}, "xz 6", "it leaves 23.3 %, the least; bzip2 9 would leave 25.1 %"},
		{"size, near enough", Question{Goal: Size, Measurements: sources(), Whole: true}, "bzip2 9", "it leaves 25.2 %, within 1 % of the least (xz 6), and is faster"},
		{"speed", Question{Goal: Speed, Measurements: sources(), UploadRate: gigabyte}, "zstd 1", "it leaves 30.0 % and has the last copy in place soonest"},
		{"balanced, fast upload", Question{Goal: Balanced, Measurements: dump(), UploadRate: gigabyte, Whole: true}, "zstd 1", "it leaves 27.9 % and has the last copy in place soonest, with no more bytes than gzip 9"},
		{"balanced, no more than gzip 9", Question{Goal: Balanced, Measurements: sources(), UploadRate: gigabyte}, "zstd 7", "with no more bytes than gzip 9"},
		{"balanced, slow upload", Question{Goal: Balanced, Measurements: dump(), UploadRate: 1e6}, "bzip2 9", "it leaves 25.1 % and has the last copy in place soonest (the upload is the slowest part)"},
		{"balanced, slow as is assumed", Question{Goal: Balanced, Measurements: dump(), AssumedRate: 1e6}, "bzip2 9", "it leaves 25.1 % and has the last copy in place soonest, with no more"},
		{"balanced, slower than the measured one", Question{Goal: Balanced, Measurements: dump(), UploadRate: gigabyte, AssumedRate: 1e6}, "bzip2 9", "soonest, with no more"},
		{"balanced, faster than the measured one", Question{Goal: Balanced, Measurements: dump(), UploadRate: 1e6, AssumedRate: gigabyte}, "bzip2 9", "(the upload is the slowest part)"},
		{"balanced, very slow upload", Question{Goal: Balanced, Measurements: dump(), UploadRate: 0.1e6}, "xz 6", "the upload is the slowest part"},
		{"balanced, slow source", Question{Goal: Balanced, Measurements: dump(), SourceRate: 5e6}, "bzip2 9", "(the source is the slowest part)"},
		{"balanced, nothing known", Question{Goal: Balanced, Measurements: dump()}, "zstd 7", "it leaves 27.5 %"},
		{"balanced, many cores and a slow upload", Question{Goal: Balanced, Measurements: dump(), UploadRate: 5e6, Cores: 8}, "bzip2 9", ""},
		{"balanced, one core and that upload", Question{Goal: Balanced, Measurements: dump(), UploadRate: 5e6, Cores: 1}, "zstd 7", ""},
		{"dense", Question{Goal: Size, Measurements: dump(), Dense: "a JPEG image"}, "none", "it is a JPEG image: stored as it is"},
		{"noise", Question{Goal: Size, Measurements: []trial.Measurement{measured("zstd", 1, 1.0001, 900), measured("xz", 6, 1.00, 2)}}, "none", "no method makes it smaller: stored as it is"},
		{"pictures", Question{Goal: Size, Measurements: []trial.Measurement{measured("zstd", 1, 0.985, 900), measured("xz", 6, 0.98, 2)}}, "none", "no method takes off more than 2.1 %: stored as it is"},
		{"next to noise", Question{Goal: Balanced, Measurements: []trial.Measurement{measured("zstd", 1, 0.98, 900)}}, "none", "no method takes off more than 2.0 %: stored as it is"},
		{"nothing measured", Question{Goal: Balanced}, "none", "nothing was tried: stored as it is"},
		{"equals", Question{Goal: Size, Measurements: []trial.Measurement{measured("gzip", 6, 0.5, 10), measured("gzip", 9, 0.5, 10)}}, "gzip 6", ""},
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
		"not known":         {Question{}, 0, 0},
		"by the codec":      {Question{Bytes: 1e9, UploadRate: 1e9}, 5e8, checked(10)},
		"by two cores":      {Question{Bytes: 1e9, UploadRate: 1e9, Cores: 2}, 5e8, checked(10) / 1.5},
		"by measured cores": {Question{Bytes: 1e9, UploadRate: 1e9, Cores: 2, Speedup: 1.1}, 5e8, checked(10) / 1.1},
		"by the source":     {Question{Bytes: 1e9, UploadRate: 1e9, SourceRate: 10e6}, 5e8, 100},
		"by the upload":     {Question{Bytes: 1e9, UploadRate: 1e6}, 5e8, 500},
		"by an assumption":  {Question{Bytes: 10e9, Cores: 64}, 5e9, 100},
	} {
		c.q.Goal, c.q.Measurements = Balanced, one
		got := Choose(c.q)
		if got.Bytes != c.bytes || math.Abs(got.Seconds-c.seconds) > 1e-6*c.seconds {
			t.Errorf("%s: %d bytes in %v s, want %d in %v", name, got.Bytes, got.Seconds, c.bytes, c.seconds)
		}
	}
}

// checked is so many seconds of compressing, and those of reading a billion bytes back.
func checked(seconds float64) float64 { return seconds + 1e9/compression.CheckRate("zstd") }

// TestCaution: what a sample says against gzip -9 is trusted by how much the method searches, by what earlier runs became, and in
// full when the sample is everything.
func TestCaution(t *testing.T) {
	candidates := func(one, five, seven float64) []trial.Measurement {
		return []trial.Measurement{measured("zstd", 1, one, 300), measured("zstd", 5, five, 100), measured("zstd", 7, seven, 60), measured("gzip", 9, 0.300, 40)}
	}
	past := func(method string, level int, fraction float64) []providers.Experience {
		return []providers.Experience{{Method: method, Level: level, Fraction: fraction}}
	}
	for name, c := range map[string]struct {
		measurements []trial.Measurement
		reference    float64
		whole        bool
		past         []providers.Experience
		want         string
	}{
		"far below":                         {candidates(0.279, 0.28, 0.27), 0.3, false, nil, "zstd 1"},
		"near, the hasty one":               {candidates(0.285, 0.28, 0.27), 0.3, false, nil, "zstd 5"},
		"nearer":                            {candidates(0.285, 0.299, 0.296), 0.3, false, nil, "zstd 7"},
		"all of it":                         {candidates(0.2999, 0.28, 0.27), 0.3, true, nil, "zstd 1"},
		"more than the bound":               {candidates(0.31, 0.305, 0.301), 0.3, false, nil, "gzip 9"},
		"next to the bound":                 {candidates(0.31, 0.305, 0.2999), 0.3, false, nil, "zstd 7"},
		"the tool is better than the codec": {candidates(0.285, 0.28, 0.272), 0.28, false, nil, "zstd 7"},
		"no tool":                           {candidates(0.285, 0.28, 0.27), 0, false, nil, "zstd 5"},
		"the last run was alike":            {candidates(0.285, 0.28, 0.27), 0.3, false, past("zstd", 5, 0.282), "zstd 1"},
		"the last run was not":              {candidates(0.285, 0.28, 0.27), 0.3, false, past("zstd", 5, 0.2), "zstd 5"},
		"it was not, however far below":     {candidates(0.2, 0.28, 0.27), 0.3, false, past("zstd", 5, 0.35), "zstd 5"},
		"most of it was noise":              {[]trial.Measurement{measured("zstd", 1, 0.1, 300), measured("zstd", 5, 0.05, 100), measured("gzip", 1, 0.2, 300)}, 0.1, false, past("zstd", 5, 0.52), "zstd 5"},
		"it was of another method":          {candidates(0.285, 0.28, 0.27), 0.3, false, past("xz", 6, 0.27), "zstd 5"},
		"dense for the most part":           {[]trial.Measurement{measured("zstd", 1, 0.890, 300), measured("zstd", 7, 0.88, 60)}, 0.9, false, nil, "zstd 1"},
	} {
		got := Choose(Question{Goal: Balanced, Measurements: c.measurements, Reference: c.reference, Whole: c.whole, Past: c.past, UploadRate: 1e9})
		if got.String() != c.want {
			t.Errorf("%s: %s because %s, want %s", name, got, got.Reason, c.want)
		}
	}
}

// TestPast: what a method made of the source the last time counts for that method, and scales what the sample says of the others.
func TestPast(t *testing.T) {
	q := Question{Goal: Size, Bytes: 100, Measurements: []trial.Measurement{measured("zstd", 1, 0.4, 200), measured("bzip2", 9, 0.3, 8)},
		Past: []providers.Experience{{Method: "zstd", Level: 1, Fraction: 0.2}, {Method: "bzip2", Level: 9, Fraction: 0.25}}}
	got := Choose(q)
	if got.String() != "zstd 1" || got.Options[0].Fraction != 0.2 || got.Options[1].Fraction != 0.25 {
		t.Errorf("%s: %+v", got, got.Options)
	}
	q.Past = q.Past[:1]
	if got = Choose(q); got.String() != "bzip2 9" || math.Abs(got.Options[1].Fraction-0.15) > 1e-9 {
		t.Errorf("%s: %+v", got, got.Options)
	}
}

// TestDisturbed: what was measured much slower than what is measured beside it says was disturbed.
func TestDisturbed(t *testing.T) {
	for name, c := range map[string]struct {
		measurements []trial.Measurement
		want         string
		rate         float64
	}{
		"slower than a higher level":          {[]trial.Measurement{measured("zstd", 1, 0.3, 1), measured("zstd", 7, 0.29, 100), measured("gzip", 6, 0.31, 50)}, "zstd 1", 250},
		"slower than another method":          {[]trial.Measurement{measured("zstd", 5, 0.3, 15), measured("gzip", 9, 0.29, 20)}, "zstd 5", 30},
		"as slow as data can make it":         {[]trial.Measurement{measured("zstd", 5, 0.3, 31), measured("gzip", 9, 0.29, 20)}, "zstd 5", 31},
		"a slow method tells nothing of them": {[]trial.Measurement{measured("zstd", 5, 0.3, 60), measured("zstd", 19, 0.29, 20)}, "zstd 5", 60},
		"not measured":                        {[]trial.Measurement{measured("zstd", 5, 0.3, 0), measured("gzip", 9, 0.29, 0)}, "zstd 5", 60},
	} {
		q := Question{Goal: Speed, UploadRate: 1e9, Measurements: c.measurements}
		if got := Choose(q); got.String() != c.want || math.Abs(q.rate(c.measurements[0])-c.rate*1e6) > 1 {
			t.Errorf("%s: %s at %.1f MB/s, want %s at %.1f", name, got, q.rate(c.measurements[0])/1e6, c.want, c.rate)
		}
	}
}

// TestWorth: what cannot be chosen any more is not tried.
func TestWorth(t *testing.T) {
	tried := []trial.Measurement{measured("zstd", 1, 0.3, 300), measured("zstd", 5, 0.27, 100), measured("zstd", 6, 0.26, 50)}
	for name, c := range map[string]struct {
		q    Question
		want []string
	}{
		"nothing was tried": {Question{Goal: Speed}, []string{"zstd 1", "zstd 9", "gzip 6", "gzip 9", "bzip2 9", "xz 6"}},
		"the least":         {Question{Goal: Size, Measurements: tried}, []string{"zstd 1", "zstd 9", "gzip 6", "gzip 9", "bzip2 9", "xz 6"}},
		"a fallback":        {Question{Goal: Speed, Measurements: tried, MinReduction: 10, Fallback: []string{"gzip"}}, []string{"zstd 1", "zstd 9", "gzip 6", "gzip 9", "bzip2 9", "xz 6"}},
		"soonest":           {Question{Goal: Speed, Measurements: tried, UploadRate: 1e9}, []string{"zstd 1"}},
		"balanced":          {Question{Goal: Balanced, Reference: 0.3, Measurements: tried, UploadRate: 1e9}, []string{"zstd 1"}},
		"the quickest fits": {Question{Goal: Balanced, Reference: 0.4, Measurements: tried[:1], UploadRate: 1e9}, []string{"zstd 1"}},
		"none fits yet":     {Question{Goal: Balanced, Reference: 0.2, Measurements: tried, UploadRate: 1e9}, []string{"zstd 1", "zstd 9", "gzip 9", "bzip2 9", "xz 6"}},
		"a slow upload":     {Question{Goal: Balanced, Reference: 0.3, Measurements: tried, UploadRate: 1e6}, []string{"zstd 1", "zstd 9", "gzip 9", "bzip2 9", "xz 6"}},
	} {
		var got []string
		for _, candidate := range []trial.Candidate{{Method: "zstd", Level: 1}, {Method: "zstd", Level: 9}, {Method: "gzip", Level: 6}, {Method: "gzip", Level: 9}, {Method: "bzip2", Level: 9}, {Method: "xz", Level: 6}} {
			if c.q.worth(candidate) {
				got = append(got, Option{Method: candidate.Method, Level: candidate.Level}.String())
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestLonger: what the sample leaves in doubt is looked at again, the method of the last run before it.
func TestLonger(t *testing.T) {
	tried := func(two, three, five float64) []trial.Measurement {
		return []trial.Measurement{measured("zstd", 2, two, 350), measured("zstd", 3, three, 300), measured("zstd", 5, five, 150)}
	}
	seen := func(measurements []trial.Measurement, at int, long float64) []trial.Measurement {
		measurements[at].Long = long
		return measurements
	}
	past := []providers.Experience{{Method: "zstd", Level: 5, Fraction: 0.62}}
	for name, c := range map[string]struct {
		q    Question
		want int
	}{
		"the next to the bound":        {Question{Measurements: tried(0.643, 0.64, 0.63)}, 0},
		"the next one":                 {Question{Measurements: tried(0.660, 0.64, 0.63)}, 1},
		"seen already":                 {Question{Measurements: seen(tried(0.660, 0.64, 0.63), 1, 0.64)}, -1},
		"far away":                     {Question{Measurements: tried(0.70, 0.69, 0.63)}, -1},
		"the quickest is permitted":    {Question{Measurements: tried(0.60, 0.59, 0.58)}, -1},
		"not for what is small":        {Question{Measurements: tried(0.649, 0.64, 0.63), Bytes: 16 << 20}, -1},
		"not for another goal":         {Question{Goal: Speed, Measurements: tried(0.649, 0.64, 0.63)}, -1},
		"the last run":                 {Question{Measurements: tried(0.649, 0.64, 0.65), Past: past}, 2},
		"the last run was alike":       {Question{Measurements: seen(tried(0.66, 0.655, 0.63), 2, 0.62), Past: past}, 1},
		"the last run was not":         {Question{Measurements: seen(tried(0.649, 0.64, 0.63), 2, 0.70), Past: past}, -1},
		"nothing was tried":            {Question{}, -1},
		"a slow upload decides anyway": {Question{Measurements: tried(0.649, 0.64, 0.63), UploadRate: 1e6}, -1},
	} {
		c.q.Goal = cmp.Or(c.q.Goal, Balanced)
		c.q.Reference, c.q.UploadRate = 0.65, cmp.Or(c.q.UploadRate, 1e9)
		if got := c.q.longer(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
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
