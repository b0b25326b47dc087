package state

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// unrecordedName is the member of a snapshot that holds the records a backend does not have.
const unrecordedName = "unrecorded"

// EncodeUnrecorded returns a snapshot of a document that holds, beside all of it, the records that its backend could not be
// given: the last ones.
func EncodeUnrecorded(document *Document, records []Record) ([]byte, error) {
	members := make(map[string]jsontext.Value)
	if len(document.Unknown) > 0 {
		if err := json.Unmarshal(document.Unknown, &members); err != nil {
			return nil, fmt.Errorf("encoding the state: %w", err)
		}
	}
	encoded, err := json.Marshal(records, marshalOptions())
	if err != nil {
		return nil, fmt.Errorf("encoding what was not recorded: %w", err)
	}
	members[unrecordedName] = encoded
	with := *document
	if with.Unknown, err = json.Marshal(members, marshalOptions()); err != nil {
		return nil, fmt.Errorf("encoding what was not recorded: %w", err)
	}
	return Encode(&with)
}

// CutUnrecorded takes the records that a backend could not be given out of a document that EncodeUnrecorded made; nil when it
// has none.
func CutUnrecorded(document *Document) ([]Record, error) {
	if len(document.Unknown) == 0 {
		return nil, nil
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(document.Unknown, &members); err != nil {
		return nil, fmt.Errorf("reading what was not recorded: %w", err)
	}
	encoded, has := members[unrecordedName]
	if !has {
		return nil, nil
	}
	var records []Record
	if err := json.Unmarshal(encoded, &records); err != nil {
		return nil, fmt.Errorf("reading what was not recorded: %w", err)
	}
	delete(members, unrecordedName)
	document.Unknown = nil
	if len(members) == 0 {
		return records, nil
	}
	var err error
	document.Unknown, err = json.Marshal(members, marshalOptions())
	return records, err
}

// Continues reports whether a document is what a current one becomes by the records that it lacks: whether nothing else was
// recorded meanwhile.
func Continues(current, document *Document, records []Record) (bool, error) {
	if current.Lineage != document.Lineage && current.Serial > 0 {
		return false, nil
	}
	start := *current
	start.Lineage = document.Lineage
	ledger := NewLedger(&start)
	for _, record := range records {
		if record.Serial <= ledger.Serial() {
			continue
		}
		if err := ledger.Apply(record); err != nil {
			// Whatever does not fit was preceded by something else.
			return false, nil
		}
	}
	return Equal(ledger.Document(), document)
}

// Equal reports whether two documents record the same, whoever wrote them.
func Equal(a, b *Document) (bool, error) {
	if a.Serial != b.Serial || a.Lineage != b.Lineage {
		return false, nil
	}
	one, other := *a, *b
	one.Writer, other.Writer = "", ""
	first, err := Encode(&one)
	if err != nil {
		return false, err
	}
	second, err := Encode(&other)
	return bytes.Equal(first, second), err
}
