package state_test

import (
	"bytes"
	"testing"

	"github.com/castrolanda/imsctl/state"
)

// altered returns the data with one byte changed, or nil when the arguments change nothing.
func altered(data []byte, at uint, mask byte) []byte {
	if len(data) == 0 || mask == 0 {
		return nil
	}
	other := bytes.Clone(data)
	other[at%uint(len(data))] ^= mask
	return other
}

func FuzzDecodeDocument(f *testing.F) {
	for _, n := range []int{0, 1, 3} {
		f.Add(encode(f, sampleDocument(n)), uint(7*n), byte(1))
	}
	f.Add([]byte(`{"version":1}`), uint(0), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, at uint, mask byte) {
		if mask == 0 && len(data) > 100 {
			// Behind a digest that fits, everything else is met.
			data = redigest(data)
		}
		document, err := state.Decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		if again := decode(t, encode(t, document)); len(again.Artifacts) != len(document.Artifacts) || again.Serial != document.Serial {
			t.Fatal("what was read cannot be written and read again")
		}
		if other := altered(data, at, mask); other != nil {
			if _, err := state.Decode(bytes.NewReader(other)); err == nil {
				t.Fatalf("byte %d was altered and nobody noticed", at%uint(len(data)))
			}
		}
	})
}

func FuzzDecodeManifest(f *testing.F) {
	f.Add(encodeManifest(f, sampleManifest()), uint(9), byte(4))
	f.Add([]byte(`{"format_version":1,"digest":""}`), uint(0), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, at uint, mask byte) {
		manifest, err := state.DecodeManifest(data)
		if err != nil {
			return
		}
		if _, err := state.DecodeManifest(encodeManifest(t, manifest)); err != nil {
			t.Fatalf("what was read cannot be written and read again: %v", err)
		}
		if other := altered(data, at, mask); other != nil {
			if _, err := state.DecodeManifest(other); err == nil {
				t.Fatalf("byte %d was altered and nobody noticed", at%uint(len(data)))
			}
		}
	})
}

func FuzzJournal(f *testing.F) {
	data, ends := sampleJournal(f)
	f.Add(data, uint(ends[1]+30), byte(2))
	f.Add(data[:ends[2]+40], uint(ends[0]+3), byte(8))
	f.Add(data[:ends[0]], uint(3), byte(1))
	record, _, err := state.EncodeRecord(state.Record{Serial: 1, Begin: sampleIntent("i")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(record, uint(0), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, at uint, mask byte) {
		if mask == 0 {
			// Behind a checksum that fits, everything else is met.
			data = append(state.EncodeJournalHeader("l", 0), state.EncodeJournalLine([][]byte{data})...)
		}
		journal, err := state.DecodeJournal(data)
		if err != nil {
			return
		}
		if journal.Size > int64(len(data)) {
			t.Fatal("the journal is longer than its file")
		}
		if _, err := state.Replay(nil, journal); err == nil && journal.Header.BaseSerial != 0 {
			t.Fatal("a journal was replayed without its snapshot")
		}
		place := int64(at % uint(max(len(data), 1)))
		if other := altered(data, at, mask); other != nil && place < journal.Size {
			if _, err := state.DecodeJournal(other); err == nil {
				t.Fatalf("byte %d was altered and nobody noticed", place)
			}
		}
	})
}
