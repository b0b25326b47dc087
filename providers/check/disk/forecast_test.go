package disk

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// noon is when the tests ask.
var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// ago is so much used so many hours before.
func ago(hours, used float64) point {
	return point{at: noon.Add(-time.Duration(hours * float64(time.Hour))), used: used}
}

func TestForesee(t *testing.T) {
	for name, test := range map[string]struct {
		points       []point
		free         float64
		growth, days float64
		unknown      string
	}{
		"nothing":               {nil, 100, 0, 0, "0 measurements over 0s; at least 3 over 24h are needed"},
		"one":                   {[]point{ago(0, 5)}, 100, 0, 0, "1 measurement over 0s"},
		"two":                   {[]point{ago(72, 5), ago(0, 7)}, 100, 0, 0, "2 measurements over 3d"},
		"many of one day":       {[]point{ago(23, 5), ago(12, 7), ago(6, 7), ago(0, 8)}, 100, 0, 0, "4 measurements over 23h"},
		"of one moment":         {[]point{ago(0, 5), ago(0, 7), ago(0, 9)}, 100, 0, 0, "3 measurements over 0s"},
		"steadily":              {[]point{ago(48, 10), ago(24, 20), ago(0, 30)}, 50, 10, 5, ""},
		"in another order":      {[]point{ago(0, 30), ago(48, 10), ago(24, 20)}, 50, 10, 5, ""},
		"up and down":           {[]point{ago(72, 10), ago(48, 30), ago(24, 20), ago(0, 40)}, 80, 8, 10, ""},
		"not at all":            {[]point{ago(48, 10), ago(24, 10), ago(0, 10)}, 50, 0, math.Inf(1), ""},
		"less and less":         {[]point{ago(48, 30), ago(24, 20), ago(0, 10)}, 50, -10, math.Inf(1), ""},
		"full":                  {[]point{ago(48, 10), ago(24, 20), ago(0, 30)}, 0, 10, 0, ""},
		"full and emptying":     {[]point{ago(48, 30), ago(24, 20), ago(0, 10)}, 0, -10, 0, ""},
		"a clock in the future": {[]point{ago(48, 10), ago(24, 20), ago(0, 30), ago(-9000, 1e9)}, 50, 10, 5, ""},
		"large numbers":         {[]point{ago(48, 9e15+1e9), ago(24, 9e15+2e9), ago(0, 9e15+3e9)}, 5e9, 1e9, 5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := foresee(test.points, test.free, noon)
			if !strings.HasPrefix(got.unknown, test.unknown) || (got.unknown == "") != (test.unknown == "") {
				t.Errorf("unknown: %q", got.unknown)
			}
			if near := func(a, b float64) bool { return a == b || math.Abs(a-b) < 1e-6*math.Abs(b) }; !near(got.growth, test.growth) || !near(got.days, test.days) {
				t.Errorf("grows by %g a day, lasts %g days", got.growth, got.days)
			}
		})
	}
}

func TestForecastOfProbe(t *testing.T) {
	const gibibyte = 1 << 30
	// past is how much was used on the days before, in GiB.
	past := func(figure string, scale float64, days ...float64) []providers.Measurement {
		var measured []providers.Measurement
		for i, used := range days {
			measured = append(measured, providers.Measurement{At: noon.Add(-time.Duration(len(days)-i) * 24 * time.Hour), Figures: map[string]float64{figure: used * scale}})
		}
		return measured
	}
	limits := func(warn, fail int64) Config {
		return Config{Path: "/srv", Warn: 80, Fail: 95, WarnDays: warn, FailDays: fail}
	}
	// 50 of 100 GiB are used, and 5000 of 10000 inodes.
	disk := printer{space: "/dev/sda1 104857600 52428800 52428800 50% /srv", inodes: "/dev/sda1 10000 5000 5000 50% /srv"}
	for name, test := range map[string]struct {
		config  Config
		past    []providers.Measurement
		verdict providers.Verdict
		summary string
	}{
		"no history, nobody asks":  {limits(0, 0), nil, providers.Passed, "/srv is 50 % full, 50.0 GiB free"},
		"no history":               {limits(30, 7), nil, providers.Passed, "/srv is 50 % full, 50.0 GiB free; when it is full is not known yet: 1 measurement over 0s; at least 3 over 24h are needed"},
		"other figures":            {limits(30, 0), past("latency_seconds", 1, 1, 2, 3), providers.Passed, "/srv is 50 % full, 50.0 GiB free; when it is full is not known yet: 1 measurement over 0s; at least 3 over 24h are needed"},
		"soon":                     {limits(30, 7), past(usedBytes, gibibyte, 46, 48), providers.Warned, "/srv is 50 % full, 50.0 GiB free; full in 25d, with 2.0 GiB more a day"},
		"very soon":                {limits(30, 7), past(usedBytes, gibibyte, 10, 30), providers.Failed, "/srv is 50 % full, 50.0 GiB free; full in 2d, with 20.0 GiB more a day"},
		"soon, and nobody asks":    {limits(0, 0), past(usedBytes, gibibyte, 10, 30), providers.Passed, "/srv is 50 % full, 50.0 GiB free; full in 2d, with 20.0 GiB more a day"},
		"late":                     {limits(30, 7), past(usedBytes, gibibyte, 48, 49), providers.Passed, "/srv is 50 % full, 50.0 GiB free; full in 50d, with 1.0 GiB more a day"},
		"never":                    {limits(30, 7), past(usedBytes, gibibyte, 50, 50), providers.Passed, "/srv is 50 % full, 50.0 GiB free"},
		"hardly":                   {limits(30, 7), past(usedBytes, gibibyte, 49.999, 49.9995), providers.Passed, "/srv is 50 % full, 50.0 GiB free"},
		"out of inodes soon":       {limits(30, 7), past(usedInodes, 1, 4000, 4500), providers.Warned, "/srv is 50 % full, 50.0 GiB free; when it is full is not known yet: 1 measurement over 0s; at least 3 over 24h are needed; out of inodes in 10d"},
		"out of inodes very soon":  {limits(0, 12), past(usedInodes, 1, 4000, 4500), providers.Failed, "out of inodes in 10d"},
		"enough inodes for a year": {limits(0, 12), past(usedInodes, 1, 4980, 4990), providers.Passed, "/srv is 50 % full"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := &check{config: test.config, host: disk, clock: clock.NewManual(noon)}
			finding, err := asked.WithHistory(test.past).Probe(t.Context())
			if err != nil || finding.Verdict != test.verdict || !strings.HasSuffix(finding.Summary, test.summary) && !strings.HasPrefix(finding.Summary, test.summary) {
				t.Errorf("%v, got %+v", err, finding)
			}
			if asked.past != nil {
				t.Error("the check itself was changed")
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		config    Config
		attribute string
	}{
		"percentages":    {Config{Warn: 90, Fail: 80}, "warn"},
		"no days":        {Config{Warn: 80, Fail: 95, WarnDays: -1}, "warn_days"},
		"less than none": {Config{Warn: 80, Fail: 95, FailDays: -1}, "fail_days"},
		"fails first":    {Config{Warn: 80, Fail: 95, WarnDays: 7, FailDays: 14}, "fail_days"},
		"fails only":     {Config{Warn: 80, Fail: 95, FailDays: 14}, ""},
		"both":           {Config{Warn: 80, Fail: 95, WarnDays: 30, FailDays: 14}, ""},
	} {
		problems := test.config.Validate()
		if (test.attribute == "") != (len(problems) == 0) || test.attribute != "" && problems[0].Attribute != test.attribute {
			t.Errorf("%s: got %v", name, problems)
		}
	}
}
