package remote

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/castrolanda/imsctl/state"
)

// logVersion is the version of the log's format.
const logVersion = 1

// What the names of the parts begin with.
const (
	entryPrefix    = "log/"
	snapshotPrefix = "snapshots/"
	snapshotSuffix = ".json"
)

// numberDigits is how many digits numbers have in names, so that their order is that of the numbers.
const numberDigits = 20

// entryName is the name of the entry with a number.
func entryName(number uint64) string { return fmt.Sprintf("%s%0*d", entryPrefix, numberDigits, number) }

// snapshotName is the name of the snapshot that the entry with a number is to name. The token makes it the writer's own.
func snapshotName(number uint64, token string) string {
	return fmt.Sprintf("%s%0*d-%s%s", snapshotPrefix, numberDigits, number, token, snapshotSuffix)
}

// mark is an entry that holds no records: Exactly one of Opened and Snapshot is set.
type mark struct {
	Version int `json:"log"`
	// Opened is who took the lock and began to write after the entries before.
	Opened *Holder `json:"opened,omitempty"`
	// Snapshot is the name of a snapshot that holds all entries before, with the state's serial; Digest is the SHA-256 of its
	// stored bytes.
	Snapshot string `json:"snapshot,omitempty"`
	Serial   uint64 `json:"serial,omitzero"`
	Digest   string `json:"sha256,omitempty"`
}

// markStart is what marks begin with. Entries with records are journals, or sealed.
var markStart = []byte(`{"log":`)

// encode returns the bytes of a mark.
func (m mark) encode() ([]byte, error) {
	m.Version = logVersion
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding an entry of the log: %w", err)
	}
	return append(data, '\n'), nil
}

// decodeMark reads a mark; nil when the entry is none.
func decodeMark(data []byte) (*mark, error) {
	if !bytes.HasPrefix(data, markStart) {
		return nil, nil
	}
	var found mark
	digits, _, _ := bytes.Cut(data[len(markStart):], []byte(","))
	if version, err := strconv.Atoi(string(digits)); err == nil && version > logVersion {
		return nil, &state.NewerError{Format: version, Supported: logVersion}
	}
	if err := json.Unmarshal(data, &found); err != nil {
		return nil, &state.DamageError{Problem: "it cannot be decoded: " + err.Error()}
	}
	if (found.Opened == nil) == (found.Snapshot == "") {
		return nil, &state.DamageError{Problem: "it is neither an opening nor a snapshot"}
	}
	return &found, nil
}

// listing is what parts there are.
type listing struct {
	// entries are the numbers of entries, in order.
	entries []uint64
	// snapshots are the names of snapshots, in the order of their numbers.
	snapshots []string
}

// parse reads the names of parts. Those of nobody's are left out.
func parse(names []string) listing {
	var found listing
	for _, name := range names {
		if digits, isEntry := strings.CutPrefix(name, entryPrefix); isEntry {
			if number, err := strconv.ParseUint(digits, 10, 64); err == nil && entryName(number) == name {
				found.entries = append(found.entries, number)
			}
		} else if _, isSnapshot := snapshotNumber(name); isSnapshot {
			found.snapshots = append(found.snapshots, name)
		}
	}
	slices.Sort(found.entries)
	slices.Sort(found.snapshots)
	return found
}

// snapshotNumber is the number of the entry that names a snapshot.
func snapshotNumber(name string) (uint64, bool) {
	rest, isSnapshot := strings.CutPrefix(name, snapshotPrefix)
	if !isSnapshot || len(rest) <= numberDigits || !strings.HasSuffix(rest, snapshotSuffix) {
		return 0, false
	}
	number, err := strconv.ParseUint(rest[:numberDigits], 10, 64)
	return number, err == nil && rest[numberDigits] == '-'
}

// last is the number of the last entry, 0 when there is none.
func (l *listing) last() uint64 {
	if len(l.entries) == 0 {
		return 0
	}
	return l.entries[len(l.entries)-1]
}

// has reports whether there is an entry.
func (l *listing) has(number uint64) bool {
	_, found := slices.BinarySearch(l.entries, number)
	return found
}

// after are the numbers of the entries behind one. A gap is damage.
func (l *listing) after(number uint64) ([]uint64, error) {
	i, _ := slices.BinarySearch(l.entries, number+1)
	following := l.entries[i:]
	for j, found := range following {
		if want := number + 1 + uint64(j); found != want {
			return nil, &state.DamageError{Problem: fmt.Sprintf("%s is missing", entryName(want))}
		}
	}
	return following, nil
}
