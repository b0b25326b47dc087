package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/planner/strategy"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Laps measures one thing after the other.
type Laps struct {
	// Note hears how long each took.
	Note  func(what string, took time.Duration)
	begun time.Time
}

// Start begins the first lap.
func (l *Laps) Start() { l.begun = time.Now() }

// Lap ends one, and begins the next.
func (l *Laps) Lap(what string) {
	l.Note(what, time.Since(l.begun))
	l.begun = time.Now()
}

// Load reads the specification in a folder.
func Load(folder string) (*spec.Spec, error) {
	registry, err := builtin.Registry()
	if err != nil {
		return nil, err
	}
	options := spec.Options{Registry: registry, Factors: strategy.FactorNames()}
	for _, profile := range compression.Profiles() {
		options.Profiles = append(options.Profiles, spec.Profile(profile))
	}
	loaded, diagnostics := spec.Load(folder, options)
	if diagnostics.HasErrors() {
		return nil, fmt.Errorf("reading the specification in %s: %s: %s", folder, diagnostics.List[0].Summary, diagnostics.List[0].Detail)
	}
	return loaded, nil
}

// Plan makes the plan of the specification in a folder and of the state that a backend has, as "imsctl plan" does, with the stores of the
// fleet in memory. Each step is a lap. It returns how many pages of listings the stores were asked for.
func (f Fleet) Plan(ctx context.Context, folder string, backend state.Backend, latency time.Duration, parallelism int, laps *Laps) (pages int64, err error) {
	laps.Start()
	specification, err := Load(folder)
	if err != nil {
		return 0, err
	}
	if _, err := planner.Open(specification, providers.Environment{Hosts: builtin.Hosts(), Containers: builtin.Containers(nobody), Clock: clock.NewManual(f.Now)}); err != nil {
		return 0, fmt.Errorf("making what the specification declares: %w", err)
	}
	laps.Lap("specification")
	document, err := backend.Read(ctx)
	if err != nil {
		return 0, err
	}
	laps.Lap("state")
	world, calls := World(specification, document, f.Now, latency)
	laps.Start()
	observed, err := planner.Observe(ctx, specification, document, world, clock.NewManual(f.Now), planner.ObserveOptions{Parallelism: parallelism})
	if err != nil {
		return 0, err
	}
	laps.Lap("look")
	plan := planner.Diff(specification, document, observed, f.Now)
	laps.Lap("compare")
	if err := planner.WriteText(io.Discard, plan, planner.RenderOptions{}); err != nil {
		return 0, err
	}
	laps.Lap("print")
	backups, prunes := 0, 0
	for _, action := range plan.Actions {
		switch action.(type) {
		case *planner.Backup:
			backups++
		case *planner.Prune:
			prunes++
		default:
			return 0, fmt.Errorf("the plan has an action that nothing gives reason for: %s", action.Common().Address)
		}
	}
	if backups != f.Due() || calls.Inspections.Load() != int64(f.Due()) || prunes == 0 {
		return 0, fmt.Errorf("the plan has %d backups and %d deletions, and %d sources were looked at; %d backups are due", backups, prunes, calls.Inspections.Load(), f.Due())
	}
	return calls.Pages.Load(), nil
}

// nobody is an empty environment.
func nobody(string) (string, bool) { return "", false }

// Steps are how many actions Record records.
const Steps = 100

// Record measures a backend that has a state of the fleet: a run of one action, and then one of many, each record by itself.
func (f Fleet) Record(ctx context.Context, backend state.Backend, laps *Laps) error {
	for _, steps := range []int{1, Steps} {
		laps.Start()
		session, err := backend.Lock(ctx, state.LockInfo{Operation: "bench"}, 0)
		if err != nil {
			return err
		}
		laps.Lap("lock")
		for i := range steps {
			if err := f.step(ctx, session, fmt.Sprintf("%d/%d", steps, i), i, laps); err != nil {
				return errors.Join(err, session.Close())
			}
		}
		laps.Start()
		if err := session.Close(); err != nil {
			return err
		}
		laps.Lap(fmt.Sprintf("end of a run of %d", steps))
	}
	return nil
}

// step records one backup: that it begins, and what came of it.
func (f Fleet) step(ctx context.Context, session state.Session, id string, database int, laps *Laps) error {
	made := artifact(database, f.Now.Add(time.Duration(len(id))*time.Hour).UTC().Truncate(time.Second))
	laps.Start()
	if err := session.Begin(ctx, state.Intent{ID: id, Run: "bench", Kind: "backup", Address: made.Backup, Backup: made.Backup, Key: made.Key, BeganAt: f.Now.UTC()}); err != nil {
		return err
	}
	laps.Lap("record")
	err := session.End(ctx, id, state.Result{Outcome: state.Done, EndedAt: f.Now.UTC(), Events: []state.Event{{PutArtifact: made}}})
	if err == nil {
		laps.Lap("record")
	}
	return err
}

// Fill makes the document the state that a backend has, which is one snapshot.
func Fill(ctx context.Context, backend state.Backend, document *state.Document, laps *Laps) error {
	session, err := backend.Lock(ctx, state.LockInfo{Operation: "bench"}, 0)
	if err != nil {
		return err
	}
	replacer, ok := session.(state.Replacer)
	if !ok {
		return errors.Join(fmt.Errorf("%s takes no whole state", backend.Location()), session.Close())
	}
	laps.Start()
	if err := replacer.Replace(ctx, document); err != nil {
		return errors.Join(err, session.Close())
	}
	laps.Lap("snapshot")
	return session.Close()
}
