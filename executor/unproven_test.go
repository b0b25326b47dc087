package executor_test

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

// unproven takes a backup and records its copy as one that was found beside its manifest.
func (b *workbench) unproven() *state.Artifact {
	b.t.Helper()
	artifact := b.backup()
	replica, _ := artifact.Replica(placeAddress)
	replica.Condition, replica.VerifiedAt, replica.ReadBackAt, replica.ComparedAt = state.Unproven, time.Time{}, time.Time{}, time.Time{}
	intent := state.Intent{ID: "rebuilt", Run: "rebuilt", Address: backupAddress, Kind: "verify"}
	if err := b.session.Begin(b.t.Context(), intent); err != nil {
		b.t.Fatal(err)
	}
	change := state.Event{PutReplica: &state.ReplicaChange{Artifact: artifact.ID, Replica: replica}}
	if err := b.session.End(b.t.Context(), intent.ID, state.Result{Outcome: state.Done, EndedAt: b.clock.Now(), Events: []state.Event{change}}); err != nil {
		b.t.Fatal(err)
	}
	return b.session.Document().Find(artifact.ID)
}

// Reading it back, or the store's checksum, makes of a copy that nobody had read a verified one; a store without checksums
// leaves it what it is.
func TestUnprovenIsProven(t *testing.T) {
	for name, test := range map[string]struct {
		checksum, keeps bool
		want            state.Condition
	}{
		"read back":               {false, false, state.Verified},
		"by the store":            {true, true, state.Verified},
		"by a store that is mute": {true, false, state.Unproven},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWorkbench(t)
			artifact := b.unproven()
			if test.checksum {
				store := summing{Destination: b.place}
				if sum, err := strconv.ParseUint(artifact.Stored.CRC32C, 16, 32); err != nil {
					t.Fatal(err)
				} else if value := uint32(sum); test.keeps {
					store.crc32c = &value
				}
				b.world.Destinations[placeAddress] = store
			}
			b.clock.Advance(time.Minute)
			entry := b.run(&planner.Verify{
				Meta: planner.Meta{Address: "v", Backup: backupAddress}, Artifact: artifact.ID, Destination: placeAddress, Checksum: test.checksum,
			}).Entries[0]
			if entry.Status != executor.Done {
				t.Fatal(entry.Err)
			}
			replica, _ := b.session.Document().Find(artifact.ID).Replica(placeAddress)
			if replica.Condition != test.want || replica.VerifiedAt.IsZero() != (test.want == state.Unproven) {
				t.Errorf("%+v", replica)
			}
		})
	}
}

// It can be restored before, and nothing else is deleted for its sake.
func TestUnprovenIsRestoredAndKeepsOthers(t *testing.T) {
	b := newWorkbench(t)
	older := b.backup()
	b.clock.Advance(time.Hour)
	artifact := b.unproven()
	restorer := &executor.Restorer{Spec: b.spec, World: b.world, Registry: b.registry}
	var restored bytes.Buffer
	if _, err := restorer.ToWriter(t.Context(), executor.Request{Artifact: artifact}, &restored); err != nil || !bytes.HasSuffix(restored.Bytes(), []byte("\n1000\n")) {
		t.Errorf("%v after %d bytes", err, restored.Len())
	}
	if report := b.run(b.prune(older)); report.Count(executor.Failed) != 1 {
		t.Errorf("the last verified copy was deleted: %+v", report.Entries)
	}
}
