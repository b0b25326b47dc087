package executor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

const cleanupAddress = "cleanup.directory.old"

// shelf is a cleanup of one thing, which is on the shelf or in the trash. It implements providers.Trashing and its config.
type shelf struct {
	view  providers.CleanupView
	trash string
	gone  bool
}

func (*shelf) Validate() []providers.Problem                                  { return nil }
func (s *shelf) Cleaner(providers.Environment) (providers.Cleaner, error)     { return s, nil }
func (*shelf) Uncovered(providers.SourceConfig, providers.Environment) string { return "" }
func (*shelf) Removes(providers.Environment) []providers.Occupied             { return nil }
func (*shelf) GraceTime() time.Duration                                       { return time.Hour }
func (s *shelf) Inspect(context.Context) (providers.CleanupView, error)       { return s.view, nil }
func (*shelf) TrashFor(at time.Time) string                                   { return "/trash/" + at.Format(time.RFC3339) }
func (*shelf) Guard() providers.CleanupGuard {
	return providers.CleanupGuard{Backup: providers.Reference{Address: backupAddress}, MinCopies: 1}
}

func (s *shelf) Remove(_ context.Context, order providers.CleanupOrder, seen providers.CleanupView) (providers.CleanupOutcome, error) {
	if order.Fingerprint != seen.Fingerprint {
		return providers.CleanupOutcome{}, providers.ErrCleanupRefused
	}
	s.trash, s.view.Items = order.Trash, nil
	return providers.CleanupOutcome{Removed: []string{"/srv/old"}}, nil
}

func (s *shelf) Restore(_ context.Context, trash string) error {
	if s.trash != trash || s.gone {
		return providers.ErrCleanupRefused
	}
	s.trash = ""
	return nil
}

func (s *shelf) Purge(context.Context, string) (providers.CleanupOutcome, error) {
	s.gone = true
	return providers.CleanupOutcome{Freed: 100, Removed: []string{s.trash}}, nil
}

// newShelf puts a shelf into a workbench, and plans to clear it behind an artifact of the backup.
func newShelf(t *testing.T) (*workbench, *shelf, *planner.Cleanup) {
	b := newWorkbench(t)
	s := &shelf{view: providers.CleanupView{Items: []providers.CleanupItem{{Name: "/srv/old", Bytes: 100, Files: 2}}, Newest: b.clock.Now().Add(-time.Hour), NewestName: "a.txt", Fingerprint: "seen"}}
	b.spec.Cleanups = []*spec.Cleanup{{Address: cleanupAddress, Config: s}}
	b.world.Cleaners[cleanupAddress] = s
	return b, s, &planner.Cleanup{
		Meta: planner.Meta{Address: cleanupAddress}, Block: cleanupAddress, Step: planner.StepTrash, Items: s.view.Items, Fingerprint: "seen",
		Behind: backupAddress, MinCopies: 1, Artifact: b.backup().ID, Destinations: []string{placeAddress},
	}
}

func TestCleanupLooksAgain(t *testing.T) {
	for name, c := range map[string]struct {
		change func(b *workbench, s *shelf)
		want   string
	}{
		"in use":               {func(_ *workbench, s *shelf) { s.view.Waits = []string{"a container mounts it"} }, "a container mounts it"},
		"not to be seen":       {func(_ *workbench, s *shelf) { s.view.Refusals = []string{"no permission"} }, "no permission"},
		"changed":              {func(_ *workbench, s *shelf) { s.view.Fingerprint = "other" }, "nothing was removed"},
		"changed since backup": {func(b *workbench, s *shelf) { s.view.Newest = b.clock.Now() }, "a.txt was changed at 2026-11-01 12:00:00 UTC, after the backup of 2026-11-01 12:00:00 UTC was begun"},
		"a cut copy":           {func(b *workbench, _ *shelf) { b.truncate(b.session.Document().Artifacts[0].Key) }, "the copy has 100 bytes instead of"},
		"no manifest":          {func(b *workbench, _ *shelf) { b.remove(state.ManifestKey(b.session.Document().Artifacts[0].Key)) }, "has a verified copy in 0 of 1 destinations"},
		"another source":       {func(b *workbench, _ *shelf) { b.spec.Sources = nil }, "is of the output of seq on host.local"},
	} {
		t.Run(name, func(t *testing.T) {
			b, s, action := newShelf(t)
			c.change(b, s)
			entry := b.run(action).Entries[0]
			if entry.Status != executor.Failed || !errors.Is(entry.Err, providers.ErrCleanupRefused) || !strings.Contains(entry.Err.Error(), c.want) {
				t.Errorf("got %s, %v", entry.Status, entry.Err)
			}
			if s.trash != "" || len(b.session.Document().Cleanups) > 0 {
				t.Errorf("it is removed all the same: %+v", b.session.Document().Cleanups)
			}
		})
	}
}

// forgetful is a session that dies before it records a result.
type forgetful struct{ state.Session }

func (forgetful) End(context.Context, string, state.Result) error {
	return fmt.Errorf("the power is off")
}

// TestCleanupThatDiesBeforeItIsRecorded leaves an intent and a trash, which a later plan records, and which can then be put back.
func TestCleanupThatDiesBeforeItIsRecorded(t *testing.T) {
	b, s, action := newShelf(t)
	whole := b.session
	b.session = forgetful{whole}
	if entry := b.run(action).Entries[0]; entry.Status != executor.Failed || s.trash == "" {
		t.Fatalf("got %s, %v", entry.Status, entry.Err)
	}
	b.session = whole
	if document := whole.Document(); len(document.Intents) != 1 || document.Intents[0].Kind != string(planner.KindCleanup) || len(document.Cleanups) > 0 {
		t.Fatalf("got %+v, %+v", document.Intents, document.Cleanups)
	}
	record := &planner.Cleanup{Meta: planner.Meta{Address: cleanupAddress + "/trash/x"}, Block: cleanupAddress, Step: planner.StepRecord, Trash: s.trash, MovedAt: b.clock.Now()}
	if entry := b.run(record).Entries[0]; entry.Status != executor.Done {
		t.Fatalf("got %s, %v", entry.Status, entry.Err)
	}
	document := whole.Document()
	if len(document.Cleanups) != 1 || document.Cleanups[0].Phase != state.Trashed || document.Cleanups[0].Trash != s.trash || len(document.Intents) > 0 {
		t.Fatalf("got %+v, open %+v", document.Cleanups, document.Intents)
	}

	runner := &executor.Executor{Spec: b.spec, World: b.world, Registry: b.registry, Session: b.session, Clock: b.clock}
	if _, err := runner.PutBack(t.Context(), "cleanup.directory.none", ""); err == nil {
		t.Error("what is not declared is put back")
	}
	if _, err := runner.PutBack(t.Context(), cleanupAddress, cleanupAddress+"/trash/other"); err == nil {
		t.Error("a trash that is not there is put back")
	}
	if err := runner.CleanAgain(t.Context(), cleanupAddress); err == nil {
		t.Error("what was not put back is let go")
	}
	if back, err := runner.PutBack(t.Context(), cleanupAddress, ""); err != nil || !back.Held() || s.trash != "" {
		t.Fatalf("%v, %+v", err, back)
	}
	if err := runner.CleanAgain(t.Context(), cleanupAddress); err != nil || whole.Document().Cleanups[0].Held() {
		t.Errorf("%v, %+v", err, whole.Document().Cleanups[0])
	}
}

func TestPurgeIsRecorded(t *testing.T) {
	b, s, action := newShelf(t)
	if entry := b.run(action).Entries[0]; entry.Status != executor.Done {
		t.Fatal(entry.Err)
	}
	made := b.session.Document().Cleanups[0]
	if made.Bytes != 100 || made.Files != 2 || made.Artifact != action.Artifact || made.Phase != state.Trashed {
		t.Errorf("got %+v", made)
	}
	purge := &planner.Cleanup{Meta: planner.Meta{Address: cleanupAddress + "/trash/x"}, Block: cleanupAddress, Step: planner.StepPurge, Trash: s.trash}
	if entry := b.run(purge).Entries[0]; entry.Status != executor.Done || !s.gone {
		t.Fatal(entry.Err)
	}
	if made := b.session.Document().Cleanups[0]; made.Phase != state.Removed || made.Freed != 100 || made.RemovedAt.IsZero() {
		t.Errorf("got %+v", made)
	}
	if entry := b.run(purge).Entries[0]; entry.Status != executor.Failed || !errors.Is(entry.Err, providers.ErrCleanupRefused) {
		t.Errorf("what is not recorded is removed: %v", entry.Err)
	}
}
