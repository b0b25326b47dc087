package planner

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// listening is a cleaner that remembers what it was told.
type listening struct{ told *providers.CleanupBacking }

func (listening) Inspect(context.Context) (providers.CleanupView, error) {
	return providers.CleanupView{}, nil
}

func (listening) Remove(context.Context, providers.CleanupOrder, providers.CleanupView) (providers.CleanupOutcome, error) {
	return providers.CleanupOutcome{}, nil
}

func (listening) Behind(backing providers.CleanupBacking) providers.Cleaner {
	return listening{&backing}
}

// guarded is a block behind a backup.
type guarded struct{ providers.CleanupConfig }

func (guarded) Guard() providers.CleanupGuard {
	return providers.CleanupGuard{Backup: providers.Reference{Address: "backup.logs"}, MinCopies: 2}
}

// logs is a source whose positions are moments.
type logs struct{ providers.SourceConfig }

func (logs) LogsOf() (providers.Reference, []string) { return providers.Reference{}, nil }

func (logs) Spans(position string) ([]providers.LogSpan, error) {
	until, err := time.Parse(time.RFC3339, position)
	return []providers.LogSpan{{Container: "17", Until: until}}, err
}

// tree is a source that is no log, and says what it reads.
type tree struct{ providers.SourceConfig }

func (tree) Claim(providers.Environment) providers.Claim { return providers.Claim{What: "/srv"} }

// TestBacking holds what stands behind a cleanup against what the state has.
func TestBacking(t *testing.T) {
	declared := &spec.Cleanup{Address: "cleanup.logs.x", Config: guarded{}}
	specification := &spec.Spec{Backups: []*spec.Backup{{Address: "backup.logs", Source: "source.x", To: []string{"a", "b"}}}, Cleanups: []*spec.Cleanup{declared}}
	document := &state.Document{}
	add := func(id, source, position, what string, conditions ...state.Condition) {
		artifact := &state.Artifact{Description: state.Description{ID: id, Backup: "backup.logs", Source: source, Position: position, What: what, StartedAt: time.Unix(0, 0).Add(time.Duration(len(document.Artifacts)) * time.Hour)}}
		for i, condition := range conditions {
			artifact.Replicas = append(artifact.Replicas, state.Replica{Destination: string(rune('a' + i)), Condition: condition})
		}
		document.Artifacts = append(document.Artifacts, artifact)
	}
	const position, here = "2026-11-22T12:00:00Z", "/srv on host.local"
	add("good", "source.x", position, here, state.Verified, state.Verified)
	add("unproven", "source.x", position, here, state.Verified, state.Unproven)
	add("elsewhere", "source.x", position, here, state.Verified, state.Unproven, state.Verified)
	add("other", "source.y", position, here, state.Verified, state.Verified)
	add("broken", "source.x", "what", "other", state.Verified, state.Verified)
	add("last", "source.x", position, here, state.Verified, state.Verified)
	for name, test := range map[string]struct {
		config providers.SourceConfig
		want   string
	}{"logs": {logs{}, "good 1, last 1, "}, "files": {tree{}, "good 0, last 0, "}} {
		specification.Sources = []*spec.Source{{Address: "source.x", Config: test.config}}
		world := &World{Cleaners: map[string]providers.Cleaner{declared.Address: listening{}}}
		got := ""
		told := world.Cleaner(specification, document, declared).(listening).told
		if told == nil || told.Source != test.config {
			t.Fatalf("%s: told was %+v", name, told)
		}
		for _, artifact := range told.Artifacts {
			got += fmt.Sprintf("%s %d, ", artifact.ID, len(artifact.Logs))
		}
		if got != test.want {
			t.Errorf("%s: got %s", name, got)
		}
	}
	if world := (&World{}); world.Cleaner(specification, document, declared) != nil {
		t.Error("there is a cleaner where none was made")
	}
}
