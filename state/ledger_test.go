package state_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/state"
)

const (
	placeA = "destination.local.a"
	placeB = "destination.local.b"
)

func put(artifact *state.Artifact) state.Event { return state.Event{PutArtifact: artifact} }

func putReplica(id, destination string, i int) state.Event {
	return state.Event{PutReplica: &state.ReplicaChange{Artifact: id, Replica: sampleReplica(destination, i)}}
}

func remove(id, destination string) state.Event {
	return state.Event{RemoveReplica: &state.ReplicaChange{Artifact: id, Replica: state.Replica{Destination: destination}}}
}

func TestApplyRefuses(t *testing.T) {
	known := sampleArtifact("a", 1, placeA)
	twice := sampleArtifact("a", 2, placeA, placeA)
	for name, test := range map[string]struct {
		event state.Event
		want  string
	}{
		"nothing":               {state.Event{}, "exactly one change"},
		"two changes":           {state.Event{PutArtifact: known, PutReplica: &state.ReplicaChange{}}, "exactly one change"},
		"copy of unknown":       {putReplica("x", placeA, 1), `artifact "x" is not in the state`},
		"removal of unknown":    {remove("x", placeA), `artifact "x" is not in the state`},
		"removal of no copy":    {remove(known.ID, placeB), "has no copy at"},
		"copy at two places":    {put(twice), "two copies at"},
		"artifact with no copy": {put(sampleArtifact("a", 3)), "has no copies"},
		"survey of nothing":     {put(surveyed(&state.Survey{Head: 0.5})), "its survey says"},
		"survey of less than 0": {put(surveyed(&state.Survey{Head: 0.5, Reference: 0.3, Spread: -0.1})), "its survey says"},
		"survey that grew":      {put(surveyed(&state.Survey{Head: 0.5, Reference: 0.3, Tried: []state.Tried{{Method: "zstd", Level: 1}}})), "zstd 1 left 0"},
		"copy without place":    {putReplica(known.ID, "", 1), "no destination"},
	} {
		t.Run(name, func(t *testing.T) {
			document := &state.Document{Version: 1, Lineage: "l", Artifacts: []*state.Artifact{known}}
			before := encode(t, document)
			if err := document.Apply(test.event); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if diff := cmp.Diff(string(before), string(encode(t, document))); diff != "" {
				t.Errorf("the document changed: %s", diff)
			}
		})
	}
}

func TestLedgerAppliesAnEndAsAWhole(t *testing.T) {
	ledger := state.NewLedger(&state.Document{Version: 1, Lineage: "l"})
	mustApply(t, ledger, state.Record{Serial: 1, Begin: sampleIntent("i")})
	bad := state.Record{Serial: 2, End: &state.Ending{Intent: "i", Result: state.Result{
		Outcome: state.Done, Events: []state.Event{put(sampleArtifact("a", 1, placeA)), remove("nobody", placeA)},
	}}}
	for _, record := range []state.Record{
		bad, {Serial: 2}, {Serial: 3, Begin: sampleIntent("j")}, {Serial: 2, Begin: sampleIntent("i")}, {Serial: 2, Begin: sampleIntent("")},
		{Serial: 2, End: &state.Ending{Intent: "j", Result: state.Result{Outcome: state.Done}}},
		{Serial: 2, End: &state.Ending{Intent: "i", Result: state.Result{Outcome: "maybe"}}},
	} {
		if err := ledger.Apply(record); err == nil {
			t.Errorf("%+v was applied", record)
		}
	}
	document := ledger.Document()
	if len(document.Artifacts) != 0 || len(document.Intents) != 1 || document.Serial != 1 {
		t.Errorf("half of it was applied: %+v", document)
	}
}

func mustApply(t testing.TB, ledger *state.Ledger, record state.Record) {
	t.Helper()
	if err := ledger.Apply(record); err != nil {
		t.Fatal(err)
	}
}

// model is the state in its simplest form: which version lies where, by artifact and destination.
type model struct {
	copies map[string]map[string]string
	open   map[string]bool
}

// TestRandomEventsAgainstAModel holds the ledger, the plain document, the journal's replay, and snapshots taken on the way
// against a map.
func TestRandomEventsAgainstAModel(t *testing.T) {
	for range 30 {
		seed := uint64(time.Now().UnixNano())
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { runModel(t, rand.New(rand.NewPCG(seed, 0))) })
	}
}

func runModel(t *testing.T, random *rand.Rand) {
	ledger := state.NewLedger(&state.Document{Version: 1, Lineage: "l"})
	plain := &state.Document{Version: 1, Lineage: "l"}
	truth := model{copies: make(map[string]map[string]string), open: make(map[string]bool)}
	journal := state.EncodeJournalHeader("l", 0)
	snapshots := [][]byte{encode(t, ledger.Document())}
	var kept []*state.Document
	var keptBytes [][]byte
	var waiting [][]byte
	for step := range 300 {
		events := truth.randomEvents(t, random)
		record := truth.randomRecord(random, ledger.Serial()+1, step, events)
		if record.End != nil {
			for _, event := range events {
				truth.apply(event)
				if err := plain.Apply(event); err != nil {
					t.Fatal(err)
				}
			}
		}
		data, decoded, err := state.EncodeRecord(record)
		if err != nil {
			t.Fatal(err)
		}
		mustApply(t, ledger, decoded)
		if waiting = append(waiting, data); random.IntN(3) == 0 {
			journal, waiting = append(journal, state.EncodeJournalLine(waiting)...), nil
		}
		if random.IntN(20) == 0 {
			document := ledger.Document()
			kept, keptBytes = append(kept, document), append(keptBytes, encode(t, document))
			if len(waiting) == 0 {
				snapshots = append(snapshots, encode(t, document))
			}
		}
	}
	if len(waiting) > 0 {
		journal = append(journal, state.EncodeJournalLine(waiting)...)
	}
	truth.check(t, ledger.Document())
	plain.Serial, plain.Intents = ledger.Serial(), ledger.Document().Intents
	want := string(encode(t, ledger.Document()))
	if diff := cmp.Diff(want, string(encode(t, plain))); diff != "" {
		t.Errorf("the ledger and the document differ: %s", diff)
	}
	for i := range kept {
		if string(encode(t, kept[i])) != string(keptBytes[i]) {
			t.Error("a copy of the document changed afterwards")
		}
	}
	read, err := state.DecodeJournal(journal)
	if err != nil {
		t.Fatal(err)
	}
	for i, snapshot := range snapshots {
		replayed, err := state.Replay(decode(t, snapshot), read)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(encode(t, replayed.Document()))); diff != "" {
			t.Errorf("snapshot %d and the journal give something else: %s", i, diff)
		}
	}
}

// randomEvents are a few changes that are possible one after another.
func (m *model) randomEvents(t *testing.T, random *rand.Rand) []state.Event {
	t.Helper()
	trial := model{copies: make(map[string]map[string]string)}
	for id, copies := range m.copies {
		trial.copies[id] = maps.Clone(copies)
	}
	var events []state.Event
	for range random.IntN(4) {
		ids := slices.Sorted(maps.Keys(trial.copies))
		place := []string{placeA, placeB, "destination.local.c"}[random.IntN(3)]
		event := put(sampleArtifact([]string{"x", "y", "z"}[random.IntN(3)], random.IntN(40), placeB, placeA))
		if len(ids) > 0 && random.IntN(3) > 0 {
			id := ids[random.IntN(len(ids))]
			if _, exists := trial.copies[id][place]; exists && random.IntN(2) == 0 {
				event = remove(id, place)
			} else {
				event = putReplica(id, place, random.IntN(1000))
			}
		}
		trial.apply(event)
		events = append(events, event)
	}
	return events
}

// randomRecord begins an intent, or ends one with the events.
func (m *model) randomRecord(random *rand.Rand, serial uint64, step int, events []state.Event) state.Record {
	open := slices.Sorted(maps.Keys(m.open))
	if len(open) == 0 || random.IntN(2) == 0 {
		id := fmt.Sprint("intent", step)
		m.open[id] = true
		return state.Record{Serial: serial, Begin: sampleIntent(id)}
	}
	id := open[random.IntN(len(open))]
	delete(m.open, id)
	return state.Record{Serial: serial, End: &state.Ending{Intent: id, Result: state.Result{Outcome: state.Done, EndedAt: epoch, Events: events}}}
}

func (m *model) apply(event state.Event) {
	switch {
	case event.PutArtifact != nil:
		copies := make(map[string]string)
		for _, replica := range event.PutArtifact.Replicas {
			copies[replica.Destination] = replica.Version
		}
		m.copies[event.PutArtifact.ID] = copies
	case event.PutReplica != nil:
		m.copies[event.PutReplica.Artifact][event.PutReplica.Replica.Destination] = event.PutReplica.Replica.Version
	case event.RemoveReplica != nil:
		copies := m.copies[event.RemoveReplica.Artifact]
		delete(copies, event.RemoveReplica.Replica.Destination)
		if len(copies) == 0 {
			delete(m.copies, event.RemoveReplica.Artifact)
		}
	}
}

func (m *model) check(t *testing.T, document *state.Document) {
	t.Helper()
	got := make(map[string]map[string]string)
	for _, artifact := range document.Artifacts {
		got[artifact.ID] = make(map[string]string)
		for _, replica := range artifact.Replicas {
			got[artifact.ID][replica.Destination] = replica.Version
		}
	}
	if diff := cmp.Diff(m.copies, got); diff != "" {
		t.Errorf("the ledger differs from the model: %s", diff)
	}
	if len(document.Intents) != len(m.open) {
		t.Errorf("%d open intents, want %d", len(document.Intents), len(m.open))
	}
	if !slices.IsSortedFunc(document.Artifacts, func(a, b *state.Artifact) int {
		if c := strings.Compare(a.Backup, b.Backup); c != 0 {
			return c
		}
		return a.StartedAt.Compare(b.StartedAt)
	}) {
		t.Error("the artifacts are not in order")
	}
}

func TestFingerprints(t *testing.T) {
	ledger := state.NewLedger(&state.Document{Version: 1, Lineage: "l"})
	serial := uint64(0)
	do := func(events ...state.Event) {
		intent := sampleIntent(fmt.Sprint(serial))
		intent.Backup = "backup.other"
		mustApply(t, ledger, state.Record{Serial: serial + 1, Begin: intent})
		mustApply(t, ledger, state.Record{Serial: serial + 2, End: &state.Ending{Intent: intent.ID, Result: state.Result{Outcome: state.Done, Events: events}}})
		serial += 2
	}
	x, y := sampleArtifact("x", 1, placeA), sampleArtifact("y", 1, placeA)
	do(put(x), put(y))
	first := ledger.Document().Fingerprints()
	do(putReplica(y.ID, placeB, 1))
	second := ledger.Document().Fingerprints()
	if first["backup.x"] != second["backup.x"] || first["backup.y"] == second["backup.y"] {
		t.Error("a change of y must change the fingerprint of y only")
	}
	proven := sampleReplica(placeA, 1)
	proven.VerifiedAt = proven.VerifiedAt.Add(time.Hour)
	do(state.Event{PutReplica: &state.ReplicaChange{Artifact: x.ID, Replica: proven}})
	if ledger.Document().Fingerprints()["backup.x"] != first["backup.x"] {
		t.Error("a verification changed the fingerprint")
	}
	proven.Condition, proven.Problem = state.Altered, "size"
	do(state.Event{PutReplica: &state.ReplicaChange{Artifact: x.ID, Replica: proven}})
	altered := ledger.Document().Fingerprints()["backup.x"]
	if altered == first["backup.x"] {
		t.Error("a condition did not change the fingerprint")
	}
	intent := sampleIntent("open")
	intent.Backup = "backup.x"
	mustApply(t, ledger, state.Record{Serial: serial + 1, Begin: intent})
	if ledger.Document().Fingerprints()["backup.x"] == altered {
		t.Error("an open intent did not change the fingerprint")
	}
}

func TestLockedErrorNamesTheHolder(t *testing.T) {
	holder := state.LockInfo{Operation: "apply", User: "ana", Host: "vm", PID: 7, TakenAt: epoch}
	text := (&state.LockedError{Location: "s.json", Holder: holder}).Error()
	for _, want := range []string{"s.json", "locked", "imsctl apply", "ana", "vm", "7", "2026-01-01 02:00:00 UTC", "-lock-timeout"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	if text := (&state.LockedError{Location: "s.json"}).Error(); !strings.Contains(text, "not known") {
		t.Error(text)
	}
}

// surveyed is an artifact with a survey.
func surveyed(survey *state.Survey) *state.Artifact {
	artifact := sampleArtifact("a", 3, placeA)
	artifact.Survey = survey
	return artifact
}
