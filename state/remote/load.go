package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/castrolanda/imsctl/state"
)

// stored is a state as it lies on the server.
type stored struct {
	listing
	ledger *state.Ledger
	// base is the number of the entry that names the newest snapshot, 0 when there is none; saved is the snapshot's serial and
	// size its length in bytes.
	base  uint64
	saved uint64
	size  int
	// journal is the length in bytes of the entries behind the base.
	journal int
	// upTo is the number of the last entry that is in the ledger.
	upTo uint64
}

// load reads the state.
func (b *Backend) load(ctx context.Context, from Reader, known *stored) (*stored, error) {
	names, err := from.List(ctx, "")
	if err != nil {
		return nil, err
	}
	found := &stored{listing: parse(names)}
	var document *state.Document
	if known != nil && found.continues(known) {
		document, found.base, found.saved, found.size = known.ledger.Document(), known.base, known.saved, known.size
		found.journal, found.upTo = known.journal, known.upTo
	} else if document, err = b.newest(ctx, from, found); err != nil {
		return nil, err
	}
	journal, err := b.journal(ctx, from, found)
	if err != nil {
		return nil, err
	}
	if found.ledger, err = state.Replay(document, journal); err != nil {
		return nil, err
	}
	found.upTo = max(found.upTo, found.last())
	return found, nil
}

// continues reports whether what was found is what is known, perhaps with entries behind it: no other snapshot was written since.
func (l *listing) continues(known *stored) bool {
	for _, name := range l.snapshots {
		if number, _ := snapshotNumber(name); number > known.base {
			return false
		}
	}
	// A state that was never written has no lineage yet: the first who writes gives it one.
	return known.ledger.Serial() > 0 && (known.base == 0 || l.has(known.base)) && (known.upTo == 0 || l.has(known.upTo))
}

// newest reads the newest snapshot that an entry names; nil when there is none. Others were never finished.
func (b *Backend) newest(ctx context.Context, from Reader, found *stored) (*state.Document, error) {
	for _, name := range slices.Backward(found.snapshots) {
		number, _ := snapshotNumber(name)
		if !found.has(number) {
			continue
		}
		contents, err := from.Read(ctx, entryName(number), name)
		if err != nil {
			return nil, err
		}
		named, err := decodeMark(contents[0])
		if err != nil {
			return nil, in(entryName(number), err)
		}
		if named == nil || named.Snapshot != name {
			continue
		}
		if sum := sha256.Sum256(contents[1]); hex.EncodeToString(sum[:]) != named.Digest {
			return nil, in(name, &state.DamageError{Problem: "it was altered since it was written"})
		}
		plain, err := b.reveal(contents[1])
		if err != nil {
			return nil, in(name, err)
		}
		document, err := state.Decode(bytes.NewReader(plain))
		if err != nil {
			return nil, in(name, err)
		}
		found.base, found.saved, found.size, found.upTo = number, document.Serial, len(contents[1]), number
		return document, nil
	}
	if len(found.entries) == 0 && len(found.snapshots) > 0 {
		return nil, &state.DamageError{Problem: "there are snapshots and no log, which says what of them counts"}
	}
	return nil, nil
}

// journal reads the records behind what is known already, at least the newest snapshot; nil when there are none.
func (b *Backend) journal(ctx context.Context, from Reader, found *stored) (*state.Journal, error) {
	numbers, err := found.after(found.upTo)
	if err != nil || len(numbers) == 0 {
		return nil, err
	}
	names := make([]string, len(numbers))
	for i, number := range numbers {
		names[i] = entryName(number)
	}
	contents, err := from.Read(ctx, names...)
	if err != nil {
		return nil, err
	}
	var whole *state.Journal
	for i, content := range contents {
		found.journal += len(content)
		if whole, err = b.extend(whole, content); err != nil {
			return nil, in(names[i], err)
		}
	}
	return whole, nil
}

// extend adds the records of an entry to those before.
func (b *Backend) extend(whole *state.Journal, content []byte) (*state.Journal, error) {
	found, err := decodeMark(content)
	switch {
	case err != nil:
		return nil, err
	case found != nil && found.Opened != nil:
		return whole, nil
	case found != nil:
		return nil, &state.DamageError{Problem: "the snapshot that it names, " + found.Snapshot + ", is missing"}
	}
	plain, err := b.reveal(content)
	if err != nil {
		return nil, err
	}
	journal, err := state.DecodeJournal(plain)
	if err != nil {
		return nil, err
	}
	// A file may end in the middle of a line; an entry is whole or not there.
	if journal.Size != int64(len(plain)) {
		return nil, &state.DamageError{Problem: "it ends in the middle"}
	}
	if whole == nil {
		return journal, nil
	}
	if journal.Header.Lineage != whole.Header.Lineage || journal.Header.BaseSerial != whole.Serial() {
		return nil, &state.DamageError{Problem: fmt.Sprintf("it continues serial %d of lineage %s, and serial %d of lineage %s is before it",
			journal.Header.BaseSerial, journal.Header.Lineage, whole.Serial(), whole.Header.Lineage)}
	}
	whole.Records = append(whole.Records, journal.Records...)
	return whole, nil
}

// in says in which part damage was found.
func in(name string, err error) error {
	if damage := new(state.DamageError); errors.As(err, &damage) {
		return &state.DamageError{Problem: name + ": " + damage.Problem}
	}
	return fmt.Errorf("%s: %w", name, err)
}

// isPassing reports whether what a reader without the lock met may be the work of a writer, and gone when it reads again.
func isPassing(err error) bool {
	damage := new(state.DamageError)
	return errors.As(err, &damage) || errors.Is(err, ErrNotExist)
}
