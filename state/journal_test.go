package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/state"
)

// sampleJournal begins after serial 5 and has lines of one and of several records, with text of several bytes a letter.
func sampleJournal(t testing.TB) (data []byte, ends []int) {
	t.Helper()
	data = state.EncodeJournalHeader("lineage", 5)
	ends = append(ends, len(data))
	serial := uint64(5)
	for _, count := range []int{1, 3, 2, 1} {
		var records [][]byte
		for range count {
			serial++
			record := state.Record{Serial: serial, Begin: sampleIntent(fmt.Sprint("ação ", serial, " 備份"))}
			if serial%2 == 1 {
				record = state.Record{Serial: serial, End: &state.Ending{Intent: fmt.Sprint("ação ", serial-1, " 備份"), Result: state.Result{
					Outcome: state.Done, EndedAt: epoch, Events: []state.Event{put(sampleArtifact("a", int(serial), placeA))},
				}}}
			}
			encoded, _, err := state.EncodeRecord(record)
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, encoded)
		}
		data = append(data, state.EncodeJournalLine(records)...)
		ends = append(ends, len(data))
	}
	return data, ends
}

func TestJournalCutAnywhereGivesTheCompleteLines(t *testing.T) {
	data, ends := sampleJournal(t)
	records := []int{0, 1, 4, 6, 7}
	for cut := range len(data) + 1 {
		journal, err := state.DecodeJournal(data[:cut])
		if cut < ends[0] {
			if err == nil {
				t.Fatalf("cut at %d: a journal without its header was accepted", cut)
			}
			continue
		}
		complete := 0
		for complete+1 < len(ends) && ends[complete+1] <= cut {
			complete++
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if journal.Size != int64(ends[complete]) || len(journal.Records) != records[complete] {
			t.Fatalf("cut at %d: %d records in %d bytes, want %d in %d", cut, len(journal.Records), journal.Size, records[complete], ends[complete])
		}
	}
}

func TestJournalNoticesEveryAlteredBit(t *testing.T) {
	data, _ := sampleJournal(t)
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			if journal, err := state.DecodeJournal(data); err == nil {
				t.Fatalf("bit %d of byte %d was altered and nobody noticed: %d records", bit, i, len(journal.Records))
			}
			data[i] ^= 1 << bit
		}
	}
}

func TestJournalWithHolesInItsLastLine(t *testing.T) {
	data, ends := sampleJournal(t)
	last := ends[len(ends)-2]
	for name, spoil := range map[string]func([]byte) []byte{
		"in the middle": func(d []byte) []byte { clear(d[last+100 : last+200]); return d },
		"at the end":    func(d []byte) []byte { clear(d[len(d)-60:]); return d },
		"all of it":     func(d []byte) []byte { clear(d[last:]); return d },
		"short, at end": func(d []byte) []byte { clear(d[len(d)-9:]); return d },
	} {
		journal, err := state.DecodeJournal(spoil(bytes.Clone(data)))
		if err != nil || journal.Size != int64(last) {
			t.Errorf("%s: %v, %v", name, journal, err)
		}
	}
	hole := bytes.Clone(data)
	clear(hole[ends[1]+50 : ends[1]+150])
	if _, err := state.DecodeJournal(hole); err == nil {
		t.Error("a hole before the last line was accepted")
	}
	merged := bytes.Clone(data)
	clear(merged[last+100 : last+200])
	merged[last-1] ^= 0x92
	if _, err := state.DecodeJournal(merged); err == nil {
		t.Error("a line that lost its end to the one with the hole was left out with it")
	}
}

func TestJournalRefuses(t *testing.T) {
	data, ends := sampleJournal(t)
	line := func(i int) string { return string(data[ends[i-1]:ends[i]]) }
	header := string(data[:ends[0]])
	for name, test := range map[string]struct{ data, want string }{
		"empty":           {"", "empty"},
		"no header":       {line(1), "line 1"},
		"line missing":    {header + line(1) + line(3), "line 3: it has serial 10 where 7 should follow"},
		"line twice":      {header + line(1) + line(1), "line 3: it has serial 6 where 7 should follow"},
		"lines exchanged": {header + line(2) + line(1), "line 2: it has serial 7 where 6 should follow"},
		"empty line":      {header + "\n" + line(1), "line 2"},
		"garbage":         {header + "garbage\n", "line 2"},
		"garbage at end":  {header + line(1) + "garbage", "neither complete"},
		"cut in middle":   {header + line(1)[:20] + "\n" + line(2), "line 2"},
		"no records":      {header + string(state.EncodeJournalLine(nil)), "no records"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := state.DecodeJournal([]byte(test.data))
			var damage *state.DamageError
			if !errors.As(err, &damage) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	var newer *state.NewerError
	if _, err := state.DecodeJournal([]byte(`{"journal":2}` + "\n")); !errors.As(err, &newer) {
		t.Errorf("got %v", err)
	}
}

func TestReplayRefusesWhatDoesNotFitTogether(t *testing.T) {
	journal := func(lineage string, base uint64, records ...state.Record) *state.Journal {
		return &state.Journal{Header: state.JournalHeader{Version: 1, Lineage: lineage, BaseSerial: base}, Records: records}
	}
	snapshot := &state.Document{Version: 1, Lineage: "l", Serial: 3}
	for name, test := range map[string]struct {
		snapshot *state.Document
		journal  *state.Journal
		want     string
	}{
		"other lineage":    {snapshot, journal("k", 3), "another state"},
		"older snapshot":   {snapshot, journal("l", 4), "older than its journal"},
		"missing snapshot": {nil, journal("l", 4), "snapshot is missing"},
		"unknown intent":   {snapshot, journal("l", 3, state.Record{Serial: 4, End: &state.Ending{Intent: "i"}}), "serial 4"},
	} {
		if _, err := state.Replay(test.snapshot, test.journal); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	ledger, err := state.Replay(nil, journal("l", 0, state.Record{Serial: 1, Begin: sampleIntent("i")}))
	if err != nil || ledger.Lineage() != "l" || ledger.Serial() != 1 || len(ledger.Document().Intents) != 1 {
		t.Errorf("a first journal: %v, %v", ledger, err)
	}
	if empty, err := state.Replay(nil, nil); err != nil || empty.Serial() != 0 || empty.Lineage() != "" {
		t.Errorf("nothing: %v, %v", empty, err)
	}
}
