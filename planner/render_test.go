package planner

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(string(want), string(got)); difference != "" {
		t.Errorf("%s (-want +got):\n%s", path, difference)
	}
}

// busyScene gives a plan with an action of every kind and every cause.
func busyScene(t testing.TB) *scene {
	s := newScene(t, placeA, placeB, placeC)
	s.retain(placeA, spec.Retention{KeepWithin: units.Duration(7 * day), MaxDeletes: 2})
	for _, age := range []time.Duration{31 * day, 20 * day, 10 * day, 9 * day} {
		s.have(age, placeA)
	}
	lost := s.have(6*day, placeB)
	s.loseCopy(placeB, lost)
	cut := s.have(5*day, placeA, placeB)
	s.putObject(placeB, cut.Key, 12*mib)
	touched := s.have(4*day, placeA, placeB)
	s.putObject(placeA, touched.Key, touched.Stored.Size)
	s.have(26*hour, placeA, placeB)
	unrecorded := s.make(25 * hour)
	s.put(placeB, unrecorded)
	s.seal(placeB, unrecorded, sceneLineage)
	s.intend(KindBackup, unrecorded, placeA, placeB)
	s.putObject(placeA, unrecorded.Key, 12*mib)
	s.observed.Destinations[placeC] = &DestinationView{Err: errors.New("dial tcp 10.100.27.1:22: connect: no route to host")}

	s.protect(placeA, s.have(30*day, placeA), "a temporary hold")

	s.declare("keycloak", placeA)
	young := s.make(hour)
	young.ID, young.Backup, young.Key = "keycloak-20261122T110000Z-abcdef", "backup.keycloak", "keycloak/keycloak-20261122T110000Z-abcdef.sql.gz"
	data, manifest := s.put(placeA, young)
	s.document.Artifacts = append(s.document.Artifacts, young)
	young.Replicas = append(young.Replicas, cut.Replicas[0])
	young.Replicas[0].Version, young.Replicas[0].ManifestVersion = data, manifest
	s.spec.Backups[1].To = []string{placeA, placeB}
	s.putObject(placeA, "database/stray.sql", 3000)

	s.haveOf("wiki", 2*hour, placeA, placeB)
	s.haveOf("shop", 3*hour, placeA)
	s.spec.Moves = []spec.Move{{From: "backup.wiki", To: "backup.keycloak"}}
	s.spec.Removals = []spec.Removal{{From: "backup.shop"}}
	foreign := s.makeOf("login", 4*hour)
	s.put(placeB, foreign)
	s.seal(placeB, foreign, "another lineage")
	s.spec.Imports = []spec.Import{{To: "backup.keycloak", ID: foreign.ID}}

	s.drill("database", placeB)
	s.drilled("database", 9*day, nil)
	s.drilled("database", 8*day, func(d *state.Drill) {
		d.Outcome, d.Differences = state.Failed, []string{"public.products has 10 rows, the manifest says 12", "public.orders is missing, the manifest says 3 rows"}
	})
	s.leaveScratch("database")
	s.deploy("ims", nil)
	s.cleanup("docker")
	return s
}

func render(t *testing.T, plan *Plan, options RenderOptions) []byte {
	t.Helper()
	var buffer bytes.Buffer
	if err := WriteText(&buffer, plan, options); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func TestWriteText(t *testing.T) {
	plan := busyScene(t).diff()
	for _, kind := range kinds {
		if plan.Count(kind) == 0 {
			t.Errorf("the scene has no action of kind %s", kind)
		}
	}
	golden(t, "plan.txt", render(t, plan, RenderOptions{}))
	golden(t, "plan_verbose.txt", render(t, plan, RenderOptions{Width: 120, Verbose: true}))
	golden(t, "plan_color.txt", render(t, plan, RenderOptions{Color: true}))
	golden(t, "plan_nothing.txt", render(t, newYoungScene(t).diff(), RenderOptions{}))
	unseen := newYoungScene(t)
	unseen.observed = nil
	golden(t, "plan_not_refreshed.txt", render(t, unseen.diff(), RenderOptions{}))
}

func newYoungScene(t testing.TB) *scene {
	s := newScene(t, placeA)
	s.have(hour, placeA)
	return s
}

func TestWriteTextFitsTheTerminal(t *testing.T) {
	for _, width := range []int{40, 80, 100} {
		for line := range strings.Lines(string(render(t, busyScene(t).diff(), RenderOptions{Width: width}))) {
			line = strings.TrimRight(line, "\n")
			if len([]rune(line)) > width && strings.Contains(strings.TrimSpace(line), " ") && !strings.Contains(line, "@") && !strings.Contains(line, scratchSuffix) && !strings.HasPrefix(line, "Plan:") {
				t.Errorf("width %d: %q has %d", width, line, len([]rune(line)))
			}
		}
	}
}

func TestWriteTextShowsWhatWouldHide(t *testing.T) {
	s := newScene(t, placeA)
	s.observed.Sources["source.command.database"] = &SourceView{Err: errors.New("x\x1b[2J\u202egone\x00\xff\U000e0001 end")}
	text := string(render(t, s.diff(), RenderOptions{}))
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("the text has %U:\n%q", r, text)
		}
	}
	if !strings.Contains(text, `\u001b[2J\u202egone\u0000\xff\U000e0001`) {
		t.Errorf("the text does not show what was hidden:\n%s", text)
	}
}

func TestWriteTextReportsItsWriter(t *testing.T) {
	if err := WriteText(brokenWriter{}, newYoungScene(t).diff(), RenderOptions{}); !errors.Is(err, errNoRoute) {
		t.Errorf("got %v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errNoRoute }

func TestMarshalJSONDocument(t *testing.T) {
	data, err := MarshalJSONDocument(busyScene(t).diff(), "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.ContainsRune(data, '\n') {
		t.Error("the document is not on one line")
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, data, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "plan.json", append(indented.Bytes(), '\n'))
}

// Policy tools read these paths.
func TestJSONHasTerraformsShape(t *testing.T) {
	data, err := MarshalJSONDocument(busyScene(t).diff(), "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		ResourceChanges []struct {
			Address, Type, Name string
			Change              struct {
				Actions         []string
				BeforeSensitive *bool `json:"before_sensitive"`
				AfterSensitive  *bool `json:"after_sensitive"`
			}
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, change := range document.ResourceChanges {
		if len(change.Change.Actions) != 1 || !slices.Contains([]string{"backup", "drill", "deploy", "cleanup"}, change.Type) || change.Name == "" ||
			change.Change.BeforeSensitive == nil || change.Change.AfterSensitive == nil {
			t.Errorf("%s: %+v", change.Address, change)
		}
		seen[change.Change.Actions[0]] = true
	}
	for _, action := range []string{"create", "update", "delete", "read", "forget", "no-op"} {
		if !seen[action] {
			t.Errorf("no change has the action %q: %v", action, seen)
		}
	}
}

func TestSummary(t *testing.T) {
	for _, c := range []struct {
		actions []Action
		want    string
	}{
		{nil, "No changes. Everything declared is true."},
		{[]Action{new(Prune), new(Backup), new(Prune)}, "Plan: 1 to back up, 2 to prune."},
		{[]Action{new(Blocked), new(Sweep), new(Cleanup), new(Forget), new(Verify), new(Repair), new(Replicate)},
			"Plan: 1 to replicate, 1 to repair, 1 to verify, 1 to forget, 1 to clean up, 1 to sweep, 1 blocked."},
	} {
		if got := Summary(&Plan{Actions: c.actions}); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for n, want := range map[float64]string{1: "1s", 45.4: "45s", 60: "1m", 130: "2m10s", 3600: "1h", 3660: "1h1m", 3601: "1h0m1s"} {
		if got := seconds(n); got != want {
			t.Errorf("%v seconds: got %q, want %q", n, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := wrap("one two  three a-very-long-word four", 9)
	if want := fmt.Sprint([]string{"one two", "three", "a-very-long-word", "four"}); fmt.Sprint(got) != want {
		t.Errorf("got %q", got)
	}
}
