package units_test

import (
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "24h": 24 * time.Hour, "30d": 720 * time.Hour, "8w": 8 * 168 * time.Hour,
		"1d12h": 36 * time.Hour, "1.5h": 90 * time.Minute, "10ms": 10 * time.Millisecond, " 1s ": time.Second,
	} {
		got, err := units.ParseDuration(text)
		if err != nil || got.Std() != want {
			t.Errorf("%q: got %v, %v; want %v", text, got.Std(), err, want)
		}
	}
}

func TestParseDurationRefuses(t *testing.T) {
	for text, reason := range map[string]string{
		"": "empty", "0d": "zero", "0": "unit", "-1d": "negative", "30": "unit", "d": "not a number", "1y": "unit",
		"1h-2m": "not a number", "1e9d": "unit", "999999w9999999w": "longer", "NaNd": "not a number", "0.0000001ms": "zero",
	} {
		if got, err := units.ParseDuration(text); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: got %v, %v; want an error that says %q", text, got, err, reason)
		}
	}
}

func TestDurationString(t *testing.T) {
	for want, span := range map[string]time.Duration{
		"30d": 720 * time.Hour, "36h": 36 * time.Hour, "90m": 90 * time.Minute, "1ms": time.Millisecond, "1.5µs": 1500,
	} {
		if got := units.Duration(span).String(); got != want {
			t.Errorf("%v: got %q, want %q", span, got, want)
		}
	}
}

func TestAge(t *testing.T) {
	for want, span := range map[string]time.Duration{
		"0s": -time.Hour, "45s": 45 * time.Second, "119m": 119 * time.Minute, "26h": 26 * time.Hour, "8d": 200 * time.Hour,
	} {
		if got := units.Age(span); got != want {
			t.Errorf("%v: got %q, want %q", span, got, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]units.Size{
		"16MiB": 16 << 20, "2GB": 2e9, "0B": 0, "1.5 KiB": 1536, "5 kB": 5000,
	} {
		if got, err := units.ParseSize(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "16", "MiB", "-1MB", "NaNMB", "9999999999TiB", "1 mb"} {
		if got, err := units.ParseSize(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}

func TestBytes(t *testing.T) {
	for want, n := range map[string]int64{"0 B": 0, "512 B": 512, "1.7 GiB": 1825361100, "505 MiB": 505 << 20} {
		if got := units.Bytes(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"90m", "30d", "0d", "-1h", "1w2d3h4m5s6ms", "1..2h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := units.ParseDuration(text); err == nil && got <= 0 {
			t.Errorf("%q parsed to the non-positive %v", text, got)
		}
	})
}
