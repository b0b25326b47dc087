package executor_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/state"
)

// spoiler is a plant whose new release spoils data while it never gets healthy.
type spoiler struct {
	*plant
	file string
}

func (s spoiler) Activate(ctx context.Context, release providers.Release) (providers.Activation, error) {
	if err := os.WriteFile(s.file, []byte("spoiled"), 0o600); err != nil {
		return providers.Activation{}, err
	}
	return s.plant.Activate(ctx, release)
}

// TestDataGoesBackWhenItIsDeclared deploys a revision that spoils the data, with a backup that is to be restored on the way back: the
// data is what it was, and what it had become is in a backup.
func TestDataGoesBackWhenItIsDeclared(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "stock.txt")
	if err := os.WriteFile(file, []byte("12 shelves"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newWorkbenchOf(t, `
source "files" "notes" {
  path = "`+folder+`"
}
destination "local" "place" {
  path = "place"
}
backup "notes" {
  source = source.files.notes
  to     = [destination.local.place]
  every  = "1h"
}
deploy "ims" {
  path     = "/srv/ims"
  strategy = "hybrid"
  before {
    backup = [backup.notes]
  }
  after {
    timeout     = "1s"
    interval    = "10ms"
    min_healthy = "10ms"
  }
  rollback {
    restore = [backup.notes]
  }
}
`)
	p := newPlant()
	p.ill[commitB] = true
	b.world.Deployers = map[string]map[string]providers.Deployer{"deploy.ims": {"hybrid": spoiler{plant: p, file: file}}}
	runner := &executor.Executor{
		Spec: b.spec, World: b.world, Registry: b.registry, Session: b.session, Clock: clock.System{}, Version: "test", By: "ana@laptop",
		Environment: providers.Environment{Hosts: builtin.Hosts(), Clock: clock.System{}, Directory: b.spec.Directory},
	}
	taken, err := runner.Run(t.Context(), planner.Precaution(b.spec, b.session.Document(), b.spec.Backups[0], "first", time.Now()))
	if err != nil || taken.Failed() {
		t.Fatal(err, taken.Entries)
	}
	plan := &planner.Plan{Actions: []planner.Action{&planner.Deploy{
		Meta: planner.Meta{Address: "deploy.ims", Reason: "test", Cause: planner.CauseChange},
		From: commitA, To: commitB, Strategy: "hybrid", Previous: "ra", Backups: []string{"backup.notes"},
	}}}
	report, err := runner.Run(t.Context(), plan)
	if err != nil || report.Entries[0].Status != executor.Failed {
		t.Fatalf("got %v, %+v", err, report.Entries)
	}
	made := b.session.Document().ReleasesOf("deploy.ims")[0]
	if made.Phase != state.RolledBack || p.runs() != commitA || len(made.Restored) != 1 || made.Restored[0] != made.Backups[0] {
		t.Errorf("it ended %s with %s running, restored %v, behind it %v\n%v", made.Phase, p.runs(), made.Restored, made.Backups, report.Entries[0].Err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "12 shelves" {
		t.Errorf("the data is %q (%v)", text, err)
	}
	if artifacts := b.session.Document().Artifacts; len(artifacts) != 2 {
		t.Errorf("there are %d backups: one before the deploy and one of the broken state are wanted", len(artifacts))
	}
	if !strings.Contains(report.Entries[0].Err.Error(), "Went back to aaaaaaa") {
		t.Errorf("got %v", report.Entries[0].Err)
	}
}
