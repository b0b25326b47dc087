package executor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// readBackOf is the plan to read back what the backup of the same plan takes.
func readBackOf(taken *planner.Backup, at string) *planner.Verify {
	return &planner.Verify{Meta: planner.Meta{Address: at, Backup: backupAddress, After: []string{taken.Address}}, Destination: at}
}

func TestReadBackOfWhatIsTaken(t *testing.T) {
	b := newWorkbench(t)
	b.backup()
	b.clock.Advance(time.Hour)
	taken := b.plannedBackup()
	report := b.run(taken, readBackOf(taken, placeAddress))
	if report.Count(executor.Done) != 2 || !strings.HasSuffix(report.Entries[1].Summary, "read back, equal") {
		t.Fatalf("%+v", report.Entries)
	}
	artifacts := b.session.Document().Artifacts
	for i, want := range []bool{false, true} {
		if replica, _ := artifacts[i].Replica(placeAddress); !replica.ReadBackAt.IsZero() != want {
			t.Errorf("artifact %d: %+v", i, replica)
		}
	}
}

// rotting is a destination that spoils what is committed to it, and says that all is well.
type rotting struct {
	providers.Destination
	spoil func(key string)
}

// Create implements providers.Destination.
func (r rotting) Create(ctx context.Context, key string, options providers.CreateOptions) (providers.Upload, error) {
	upload, err := r.Destination.Create(ctx, key, options)
	return rottingUpload{upload, r, key}, err
}

type rottingUpload struct {
	providers.Upload
	rotting rotting
	key     string
}

// Commit implements providers.Upload.
func (r rottingUpload) Commit(ctx context.Context, sums providers.Checksums) (providers.Object, error) {
	object, err := r.Upload.Commit(ctx, sums)
	if err == nil && !strings.HasSuffix(r.key, state.ManifestSuffix) {
		r.rotting.spoil(r.key)
	}
	return object, err
}

// TestReadBackFindsWhatAStoreSpoils lets a store lie about what it keeps, and retention wait for the truth.
func TestReadBackFindsWhatAStoreSpoils(t *testing.T) {
	b := newWorkbench(t)
	first := b.backup()
	b.clock.Advance(time.Hour)
	b.world.Destinations[placeAddress] = rotting{b.place, func(key string) { b.flip("place", key) }}
	taken := b.plannedBackup()
	reading, prune := readBackOf(taken, placeAddress), b.prune(first)
	prune.After = []string{taken.Address, reading.Address}
	report := b.run(taken, prune, reading)
	if report.Count(executor.Done) != 1 || report.Count(executor.Failed) != 1 || report.Count(executor.Skipped) != 1 {
		t.Fatalf("%+v", report.Entries)
	}
	artifacts := b.session.Document().Artifacts
	if replica, _ := artifacts[1].Replica(placeAddress); replica.Condition != state.Altered || !replica.ReadBackAt.IsZero() {
		t.Errorf("%+v", replica)
	}
	if replica, _ := artifacts[0].Replica(placeAddress); replica.Condition != state.Verified {
		t.Errorf("%+v", replica)
	}
}

// TestReadBackOfACopyThatWasNotStored is no failure of its own: the backup says that it is degraded.
func TestReadBackOfACopyThatWasNotStored(t *testing.T) {
	b := newWorkbenchOf(t, copySpec)
	b.world.Destinations[secondAddress] = refusing{b.world.Destinations[secondAddress]}
	taken := b.plannedBackup()
	taken.Destinations = append(taken.Destinations, secondAddress)
	report := b.run(taken, readBackOf(taken, secondAddress))
	if report.Count(executor.Degraded) != 1 || report.Count(executor.Done) != 1 || !strings.HasPrefix(report.Entries[1].Summary, "nothing to read back") {
		t.Fatalf("%+v", report.Entries)
	}
}

// summing is a destination whose store keeps checksums.
type summing struct {
	providers.Destination
	crc32c *uint32
}

// Stat implements providers.Destination.
func (s summing) Stat(ctx context.Context, key string) (providers.Object, error) {
	object, err := s.Destination.Stat(ctx, key)
	object.CRC32C = s.crc32c
	return object, err
}

// Open implements providers.Destination: nothing but manifests is read.
func (s summing) Open(ctx context.Context, key string) (object io.ReadCloser, err error) {
	if !strings.HasSuffix(key, state.ManifestSuffix) {
		return nil, errors.New("this should not be read")
	}
	return s.Destination.Open(ctx, key)
}

func TestCompareChecksums(t *testing.T) {
	for name, c := range map[string]struct {
		differs, unknown bool
		spoil            func(*workbench, *state.Artifact)
		status           executor.Status
		says             string
		altered          bool
	}{
		"equal":                {status: executor.Done, says: "the store's checksum is equal"},
		"none":                 {unknown: true, status: executor.Done, says: "the store keeps no checksum: size and manifest equal"},
		"another":              {differs: true, status: executor.Failed, says: "the store's checksum is", altered: true},
		"cut":                  {spoil: func(b *workbench, a *state.Artifact) { b.truncate(a.Key) }, status: executor.Failed, says: "100 bytes, recorded are", altered: true},
		"gone":                 {spoil: func(b *workbench, a *state.Artifact) { b.remove(a.Key) }, status: executor.Failed, says: "no such", altered: true},
		"a manifest that rots": {spoil: func(b *workbench, a *state.Artifact) { b.flip("place", state.ManifestKey(a.Key)) }, status: executor.Failed, says: "manifest is not", altered: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWorkbench(t)
			artifact := b.backup()
			if c.spoil != nil {
				c.spoil(b, artifact)
			}
			sum, err := strconv.ParseUint(artifact.Stored.CRC32C, 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			store := summing{Destination: b.place}
			if !c.unknown {
				value := uint32(sum)
				if c.differs {
					value++
				}
				store.crc32c = &value
			}
			b.world.Destinations[placeAddress] = store
			b.clock.Advance(time.Minute)
			entry := b.run(&planner.Verify{Meta: planner.Meta{Address: "v", Backup: backupAddress}, Artifact: artifact.ID, Destination: placeAddress, Checksum: true}).Entries[0]
			if entry.Status != c.status || !strings.Contains(entry.Summary+fmt.Sprint(entry.Err), c.says) {
				t.Fatalf("%+v", entry)
			}
			replica, _ := b.session.Document().Find(artifact.ID).Replica(placeAddress)
			if (replica.Condition == state.Altered) != c.altered || replica.ComparedAt.IsZero() != (name != "equal") || !replica.ReadBackAt.IsZero() {
				t.Errorf("%+v", replica)
			}
		})
	}
}
