package executor_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

const copySpec = workbenchSpec + `
destination "local" "second" {
  path = "second"
}
destination "local" "third" {
  path = "third"
}
`

const secondAddress, thirdAddress = "destination.local.second", "destination.local.third"

// newCopies is a workbench whose artifact lies at the first two of three destinations.
func newCopies(t *testing.T) (*workbench, *state.Artifact) {
	b := newWorkbenchOf(t, copySpec)
	taken := b.plannedBackup()
	taken.Destinations = append(taken.Destinations, secondAddress)
	if report := b.run(taken); report.Count(executor.Done) != 1 {
		t.Fatal(report.Entries[0].Err)
	}
	return b, b.session.Document().Artifacts[0]
}

func replicateTo(artifact *state.Artifact, to string, from ...string) *planner.Replicate {
	return &planner.Replicate{Meta: planner.Meta{Address: "r", Backup: backupAddress}, Artifact: artifact.ID, From: from[0], Others: from[1:], To: to}
}

// flip changes one bit of an object and leaves its times alone, so that only reading shows it.
func (b *workbench) flip(folder, key string) {
	b.t.Helper()
	path := filepath.Join(b.folder, folder, key)
	info, err := os.Stat(path)
	if err != nil {
		b.t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := errors.Join(os.WriteFile(path, data, 0o600), os.Chtimes(path, info.ModTime(), info.ModTime())); err != nil {
		b.t.Fatal(err)
	}
}

func TestCopyGoesOnFromTheNextOrigin(t *testing.T) {
	for name, spoil := range map[string]func(*workbench, *state.Artifact){
		"bytes that rot in silence": func(b *workbench, a *state.Artifact) { b.flip("place", a.Key) },
		"a manifest that rots":      func(b *workbench, a *state.Artifact) { b.flip("place", state.ManifestKey(a.Key)) },
		"bytes that are gone":       func(b *workbench, a *state.Artifact) { b.remove(a.Key) },
		"bytes that are cut":        func(b *workbench, a *state.Artifact) { b.truncate(a.Key) },
		"a manifest that is gone":   func(b *workbench, a *state.Artifact) { b.remove(state.ManifestKey(a.Key)) },
		"a connection that breaks":  func(b *workbench, _ *state.Artifact) { b.world.Destinations[placeAddress] = breaking{b.place} },
	} {
		t.Run(name, func(t *testing.T) {
			b, artifact := newCopies(t)
			spoil(b, artifact)
			report := b.run(replicateTo(artifact, thirdAddress, placeAddress, secondAddress))
			entry := report.Entries[0]
			if entry.Status != executor.Done || !strings.HasSuffix(entry.Summary, "copied from "+secondAddress) ||
				len(entry.Warnings) != 1 || !strings.Contains(entry.Warnings[0], placeAddress) {
				t.Fatalf("%+v", entry)
			}
			after := b.session.Document().Find(artifact.ID)
			if replica, _ := after.Replica(thirdAddress); replica.Condition != state.Verified {
				t.Errorf("%+v", replica)
			}
			rots := strings.Contains(name, "rot") || strings.Contains(name, "cut")
			if replica, _ := after.Replica(placeAddress); (replica.Condition == state.Altered) != rots || (replica.Problem != "") != rots {
				t.Errorf("%+v", replica)
			}
		})
	}
}

func TestCopyFailsWhenEveryOriginIsBad(t *testing.T) {
	b, artifact := newCopies(t)
	b.flip("place", artifact.Key)
	b.flip("second", artifact.Key)
	report := b.run(replicateTo(artifact, thirdAddress, placeAddress, secondAddress))
	if report.Count(executor.Failed) != 1 {
		t.Fatalf("%+v", report.Entries)
	}
	after := b.session.Document().Find(artifact.ID)
	if len(after.VerifiedAt()) != 0 {
		t.Errorf("verified at %v", after.VerifiedAt())
	}
	if _, err := b.world.Destinations[thirdAddress].Stat(t.Context(), artifact.Key); !errors.Is(err, providers.ErrNotExist) {
		t.Errorf("bytes were left: %v", err)
	}
}

// TestCopyDoesNotTryAgainWhatTheTargetRefuses: another origin would not help.
func TestCopyDoesNotTryAgainWhatTheTargetRefuses(t *testing.T) {
	b, artifact := newCopies(t)
	b.world.Destinations[thirdAddress] = refusing{b.world.Destinations[thirdAddress]}
	report := b.run(replicateTo(artifact, thirdAddress, placeAddress, secondAddress))
	if report.Count(executor.Failed) != 1 || strings.Count(report.Entries[0].Err.Error(), "no manifests here") != 1 {
		t.Fatalf("%+v", report.Entries[0])
	}
	if after := b.session.Document().Find(artifact.ID); len(after.VerifiedAt()) != 2 {
		t.Errorf("verified at %v", after.VerifiedAt())
	}
}

// breaking is a destination whose objects cannot be read to their end.
type breaking struct{ providers.Destination }

// Open implements providers.Destination.
func (b breaking) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	object, err := b.Destination.Open(ctx, key)
	if err != nil || strings.HasSuffix(key, state.ManifestSuffix) {
		return object, err
	}
	return brokenReader{object}, nil
}

type brokenReader struct{ io.ReadCloser }

// Read implements io.Reader.
func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection reset by peer") }
