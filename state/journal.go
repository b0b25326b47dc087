package state

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// JournalVersion is the version of the journal's format.
const JournalVersion = 1

// JournalHeader is the first line of a journal.
type JournalHeader struct {
	Version int `json:"journal"`
	// Lineage is the document's, BaseSerial the serial that the first record follows.
	Lineage    string `json:"lineage"`
	BaseSerial uint64 `json:"base_serial"`
	// CRC32C is the checksum of the line's bytes, without the line's end, with this value empty: eight lower-case
	// hexadecimal digits.
	CRC32C string `json:"crc32c"`
}

// journalLine is every other line: the records that were made durable together.
type journalLine struct {
	// CRC32C is as in the header, and comes first.
	CRC32C  string   `json:"crc32c"`
	Records []Record `json:"records"`
}

// Journal is what was read from one.
type Journal struct {
	Header  JournalHeader
	Records []Record
	// Size is the length in bytes of the complete lines. What follows them is the remnant of a write that was interrupted
	// and never acknowledged.
	Size int64
}

// Serial is the document's serial after the last record.
func (j *Journal) Serial() uint64 { return j.Header.BaseSerial + uint64(len(j.Records)) }

const (
	lineStart = `{"crc32c":"`
	crcDigits = 8
)

// appendCRC appends the digits of the CRC-32C of the parts.
func appendCRC(data []byte, parts ...[]byte) []byte {
	table := crc32.MakeTable(crc32.Castagnoli)
	var sum uint32
	for _, part := range parts {
		sum = crc32.Update(sum, table, part)
	}
	return fmt.Appendf(data, "%08x", sum)
}

// EncodeJournalHeader returns the first line of a journal that begins after a document.
func EncodeJournalHeader(lineage string, baseSerial uint64) []byte {
	line := fmt.Appendf(nil, `{"journal":%d,"lineage":%s,"base_serial":%d,"crc32c":"`, JournalVersion, quote(lineage), baseSerial)
	line = appendCRC(line, line, []byte(`"}`))
	return append(line, "\"}\n"...)
}

// EncodeRecord returns a record's bytes, and the record as it will be read from them.
func EncodeRecord(record Record) ([]byte, Record, error) {
	data, err := json.Marshal(record, marshalOptions())
	if err != nil {
		return nil, Record{}, fmt.Errorf("encoding a record of the journal: %w", err)
	}
	var stored Record
	if err := json.Unmarshal(data, &stored); err != nil {
		return nil, Record{}, fmt.Errorf("reading a record of the journal back: %w", err)
	}
	return data, stored, nil
}

// EncodeJournalLine returns one line with encoded records, to be written at once.
func EncodeJournalLine(records [][]byte) []byte {
	rest := append([]byte(`","records":[`), bytes.Join(records, []byte(","))...)
	rest = append(rest, "]}"...)
	line := appendCRC([]byte(lineStart), []byte(lineStart), rest)
	line = append(line, rest...)
	return append(line, '\n')
}

// DecodeJournal reads a journal. A last line that was not written to its end is left out; everything else that is wrong is
// a *DamageError or a *NewerError.
func DecodeJournal(data []byte) (*Journal, error) {
	head, _, complete := bytes.Cut(data, []byte("\n"))
	if version := leadingVersion(head, "journal"); version > JournalVersion {
		return nil, &NewerError{Format: version, Supported: JournalVersion}
	}
	if len(data) == 0 {
		return nil, damage("it is empty")
	}
	if !complete {
		return nil, damage("its first line is not complete")
	}
	journal := &Journal{Size: int64(len(head)) + 1}
	if err := journal.Header.decode(head); err != nil {
		return nil, err
	}
	for number := 2; journal.Size < int64(len(data)); number++ {
		line, rest, complete := bytes.Cut(data[journal.Size:], []byte("\n"))
		if len(rest) == 0 && isTorn(line, complete) {
			return journal, nil
		}
		if !complete {
			return nil, damage("line %d, the last one, is neither complete nor the beginning of one", number)
		}
		if err := journal.add(line); err != nil {
			return nil, damage("line %d: %v", number, err)
		}
		journal.Size += int64(len(line)) + 1
	}
	return journal, nil
}

// decode reads the header from its line.
func (h *JournalHeader) decode(line []byte) error {
	start := len(line) - crcDigits - len(`"}`)
	if start < 0 || !bytes.Equal(appendCRC(nil, line[:start], []byte(`"}`)), line[start:start+crcDigits]) {
		return damage("line 1, its header, was altered")
	}
	if err := json.Unmarshal(line, h); err != nil {
		return damage("line 1, its header: %v", explain(err))
	}
	if h.Version < 1 || h.Lineage == "" {
		return damage("line 1, its header, has no version or no lineage")
	}
	return nil
}

// add reads the records of one line.
func (j *Journal) add(line []byte) error {
	start, end := len(lineStart), len(lineStart)+crcDigits
	if len(line) < end || string(line[:start]) != lineStart ||
		!bytes.Equal(appendCRC(nil, line[:start], line[end:]), line[start:end]) {
		return errors.New("it was altered since it was written")
	}
	var stored journalLine
	if err := json.Unmarshal(line, &stored); err != nil {
		return explain(err)
	}
	if len(stored.Records) == 0 {
		return errors.New("it has no records")
	}
	for _, record := range stored.Records {
		if want := j.Serial() + 1; record.Serial != want {
			return fmt.Errorf("it has serial %d where %d should follow: records are missing or doubled", record.Serial, want)
		}
		j.Records = append(j.Records, record)
	}
	return nil
}

// holeLength is how many zero bytes in a row are taken for a block that a crash kept from the disk. No text has them.
const holeLength = 16

// isTorn reports whether the last line is what an interrupted write leaves: the beginning of a line, or a line with holes.
// A line that was written and altered later is neither; nor is a whole line with something else behind it, which has lost
// its end.
func isTorn(line []byte, complete bool) bool {
	beginning := bytes.TrimRight(line, "\x00")
	if hole := bytes.Index(line, make([]byte, holeLength)); hole >= 0 {
		beginning = line[:hole]
	} else if complete {
		return false
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(beginning))
	err := decoder.SkipValue()
	if err == nil {
		return decoder.InputOffset() == int64(len(line))
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
