package main

import (
	"strings"
	"testing"
	"time"
)

func TestSeries(t *testing.T) {
	if got := (series{5, 1, 3}).median(); got != 3 {
		t.Errorf("median %v, want 3", got)
	}
	if got := (series{4, 1, 3, 2}).median(); got != 2.5 {
		t.Errorf("median %v, want 2.5", got)
	}
	if got := ratios(series{2, 9}, series{4, 3}); got[0] != 0.5 || got[1] != 3 {
		t.Errorf("ratios %v", got)
	}
}

func TestReportIsTable(t *testing.T) {
	r := &report{began: time.Now()}
	r.row("wall", series{1, 2, 4}, seconds)
	r.row("peak × of it", series{1 << 20}, size)
	r.missing("a | restic", "restic is not installed")
	var out strings.Builder
	if err := r.write(&out, settings{scale: 1, runs: 3}); err != nil {
		t.Fatal(err)
	}
	want := `
| what         | median                  | min     | max     |
|--------------|-------------------------|---------|---------|
| wall         | 2 s                     | 1 s     | 4 s     |
| peak × of it | 1.0 MiB                 | 1.0 MiB | 1.0 MiB |
| a \| restic  | restic is not installed | –       | –       |
`
	if got := out.String(); !strings.HasSuffix(got, want) {
		t.Errorf("got:\n%s", got)
	}
}
