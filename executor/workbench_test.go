package executor_test

import (
	"context"
	"errors"
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
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
	statelocal "github.com/castrolanda/imsctl/state/local"
)

const (
	backupAddress = "backup.notes"
	placeAddress  = "destination.local.place"
)

// workbench is an executor on a real specification, destination and state, with a clock that the test moves.
type workbench struct {
	t        *testing.T
	folder   string
	spec     *spec.Spec
	registry *providers.Registry
	world    *planner.World
	session  state.Session
	clock    *clock.Manual
	place    providers.Destination
}

const workbenchSpec = `
source "command" "notes" {
  command = ["seq", "1", "1000"]
}
destination "local" "place" {
  path = "place"
}
backup "notes" {
  source = source.command.notes
  to     = [destination.local.place]
  every  = "1h"
}
`

func newWorkbench(t *testing.T) *workbench {
	t.Helper()
	return newWorkbenchOf(t, workbenchSpec)
}

func newWorkbenchOf(t *testing.T, specification string) *workbench {
	t.Helper()
	b := &workbench{t: t, folder: t.TempDir(), clock: clock.NewManual(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC))}
	path := filepath.Join(b.folder, "spec.hcl")
	if err := os.WriteFile(path, []byte(specification), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.registry, err = builtin.Registry(); err != nil {
		t.Fatal(err)
	}
	profile := spec.Profile{Name: "balanced", Method: "gzip", Level: 6}
	loaded, diagnostics := spec.Load(path, spec.Options{Registry: b.registry, Profiles: []spec.Profile{profile}, Version: "0.1.0"})
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics.List)
	}
	b.spec = loaded
	b.world, err = planner.Open(loaded, providers.Environment{Hosts: builtin.Hosts(), Containers: builtin.Containers(os.LookupEnv), Clock: b.clock, Directory: loaded.Directory})
	if err != nil {
		t.Fatal(err)
	}
	b.place = b.world.Destinations[placeAddress]
	backend := statelocal.New(filepath.Join(b.folder, "state.json"), b.clock, "test")
	if b.session, err = backend.Lock(t.Context(), state.LockInfo{ID: "test"}, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.session.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// run carries out actions as one plan.
func (b *workbench) run(actions ...planner.Action) *executor.Report {
	b.t.Helper()
	runner := &executor.Executor{Spec: b.spec, World: b.world, Registry: b.registry, Session: b.session, Clock: b.clock, Version: "test"}
	report, err := runner.Run(b.t.Context(), &planner.Plan{Actions: actions})
	if err != nil {
		b.t.Fatal(err)
	}
	return report
}

func (b *workbench) plannedBackup() *planner.Backup {
	return &planner.Backup{
		Meta:   planner.Meta{Address: backupAddress, Backup: backupAddress},
		Source: "source.command.notes", Destinations: []string{placeAddress}, MinCopies: 1,
	}
}

// backup takes a backup and returns its artifact.
func (b *workbench) backup() *state.Artifact {
	b.t.Helper()
	if report := b.run(b.plannedBackup()); report.Count(executor.Done) != 1 {
		b.t.Fatalf("the backup failed: %v", report.Entries[0].Err)
	}
	artifacts := b.session.Document().Artifacts
	return artifacts[len(artifacts)-1]
}

// prune is the plan to delete an artifact's copy that leaves one.
func (b *workbench) prune(artifact *state.Artifact) *planner.Prune {
	replica, _ := artifact.Replica(placeAddress)
	return &planner.Prune{
		Meta:     planner.Meta{Address: "p", Backup: backupAddress},
		Artifact: artifact.ID, Destination: placeAddress, Key: artifact.Key,
		Version: replica.Version, ManifestVersion: replica.ManifestVersion, Remaining: 1,
	}
}

func (b *workbench) remove(key string) {
	b.t.Helper()
	if err := os.Remove(filepath.Join(b.folder, "place", key)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *workbench) truncate(key string) {
	b.t.Helper()
	if err := os.Truncate(filepath.Join(b.folder, "place", key), 100); err != nil {
		b.t.Fatal(err)
	}
}

// refusing is a destination that takes everything but manifests.
type refusing struct{ providers.Destination }

// Create implements providers.Destination.
func (r refusing) Create(ctx context.Context, key string, options providers.CreateOptions) (providers.Upload, error) {
	if strings.HasSuffix(key, state.ManifestSuffix) {
		return nil, errors.New("no manifests here")
	}
	return r.Destination.Create(ctx, key, options)
}
