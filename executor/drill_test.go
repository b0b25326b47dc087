package executor_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

const drillAddress = "drill.notes"

// driller makes scratch places that are nothing but names, and fails where it is told to.
type driller struct {
	clock *clock.Manual
	// begins, restores, compares and closes are the errors of those steps.
	begins, restores, compares, closes, removes error
	// reads is how much of the artifact is read, all of it when negative.
	reads int64
	found providers.Comparison
	// during is called while a restore runs.
	during func()
	// places are those that are there, read what was restored, asked what was expected.
	places map[string]bool
	read   string
	asked  providers.DrillExpectation
}

func newTestDriller(b *workbench) *driller {
	d := &driller{clock: b.clock, reads: -1, places: make(map[string]bool), found: providers.Comparison{Tables: 2, Rows: 7, Assertions: 1}}
	b.world.Drillers = map[string]providers.Driller{drillAddress: d}
	return d
}

func (d *driller) Location() string { return "db:5432" }

func (d *driller) Begin(_ context.Context, scratch string) (providers.Scratch, error) {
	if d.begins != nil {
		return nil, d.begins
	}
	d.places[scratch] = true
	return &testScratch{d, scratch}, nil
}

func (d *driller) Remove(_ context.Context, scratch string) error {
	if d.removes == nil {
		delete(d.places, scratch)
	}
	return d.removes
}

type testScratch struct {
	*driller
	name string
}

func (s *testScratch) Restore(ctx context.Context, r io.Reader) error {
	if s.during != nil {
		s.during()
	}
	if s.reads >= 0 {
		r = io.LimitReader(r, s.reads)
	}
	data, err := io.ReadAll(r)
	s.driller.read = string(data)
	s.clock.Advance(90 * time.Second)
	return errors.Join(ctx.Err(), wrapped("psql broke off", err), s.restores)
}

func (s *testScratch) Compare(_ context.Context, expected providers.DrillExpectation) (providers.Comparison, error) {
	s.asked = expected
	s.clock.Advance(30 * time.Second)
	return s.found, s.compares
}

func (s *testScratch) Warnings() []string { return []string{"look at this"} }

func (s *testScratch) Close(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s.closes == nil {
		delete(s.places, s.name)
	}
	return s.closes
}

// wrapped is an error without what caused it, as that of a program is.
func wrapped(text string, err error) error {
	if err == nil {
		return nil
	}
	return errors.New(text)
}

func plannedDrill(artifact *state.Artifact) *planner.Drill {
	return &planner.Drill{Meta: planner.Meta{Address: drillAddress, Backup: backupAddress}, Artifact: artifact.ID, From: placeAddress, Into: "postgres"}
}

func lastDrill(t *testing.T, b *workbench) *state.Drill {
	t.Helper()
	drills := b.session.Document().DrillsOf(drillAddress)
	if len(drills) == 0 {
		t.Fatal("no drill is recorded")
	}
	return drills[len(drills)-1]
}

func TestDrillIsRecorded(t *testing.T) {
	b := newWorkbench(t)
	artifact := b.backup()
	d := newTestDriller(b)
	began := b.clock.Now()
	entry := b.run(plannedDrill(artifact)).Entries[0]
	if entry.Status != executor.Done {
		t.Fatal(entry.Err)
	}
	if want := "3.8 KiB restored from destination.local.place in 1m30s; 2 tables with 7 rows equal, 1 assertion true"; entry.Summary != want {
		t.Errorf("got %q, want %q", entry.Summary, want)
	}
	if !strings.HasPrefix(d.read, "1\n2\n") || !strings.HasSuffix(d.read, "1000\n") {
		t.Errorf("restored was %.20q", d.read)
	}
	made := *lastDrill(t, b)
	if diff := cmp.Diff(&made, entry.Drill); diff != "" {
		t.Error(diff)
	}
	if !strings.HasSuffix(made.ID, "/"+drillAddress) {
		t.Errorf("the id is %q", made.ID)
	}
	made.ID = ""
	want := state.Drill{
		Address: drillAddress, Backup: backupAddress, Artifact: artifact.ID, Destination: placeAddress, Into: "postgres", StartedAt: began,
		EndedAt: began.Add(2 * time.Minute), RecoverySeconds: 90, Outcome: state.Done, Tables: 2, Rows: 7, Assertions: 1, Warnings: []string{"look at this"},
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Error(diff)
	}
	if len(d.places) > 0 || len(b.session.Document().Intents) > 0 {
		t.Errorf("left are %v, %v", d.places, b.session.Document().Intents)
	}
}

// TestDrillOfWhatIsTaken drills the artifact that the same run takes.
func TestDrillOfWhatIsTaken(t *testing.T) {
	b := newWorkbench(t)
	newTestDriller(b)
	drill := plannedDrill(&state.Artifact{})
	drill.After = []string{backupAddress}
	if report := b.run(b.plannedBackup(), drill); report.Count(executor.Done) != 2 {
		t.Fatal(report.Entries)
	}
	if made, taken := lastDrill(t, b), b.session.Document().Artifacts[0]; made.Artifact != taken.ID {
		t.Errorf("drilled was %s", made.Artifact)
	}
}

// TestDrillFails makes every step of a drill fail: the scratch place goes, the state says why, and the copy stays good unless
// its bytes are altered.
func TestDrillFails(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		fault func(*workbench, *driller, *state.Artifact)
		want  []string
		// altered: the copy is recorded so. left: the scratch place may be there.
		altered, left bool
		differences   int
	}{
		"beginning": {func(_ *workbench, d *driller, _ *state.Artifact) { d.begins = broken }, []string{"broken"}, false, false, 0},
		"half beginning": {func(_ *workbench, d *driller, _ *state.Artifact) {
			d.begins = errors.Join(broken, providers.ErrScratchLeft)
		}, []string{"broken"}, false, true, 0},
		"restoring":       {func(_ *workbench, d *driller, _ *state.Artifact) { d.restores = broken }, []string{"broken"}, false, false, 0},
		"comparing":       {func(_ *workbench, d *driller, _ *state.Artifact) { d.compares = broken }, []string{"broken"}, false, false, 0},
		"removing":        {func(_ *workbench, d *driller, _ *state.Artifact) { d.closes = broken }, []string{"broken"}, false, true, 0},
		"the copy is cut": {func(b *workbench, _ *driller, a *state.Artifact) { b.truncate(a.Key) }, []string{"destination.local.place: the copy is not what was stored"}, true, false, 0},
		"the copy is cut and not read": {func(b *workbench, d *driller, a *state.Artifact) { d.reads = 10; b.truncate(a.Key) },
			[]string{"destination.local.place: the copy is not what was stored"}, true, false, 0},
		"the copy is gone": {func(b *workbench, _ *driller, a *state.Artifact) { b.remove(a.Key) }, []string{"destination.local.place: "}, false, false, 0},
		"differences": {func(_ *workbench, d *driller, _ *state.Artifact) {
			d.found.Differences = []string{"a has 1 row, the manifest says 2", "b is missing"}
		}, []string{"what was restored from destination.local.place is not what was backed up:\n  a has 1 row, the manifest says 2\n  b is missing"}, false, false, 2},
		"many differences": {func(_ *workbench, d *driller, _ *state.Artifact) {
			d.found.Differences = strings.Split(strings.Repeat("x ", 25), " ")[:25]
		}, []string{"and 5 more"}, false, false, state.MaxDifferences},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWorkbench(t)
			artifact := b.backup()
			d := newTestDriller(b)
			c.fault(b, d, artifact)
			entry := b.run(plannedDrill(artifact)).Entries[0]
			if entry.Status != executor.Failed {
				t.Fatalf("it is %s", entry.Status)
			}
			made := lastDrill(t, b)
			for _, want := range c.want {
				if !strings.Contains(entry.Err.Error(), want) || strings.Contains(entry.Err.Error(), "psql") {
					t.Errorf("got %q, want %q", entry.Err, want)
				}
				if made.Passed() == (name != "removing") || name != "removing" && !strings.Contains(made.Error, want) {
					t.Errorf("recorded is %+v", made)
				}
			}
			if diff := cmp.Diff(made, entry.Drill); diff != "" {
				t.Error(diff)
			}
			if len(made.Differences) != c.differences {
				t.Errorf("recorded are %d differences", len(made.Differences))
			}
			replica, _ := b.session.Document().Find(artifact.ID).Replica(placeAddress)
			if (replica.Condition == state.Altered) != c.altered {
				t.Errorf("the copy is %s", replica.Condition)
			}
			intents := b.session.Document().Intents
			if (len(intents) > 0) != c.left || len(d.places) > 0 && !c.left {
				t.Errorf("open are %v, left %v", intents, d.places)
			}
		})
	}
}

// TestScratchLeftIsRemoved goes on after a scratch place could not be removed: the intent names it, the plan removes it, and
// only then is the intent closed.
func TestScratchLeftIsRemoved(t *testing.T) {
	b := newWorkbenchOf(t, workbenchSpec)
	artifact := b.backup()
	d := newTestDriller(b)
	d.closes = errors.New("no answer")
	b.run(plannedDrill(artifact))
	open := b.session.Document().Intents
	if len(open) != 1 || !d.places[open[0].Scratch] || open[0].ScratchAt != "db:5432" || open[0].Kind != string(planner.KindDrill) {
		t.Fatalf("open are %+v", open)
	}
	d.closes = nil
	// A run that does not remove it leaves the intent open.
	b.run(plannedDrill(artifact))
	if len(b.session.Document().Intents) != 1 || len(d.places) != 1 {
		t.Fatalf("open are %+v", b.session.Document().Intents)
	}
	removal := &planner.Sweep{
		Meta: planner.Meta{Address: drillAddress + "/scratch/" + open[0].Scratch, Backup: backupAddress}, Drill: drillAddress, Scratch: open[0].Scratch, ScratchAt: "db:5432",
	}
	d.removes = errors.New("no answer")
	if report := b.run(removal); report.Count(executor.Failed) != 1 || len(b.session.Document().Intents) != 1 {
		t.Errorf("got %+v", report.Entries)
	}
	d.removes = nil
	if report := b.run(removal); report.Count(executor.Done) != 1 || len(b.session.Document().Intents) != 0 || len(d.places) != 0 {
		t.Errorf("got %+v, open are %+v, left %v", report.Entries, b.session.Document().Intents, d.places)
	}
}

// TestScratchElsewhereIsTold does not look for a scratch place where it never was.
func TestScratchElsewhereIsTold(t *testing.T) {
	b := newWorkbench(t)
	d := newTestDriller(b)
	d.removes = errors.New("it must not be asked")
	entry := b.run(&planner.Sweep{
		Meta: planner.Meta{Address: drillAddress + "/scratch/x", Backup: backupAddress}, Drill: drillAddress, Scratch: "x", ScratchAt: "old:5432",
	}).Entries[0]
	if entry.Status != executor.Done || len(entry.Warnings) != 1 || !strings.Contains(entry.Warnings[0], "remove x at old:5432 by hand") {
		t.Errorf("got %+v", entry)
	}
}

// TestInterruptedDrill says nothing about the backup, and leaves nothing.
func TestInterruptedDrill(t *testing.T) {
	b := newWorkbench(t)
	artifact := b.backup()
	d := newTestDriller(b)
	ctx, cancel := context.WithCancel(t.Context())
	d.during = cancel
	runner := &executor.Executor{Spec: b.spec, World: b.world, Registry: b.registry, Session: b.session, Clock: b.clock, Version: "test"}
	report, err := runner.Run(ctx, &planner.Plan{Actions: []planner.Action{plannedDrill(artifact)}})
	if err != nil || !report.Interrupted || report.Count(executor.Failed) != 1 {
		t.Fatalf("got %+v, %v", report, err)
	}
	if report.Entries[0].Drill != nil {
		t.Error("an interrupted drill is reported as one")
	}
	document := b.session.Document()
	if len(document.Drills) > 0 || len(document.Intents) > 0 || len(d.places) > 0 {
		t.Errorf("recorded is %v, open %v, left %v", document.Drills, document.Intents, d.places)
	}
}

// TestDrillRefused touches nothing where something is missing, and records nothing.
func TestDrillRefused(t *testing.T) {
	b := newWorkbench(t)
	artifact := b.backup()
	d := newTestDriller(b)
	for want, change := range map[string]func(*planner.Drill){
		"drill.other is not in the specification":             func(p *planner.Drill) { p.Address = "drill.other" },
		"destination.local.other is not in the specification": func(p *planner.Drill) { p.From = "destination.local.other" },
		"artifact none is not in the state any more":          func(p *planner.Drill) { p.Artifact = "none" },
		"backup.notes was not taken in this run":              func(p *planner.Drill) { p.Artifact = "" },
	} {
		action := plannedDrill(artifact)
		change(action)
		if entry := b.run(action).Entries[0]; entry.Drill != nil || entry.Err == nil || entry.Err.Error() != want {
			t.Errorf("got %v, want %q", entry.Err, want)
		}
	}
	b.seal(artifact)
	var identity *executor.IdentityError
	if entry := b.run(plannedDrill(artifact)).Entries[0]; !errors.As(entry.Err, &identity) {
		t.Errorf("got %v", entry.Err)
	}
	if len(b.session.Document().Drills) > 0 || len(d.places) > 0 {
		t.Error("something was done")
	}
}

// seal lets the state say that an artifact is encrypted.
func (b *workbench) seal(artifact *state.Artifact) {
	b.t.Helper()
	sealed := *artifact
	sealed.Encryption = &state.Encryption{Format: "age", Recipients: []string{"age1x"}}
	if err := b.session.Begin(b.t.Context(), state.Intent{ID: "seal"}); err != nil {
		b.t.Fatal(err)
	}
	if err := b.session.End(b.t.Context(), "seal", state.Result{Outcome: state.Done, Events: []state.Event{{PutArtifact: &sealed}}}); err != nil {
		b.t.Fatal(err)
	}
}
