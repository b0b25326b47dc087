package executor_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// The backup is larger than what is kept in memory for a destination, so that a slow one holds the source up.
const lateSpec = `
source "command" "notes" {
  command = ["head", "-c", "12000000", "/dev/zero"]
}
destination "local" "place" {
  path = "place"
}
destination "local" "slow" {
  path = "slow"
}
compression "plain" {
  method = "none"
}
backup "notes" {
  source      = source.command.notes
  to          = [destination.local.slow, destination.local.place]
  every       = "1h"
  compression = compression.plain
}
`

const slowAddress = "destination.local.slow"

// opaque is a destination whose uploads cannot be followed.
type opaque struct{ providers.Destination }

func (o opaque) Create(ctx context.Context, key string, options providers.CreateOptions) (providers.Upload, error) {
	upload, err := o.Destination.Create(ctx, key, options)
	return struct{ providers.Upload }{upload}, err
}

// sluggish is a destination that takes nothing in its first upload until it is told to go on, or that has ended.
type sluggish struct {
	providers.Destination
	goOn chan struct{}
	// begun is called before each upload of data; its error is that upload's.
	begun func(upload int) error

	mu      sync.Mutex
	uploads int
}

func (s *sluggish) Create(ctx context.Context, key string, options providers.CreateOptions) (providers.Upload, error) {
	upload, err := s.Destination.Create(ctx, key, options)
	if err != nil || strings.HasSuffix(key, state.ManifestSuffix) {
		return upload, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uploads++
	if s.begun != nil {
		if err := s.begun(s.uploads); err != nil {
			return nil, errors.Join(err, upload.Abort(ctx))
		}
	}
	if s.uploads > 1 {
		return upload, nil
	}
	return &sluggishUpload{upload, ctx, s.goOn}, nil
}

type sluggishUpload struct {
	providers.Upload
	ctx  context.Context
	goOn chan struct{}
}

func (u *sluggishUpload) Write(p []byte) (int, error) {
	select {
	case <-u.goOn:
		return u.Upload.Write(p)
	case <-u.ctx.Done():
		return 0, u.ctx.Err()
	}
}

// listening is a session that tells when an artifact is recorded.
type listening struct {
	state.Session
	recorded func(*state.Artifact)
}

func (l *listening) End(ctx context.Context, id string, ending state.Result) error {
	err := l.Session.End(ctx, id, ending)
	for _, event := range ending.Events {
		if err == nil && event.PutArtifact != nil {
			l.recorded(event.PutArtifact)
		}
	}
	return err
}

// late is a workbench with a slow destination.
type late struct {
	*workbench
	slow *sluggish
	// recorded are the numbers of copies with which the artifact was recorded.
	recorded []int
}

func newLate(t *testing.T) *late {
	b := newWorkbenchOf(t, lateSpec)
	l := &late{workbench: b, slow: &sluggish{Destination: b.world.Destinations[slowAddress], goOn: make(chan struct{})}}
	b.world.Destinations[slowAddress] = l.slow
	return l
}

// take takes the backup.
func (l *late) take(recorded func()) *executor.Report {
	l.t.Helper()
	backup := &planner.Backup{
		Meta:   planner.Meta{Address: backupAddress, Backup: backupAddress},
		Source: "source.command.notes", Destinations: []string{slowAddress, placeAddress}, MinCopies: 1,
	}
	session := &listening{l.session, func(artifact *state.Artifact) {
		l.recorded = append(l.recorded, len(artifact.Replicas))
		if recorded != nil {
			recorded()
		}
	}}
	runner := &executor.Executor{
		Spec: l.spec, World: l.world, Registry: l.registry, Session: session, Clock: l.clock, Version: "test", SlowLimit: time.Millisecond,
	}
	report, err := runner.Run(l.t.Context(), &planner.Plan{Actions: []planner.Action{backup}})
	if err != nil {
		l.t.Fatal(err)
	}
	return report
}

// expect checks what became of the destinations, and that the state and the disk say the same.
func (l *late) expect(report *executor.Report, status executor.Status, places ...string) {
	l.t.Helper()
	entry := report.Entries[0]
	if entry.Status != status {
		l.t.Errorf("it is %s: %v", entry.Status, entry.Err)
	}
	artifacts := l.session.Document().Artifacts
	if len(artifacts) != 1 || len(entry.Places) != len(places) {
		l.t.Fatalf("%d artifacts, places %v", len(artifacts), entry.Places)
	}
	for i, want := range places {
		got := entry.Places[i]
		if !strings.Contains(got.String(), want) {
			l.t.Errorf("place %d: %q, want %q", i, got, want)
		}
		_, recorded := artifacts[0].Replica(got.Destination)
		_, err := os.Stat(filepath.Join(l.folder, strings.TrimPrefix(got.Destination, "destination.local."), state.ManifestKey(artifacts[0].Key)))
		if there := got.Status != executor.PlaceFailed; recorded != there || (err == nil) != there {
			l.t.Errorf("%s: recorded is %v, and its manifest: %v", got, recorded, err)
		}
	}
	if open := l.session.Document().Intents; len(open) > 0 {
		l.t.Errorf("%d intents are open", len(open))
	}
}

func TestLateCopy(t *testing.T) {
	l := newLate(t)
	l.world.Destinations[placeAddress] = opaque{l.place}
	l.slow.begun = func(upload int) error {
		if upload == 2 && len(l.recorded) != 1 {
			t.Errorf("the artifact was recorded %d times before the copy began", len(l.recorded))
		}
		return nil
	}
	report := l.take(nil)
	l.expect(report, executor.Done,
		"destination.local.slow: copied afterwards from destination.local.place, because it was slower than the source", "destination.local.place: stored")
	if !strings.HasSuffix(report.Entries[0].Summary, ", 2 copies") || len(l.recorded) != 1 || l.recorded[0] != 1 || l.slow.uploads != 2 {
		t.Errorf("%q, recorded with %v copies, %d uploads", report.Entries[0].Summary, l.recorded, l.slow.uploads)
	}
}

// A copy that fails afterwards is what is missing, and no more.
func TestLateCopyFails(t *testing.T) {
	l := newLate(t)
	l.world.Destinations[placeAddress] = opaque{l.place}
	l.slow.begun = func(upload int) error {
		if upload == 2 {
			return errors.New("the line is down")
		}
		return nil
	}
	l.expect(l.take(nil), executor.Degraded, "destination.local.slow: failed: writing: the destination is slower than the source", "destination.local.place: stored")
}

// Where the other copy can be followed, nothing is sent twice, and the artifact is recorded before the slow one is done.
func TestLateFollowing(t *testing.T) {
	l := newLate(t)
	report := l.take(func() { close(l.slow.goOn) })
	l.expect(report, executor.Done,
		"destination.local.slow: stored after the others, following destination.local.place, because it was slower than the source", "destination.local.place: stored")
	if len(l.recorded) != 1 || l.recorded[0] != 1 || l.slow.uploads != 1 {
		t.Errorf("recorded with %v copies, %d uploads", l.recorded, l.slow.uploads)
	}
}
