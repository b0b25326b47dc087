package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/terminal"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// graced keeps what was cleaned up for a week, and asks for no backup behind it.
type graced struct{ providers.CleanupConfig }

func (graced) GraceTime() time.Duration      { return 7 * 24 * time.Hour }
func (graced) Guard() providers.CleanupGuard { return providers.CleanupGuard{} }

// wholeStatus is the status of something of each kind, not all of which is well; true is set for one of which everything is.
func wholeStatus(t *testing.T, well bool) *statusDocument {
	t.Helper()
	now := metricsMoment
	copied := func(id, backup string, age time.Duration, places ...string) *state.Artifact {
		made := &state.Artifact{Description: state.Description{
			ID: id, Backup: backup, StartedAt: now.Add(-age), EndedAt: now.Add(-age + 130*time.Second), Key: id,
			Raw: state.Sums{Size: 900 << 20}, Stored: state.Sums{Size: 505 << 20},
		}}
		for _, place := range places {
			made.Replicas = append(made.Replicas, state.Replica{
				Destination: place, Condition: state.Verified, StoredAt: now.Add(-age), VerifiedAt: now.Add(-age), ReadBackAt: now.Add(-age),
			})
		}
		return made
	}
	release := func(id string, age time.Duration, phase state.Phase, failure string) *state.Release {
		return &state.Release{ID: id, Address: "deploy.ims", Commit: id + "d4e5f6", Strategy: "hybrid", By: "ana@laptop", Phase: phase, Error: failure,
			Transitions: []state.Transition{{Phase: state.Planned, At: now.Add(-age - time.Minute)}, {Phase: phase, At: now.Add(-age)}}}
	}
	daily := spec.Schedule{Every: units.Duration(24 * time.Hour)}
	month := &spec.Retention{KeepWithin: units.Duration(30 * 24 * time.Hour)}
	near, far := "destination.local.vm", "destination.azblob.secondary"
	specification := &spec.Spec{
		Location:     time.UTC,
		Destinations: []*spec.Destination{{Address: near, Type: "local", Retention: month}, {Address: far, Type: "azblob", Retention: month}},
		Backups: []*spec.Backup{
			{Address: "backup.inventory", To: []string{near, far}, MinCopies: 1, Schedule: daily, ReadBack: spec.ReadBack{Percent: 100, Every: units.Duration(7 * 24 * time.Hour)}},
			{Address: `backup.trees["EU 1"]`, To: []string{near, far}, MinCopies: 2, Schedule: daily},
		},
		Drills:   []*spec.Drill{{Address: "drill.inventory", Backup: "backup.inventory", Schedule: spec.Schedule{Every: units.Duration(7 * 24 * time.Hour)}}},
		Deploys:  []*spec.Deploy{{Address: "deploy.ims"}},
		Checks:   []*spec.Check{{Address: "check.http.site", Type: "http"}, {Address: "check.disk.root", Type: "disk"}, {Address: "check.tcp.new", Type: "tcp"}},
		Cleanups: []*spec.Cleanup{{Address: "cleanup.directory.old", Config: graced{}}, {Address: "cleanup.docker.images"}},
		Notifies: []*spec.Notify{{Address: "notify.webhook.ops", On: []string{"failure", "recovered"}}, {Address: "notify.command.mail", On: []string{"success"}}},
	}
	document := &state.Document{
		Serial: 41,
		Artifacts: []*state.Artifact{
			copied("inventory-20261101T020000Z-aaaaaa", "backup.inventory", 27*24*time.Hour, near, far), copied("inventory-20261127T210000Z-3f9a1c", "backup.inventory", 5*time.Hour, near, far),
			copied("trees-20261127T220000Z-bbbbbb", `backup.trees["EU 1"]`, 4*time.Hour, near, far),
		},
		Drills: []*state.Drill{{ID: "1", Address: "drill.inventory", Backup: "backup.inventory", Artifact: "inventory-20261101T020000Z-aaaaaa", Destination: far,
			StartedAt: now.Add(-50 * time.Hour), Outcome: state.Done, RecoverySeconds: 42.5}},
		Cleanups: []*state.Cleanup{{ID: "c", Address: "cleanup.directory.old", Phase: state.Trashed, Trash: "/srv/.trash/c", Bytes: 1700 << 20, At: now.Add(-26 * time.Hour)}},
		Releases: []*state.Release{release("a1b2c3", 72*time.Hour, state.Promoted, "")},
		Checks: []*state.CheckResult{
			{Address: "check.http.site", AskedAt: now.Add(-10 * time.Minute), Verdict: "passed", Summary: "200 OK in 12 ms"},
			{Address: "check.disk.root", AskedAt: now.Add(-10 * time.Minute), Verdict: "passed", Summary: "/ is 74 % full, 23.5 GiB free, full in about 38 days",
				Figures: map[string]float64{"used_percent": 74.2, "free_bytes": 25 << 30, "days_until_full": 38.2}},
		},
	}
	var holders []state.LockInfo
	if !well {
		document.Artifacts[2].Replicas = document.Artifacts[2].Replicas[:1]
		document.Releases = append(document.Releases, release("f00ba4", 3*time.Hour, state.RolledBack, "check.http.site fails: 502 Bad Gateway\nmore"))
		document.Drills = append(document.Drills, &state.Drill{ID: "2", Address: "drill.inventory", Backup: "backup.inventory", Artifact: "inventory-20261127T210000Z-3f9a1c", Destination: near,
			StartedAt: now.Add(-time.Hour), Outcome: state.Failed, Differences: []string{"table public.items has 2000 rows and not 2003"}})
		document.Checks = append(document.Checks,
			&state.CheckResult{Address: "check.http.site", AskedAt: now.Add(-5 * time.Minute), Verdict: "failed", Summary: "502 Bad Gateway, and the body is not what is expected: \x1b[2J"})
		document.Intents = []*state.Intent{{ID: "i", Address: "backup.inventory", Kind: "backup", BeganAt: now.Add(-time.Minute)}}
		holders = []state.LockInfo{
			{ID: "l", Operation: "apply", User: "ana", Host: "laptop", PID: 12, TakenAt: now.Add(-2 * time.Minute), Part: "backup.inventory"},
			{ID: "m", Operation: "drill", User: "bob", Host: "desk", PID: 13, TakenAt: now.Add(-time.Minute), Part: "backup.site"},
		}
	}
	made := newStatusDocument(specification, document, now)
	made.State = stateStatusOf("postgres://state.example.org/imsctl", document, holders)
	return made
}

// TestStatusText holds what people read, in windows of different widths.
func TestStatusText(t *testing.T) {
	for name, c := range map[string]struct {
		well  bool
		width int
		color bool
	}{
		"well_80": {true, 80, false}, "ill_80": {false, 80, false}, "ill_200": {false, 200, false}, "ill_120_color": {false, 120, true}, "ill_50": {false, 50, false},
	} {
		t.Run(name, func(t *testing.T) {
			lines, err := statusPageOf(wholeStatus(t, c.well), c.width, c.color)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(lines, "\n") + "\n"
			file := filepath.Join("testdata", "status", name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if difference := cmp.Diff(readText(t, file), got); difference != "" {
				t.Errorf("(-want +got):\n%s", difference)
			}
			for _, line := range lines {
				// At 50 columns the table of addresses alone is wider: they are never broken.
				if !c.color && c.width >= 80 && terminal.Width(line) > c.width {
					t.Errorf("%d columns: %s", terminal.Width(line), line)
				}
			}
		})
	}
}

// TestStatusOfAllMatchesItsSchema: what the commands of TestOutputsMatchSchemas have no part of, such as deploys.
func TestStatusOfAllMatchesItsSchema(t *testing.T) {
	text, err := json.Marshal(wholeStatus(t, false), json.FormatNilSliceAsNull(false))
	if err != nil {
		t.Fatal(err)
	}
	if err := closedSchemas(t).check("status", text); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestStatusOfNothing: a specification without anything has no empty tables.
func TestStatusOfNothing(t *testing.T) {
	document := newStatusDocument(&spec.Spec{}, &state.Document{}, metricsMoment)
	document.State = stateStatusOf("nowhere", &state.Document{}, nil)
	lines, err := statusPageOf(document, 80, false)
	want := []string{"Everything that is declared is true, as far as the state knows.", "",
		"Told of failures  nobody: no notify block asks for failure", "State             nowhere, serial 0, not locked"}
	if err != nil || !cmp.Equal(lines, want) {
		t.Errorf("got %q, %v", lines, err)
	}
}

// TestStatusOfTheUnknown: of what was never looked at is not said that it is true without saying so.
func TestStatusOfTheUnknown(t *testing.T) {
	specification := &spec.Spec{
		Checks:   []*spec.Check{{Address: "check.http.a"}, {Address: "check.http.b"}},
		Deploys:  []*spec.Deploy{{Address: "deploy.ims"}},
		Cleanups: []*spec.Cleanup{{Address: "cleanup.docker.images"}},
	}
	for name, c := range map[string]struct {
		state *state.Document
		want  string
	}{
		"all": {&state.Document{}, `It knows nothing of 2 checks that were never asked ("imsctl check" does), and of 2 deploys and cleanups that were never made ("imsctl plan" looks)`},
		"a check": {&state.Document{
			Checks:   []*state.CheckResult{{Address: "check.http.a", Verdict: string(providers.Passed)}},
			Releases: []*state.Release{{ID: "r", Address: "deploy.ims", Phase: state.Promoted, Transitions: []state.Transition{{At: metricsMoment}}}},
			Cleanups: []*state.Cleanup{{ID: "c", Address: "cleanup.docker.images", Phase: state.Removed}},
		}, `It knows nothing of 1 check that was never asked ("imsctl check" does)`},
	} {
		page := &statusPage{statusDocument: newStatusDocument(specification, c.state, metricsMoment)}
		if got := page.unknown(); got != c.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestScreen(t *testing.T) {
	var lines []string
	for i := range 30 {
		lines = append(lines, fmt.Sprint("line ", i))
	}
	for _, c := range []struct {
		lines, height, shown int
		more                 string
	}{
		{30, 24, 20, "… and 10 more lines, in a taller window"}, {21, 24, 21, ""}, {22, 24, 20, "… and 2 more lines, in a taller window"}, {0, 24, 0, ""}, {5, 2, 0, "… and 5 more lines, in a taller window"},
	} {
		text := screen("imsctl status .", metricsMoment, lines[:c.lines], 80, c.height)
		got := strings.Split(strings.TrimSuffix(strings.TrimPrefix(text, firstLine), "\n"+clearRest), "\n")
		if !strings.HasPrefix(text, firstLine) || !strings.HasSuffix(text, "\n"+clearRest) {
			t.Errorf("%q does not paint over what was there", text)
		}
		if c.height > 4 && len(got) >= c.height {
			t.Errorf("%d lines for a height of %d", len(got), c.height)
		}
		if strings.Count(text, "line ") != c.shown || !strings.Contains(text, c.more) {
			t.Errorf("%d lines in a height of %d: %q", c.lines, c.height, got)
		}
		if want := "imsctl status ." + strings.Repeat(" ", 80-15-19) + "2026-11-28 02:00:00" + clearLine; got[0] != want {
			t.Errorf("the title is %q", got[0])
		}
	}
}

// TestChangesOf: what grows old is no change.
func TestChangesOf(t *testing.T) {
	one, later := wholeStatus(t, false), wholeStatus(t, false)
	later.CreatedAt = later.CreatedAt.Add(time.Minute)
	later.Breaches = append([]judgement.Breach{}, later.Breaches...)
	later.Breaches[0].Text = "has been so for longer"
	if changesOf(one) != changesOf(later) {
		t.Error("the time is a change")
	}
	later.Breaches = later.Breaches[1:]
	if changesOf(one) == changesOf(later) || changesOf(one) == changesOf(wholeStatus(t, true)) {
		t.Error("what has become true is no change")
	}
}

// TestStatusWatch: without a terminal a block comes for each change, until it is interrupted.
func TestStatusWatch(t *testing.T) {
	w := newWorkFolder(t, map[string]string{"main.hcl": exitSpecification, "notes.txt": "one\n"})
	for name, c := range map[string]struct {
		arguments     []string
		before, after string
	}{
		"text": {nil, "✗ backup.notes has no backup that counts", "Everything that is declared is true"},
		"json": {[]string{"-json"}, `"true":false`, `"true":true`},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.RemoveAll(filepath.Join(w.folder, ".imsctl")); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(w.folder, "one")); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(w.folder, "two")); err != nil {
				t.Fatal(err)
			}
			watch := exec.Command("imsctl", append([]string{"status", "-watch", "-every", "10ms"}, c.arguments...)...)
			watch.Dir = w.folder
			output, err := watch.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			var complaints strings.Builder
			watch.Stderr = &complaints
			if err := watch.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = watch.Process.Kill() })
			lines := bufio.NewScanner(output)
			lines.Buffer(nil, 1<<20)
			await := func(part string) {
				t.Helper()
				for lines.Scan() {
					if strings.Contains(lines.Text(), part) {
						return
					}
				}
				t.Fatalf("it never says %s", part)
			}
			await(c.before)
			w.run(exitDone, "apply", "-auto-approve")
			await(c.after)
			if err := watch.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			for lines.Scan() {
			}
			if err := watch.Wait(); err != nil {
				t.Errorf("an interrupt is how it ends: %v", err)
			}
			if complaints.Len() > 0 {
				t.Errorf("it says besides: %s", complaints.String())
			}
		})
	}
}
