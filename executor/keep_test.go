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
	"github.com/castrolanda/imsctl/state"
)

// protective is a destination that keeps objects by rules of its own: those that shows says are told beforehand, those that
// hides says only to who wants to delete.
type protective struct {
	providers.Destination
	shows, hides func(key string) bool
}

const rule = "a temporary hold"

// Stat implements providers.Destination.
func (p protective) Stat(ctx context.Context, key string) (providers.Object, error) {
	object, err := p.Destination.Stat(ctx, key)
	if err == nil && p.shows(key) {
		object.KeptBy = rule
	}
	return object, err
}

// Delete implements providers.Destination.
func (p protective) Delete(ctx context.Context, key, version string) error {
	if p.shows(key) || p.hides(key) {
		return fmt.Errorf("deleting %s: %w: %s", key, providers.ErrProtected, rule)
	}
	return p.Destination.Delete(ctx, key, version)
}

// TestPruneOfWhatAStoreKeeps: nothing is lost, nothing has failed, and the state knows why the copy is still there.
func TestPruneOfWhatAStoreKeeps(t *testing.T) {
	all, none := func(string) bool { return true }, func(string) bool { return false }
	manifests := func(key string) bool { return strings.HasSuffix(key, state.ManifestSuffix) }
	data := func(key string) bool { return !manifests(key) }
	for name, c := range map[string]struct {
		shows, hides func(string) bool
		hidden       bool
	}{
		"told beforehand":               {all, none, false},
		"the bytes, told beforehand":    {data, none, false},
		"the manifest, told beforehand": {manifests, none, false},
		"told when deleting":            {none, all, true},
		"the bytes, told when deleting": {none, data, true},
		"the manifest, when deleting":   {none, manifests, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWorkbench(t)
			first := b.backup()
			b.clock.Advance(time.Hour)
			b.backup()
			b.world.Destinations[placeAddress] = protective{b.place, c.shows, c.hides}
			entry := b.run(b.prune(first)).Entries[0]
			if entry.Status != executor.Done || entry.Summary != "kept by policy: "+rule {
				t.Fatalf("%+v", entry)
			}
			artifact := b.session.Document().Find(first.ID)
			replica, _ := artifact.Replica(placeAddress)
			if replica.KeptBy != rule || replica.KeptUntil.After(b.clock.Now()) != c.hidden || replica.Condition != state.Verified {
				t.Errorf("%+v", replica)
			}
			for key, version := range map[string]string{first.Key: replica.Version, state.ManifestKey(first.Key): replica.ManifestVersion} {
				if object, err := b.place.Stat(t.Context(), key); err != nil || object.Version != version {
					t.Errorf("%s: %+v, %v; recorded is %s", key, object, err, version)
				}
			}
			verify := &planner.Verify{Meta: planner.Meta{Address: "v", Backup: backupAddress}, Artifact: first.ID, Destination: placeAddress}
			if report := b.run(verify); report.Count(executor.Done) != 1 {
				t.Errorf("it is not whole any more: %+v", report.Entries)
			}
		})
	}
}

func TestKeepRecordsTheRule(t *testing.T) {
	b := newWorkbench(t)
	artifact := b.backup()
	keep := &planner.Keep{Meta: planner.Meta{Address: "k", Backup: backupAddress}, Artifact: artifact.ID, Destination: placeAddress, By: rule}
	entry := b.run(keep).Entries[0]
	replica, _ := b.session.Document().Find(artifact.ID).Replica(placeAddress)
	if entry.Status != executor.Done || entry.Summary != "kept by policy: "+rule || replica.KeptBy != rule {
		t.Errorf("%+v, %+v", entry, replica)
	}
	keep.Destination = "destination.local.other"
	if report := b.run(keep); report.Count(executor.Failed) != 1 {
		t.Errorf("%+v", report.Entries)
	}
}

// TestCleanupOfWhatAStoreKeeps is no failure either.
func TestCleanupOfWhatAStoreKeeps(t *testing.T) {
	b := newWorkbench(t)
	object, err := providers.WriteObject(t.Context(), b.place, "notes/bytes", []byte("half of it"), false)
	if err != nil {
		t.Fatal(err)
	}
	b.world.Destinations[placeAddress] = protective{b.place, func(string) bool { return false }, func(string) bool { return true }}
	cleanup := &planner.Sweep{Meta: planner.Meta{Address: "c", Backup: backupAddress}, Destination: placeAddress, Key: "notes/bytes", Version: object.Version}
	if entry := b.run(cleanup).Entries[0]; entry.Status != executor.Done || entry.Summary != "kept by policy: "+rule {
		t.Errorf("%+v", entry)
	}
	if _, err := b.place.Stat(t.Context(), "notes/bytes"); errors.Is(err, providers.ErrNotExist) {
		t.Error("it is gone")
	}
}
