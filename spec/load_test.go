package spec_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/providers/source/files"
	"github.com/castrolanda/imsctl/spec"
)

// options are those of the program itself: its own providers and profiles.
func options(t testing.TB) spec.Options {
	t.Helper()
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	options := spec.Options{Registry: registry, Version: "0.3.0"}
	options.Factors = []string{"migrations", "business_hours"}
	for _, profile := range compression.Profiles() {
		options.Profiles = append(options.Profiles, spec.Profile(profile))
	}
	return options
}

// valued loads a text that must be valid.
func valued(t *testing.T, text string, change func(*spec.Options)) *spec.Spec {
	t.Helper()
	loaded, diagnostics := loadText(t, text, change)
	if diagnostics.HasErrors() {
		t.Fatalf("%v\n%s", diagnostics.List, text)
	}
	return loaded
}

const whole = `
imsctl {
  required_version = "~> 0.3"
  timezone         = "America/Sao_Paulo"
  state "local" {
    path = "here/state.json"
  }
}
backup "docs" {
  source      = source.files.docs
  compression = compression.small
  to          = local.places
  schedule    = "0 2 * * *"
  min_copies  = 2
}
backup "once" {
  source = source.files.docs
  to     = [destination.local.far]
  every  = null
  once   = true
}
locals {
  places = [destination.local.near, destination.local.far]
  root   = "${local.base}/docs"
  base   = upper("srv")
}
source "files" "docs" {
  host    = host.local
  path    = local.root
  exclude = concat(["*.tmp"], [for name in ["a", "b"] : "${name}.pyc"])
}
destination "local" "near" {
  path      = "near"
  retention = retention.week
}
destination "local" "far" {
  path = "far"
}
retention "week" {
  keep_within = "7d"
  keep_last   = 3
  max_deletes = "5"
}
compression "small" {
  method = "zstd"
  level  = 9
}
`

func TestLoad(t *testing.T) {
	loaded := valued(t, whole, nil)
	if loaded.Location.String() != "America/Sao_Paulo" || loaded.State.Path != filepath.Join(loaded.Directory, "here/state.json") {
		t.Errorf("settings: %v, %v", loaded.Location, loaded.State)
	}
	source := loaded.Sources[0].Config.(*files.Config)
	if diff := cmp.Diff([]string{"*.tmp", "a.pyc", "b.pyc"}, source.Exclude); diff != "" || source.Path != "SRV/docs" {
		t.Errorf("source: %q %s", source.Path, diff)
	}
	if want := (providers.Reference{Kind: providers.KindHost, Address: "host.local"}); source.Host != want {
		t.Errorf("host: %v", source.Host)
	}
	docs, once := loaded.Backups[0], loaded.Backups[1]
	if diff := cmp.Diff([]string{"destination.local.near", "destination.local.far"}, docs.To); diff != "" {
		t.Error(diff)
	}
	if docs.Source != "source.files.docs" || docs.MinCopies != 2 || docs.Codec.Method() != "zstd" || docs.Codec.Level() != 9 {
		t.Errorf("backup: %+v", docs)
	}
	// Two in the morning in São Paulo is five in UTC.
	due := docs.Schedule.DueAt(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	if want := time.Date(2026, 3, 2, 5, 0, 0, 0, time.UTC); !due.Equal(want) {
		t.Errorf("due at %v, want %v", due, want)
	}
	if !once.Schedule.Once || once.Compression != "compression.balanced" || once.MinCopies != 1 || once.Codec.Method() != "gzip" {
		t.Errorf("defaults: %+v", once)
	}
	far, near := loaded.Destinations[0], loaded.Destinations[1]
	if far.Retention != nil || near.Retention != loaded.Retentions[0] || near.Retention.KeepWithin != units.Duration(7*24*time.Hour) ||
		near.Retention.KeepLast != 3 || near.Retention.MaxDeletes != 5 {
		t.Errorf("retention: %+v, %+v", far.Retention, near.Retention)
	}
}

// The addresses of all lists are in order, whatever the order of the blocks.
func TestListsAreOrdered(t *testing.T) {
	loaded := valued(t, manyBackups(30), nil)
	for i := 1; i < len(loaded.Backups); i++ {
		if loaded.Backups[i-1].Address >= loaded.Backups[i].Address || loaded.Sources[i-1].Address >= loaded.Sources[i].Address {
			t.Fatalf("%s stands before %s", loaded.Backups[i-1].Address, loaded.Backups[i].Address)
		}
	}
}

// A file that is parsed in parts has its mistakes where they are.
func TestPlacesInALargeFile(t *testing.T) {
	text := manyBackups(2000)
	lines := strings.Count(text, "\n")
	_, diagnostics := loadText(t, text+"backup \"last\" {\n  sorce = 1\n}\n", nil)
	var found []string
	for _, diagnostic := range diagnostics.List {
		at := *diagnostic.Subject
		found = append(found, fmt.Sprintf("%d:%d %s", at.Start.Line, at.Start.Column, textOf(diagnostics, at.Filename)[at.Start.Byte:at.End.Byte]))
	}
	want := []string{fmt.Sprintf("%d:1 backup \"last\"", lines+1), fmt.Sprintf("%d:3 sorce", lines+2)}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

func textOf(diagnostics spec.Diagnostics, name string) string {
	return string(diagnostics.Files[name].Bytes)
}

// Neither long chains of local values nor many mistakes take more than their share of time: with quadratic work in them
// these would run into the test's own limit.
func TestManyLocalsAndManyMistakes(t *testing.T) {
	var text strings.Builder
	text.WriteString("locals {\n  v0 = \"x\"\n")
	const n = 20000
	for i := range n {
		fmt.Fprintf(&text, "  v%d = local.v%d\n", i+1, i)
	}
	text.WriteString("}\n")
	_, diagnostics := loadText(t, text.String(), nil)
	if len(diagnostics.List) != 1 || diagnostics.List[0].Summary != "Nothing is declared" {
		t.Errorf("got %d diagnostics, the first of which is %v", len(diagnostics.List), diagnostics.List[0])
	}
	mistakes := strings.ReplaceAll(manyBackups(2000), "  min_copies ", "  mincopies ")
	if _, diagnostics := loadText(t, mistakes, nil); len(diagnostics.List) != 2000 {
		t.Errorf("got %d diagnostics, want one for each of 2000", len(diagnostics.List))
	}
}

func TestCronSchedules(t *testing.T) {
	for expression, wrong := range map[string]string{
		"0 2 * * *": "", "@daily": "", "0 0 29 2 *": "", "*/5 8-18 * * mon-fri": "",
		"0 0 30 2 *": "never fires", "TZ=0": "imsctl block", "CRON_TZ=UTC 0 2 * * *": "imsctl block", "@every 1h": `every = "24h"`,
		"": "empty", "0 2 * *": "5 fields", "61 * * * *": "above maximum", "@reboot": "unrecognized",
	} {
		_, err := spec.NewCronSchedule(expression, time.UTC)
		if (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: got %v, want %q", expression, err, wrong)
		}
	}
}
