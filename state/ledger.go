package state

import (
	"errors"
	"fmt"
	"slices"
)

// Record is one entry of a journal: the beginning of an intent, or its end. Exactly one of them is set.
type Record struct {
	// Serial is the document's serial after this record.
	Serial uint64  `json:"serial"`
	Begin  *Intent `json:"begin,omitempty"`
	End    *Ending `json:"end,omitempty"`
}

// Ending is the end of an intent.
type Ending struct {
	// Intent is the id of the intent.
	Intent string `json:"intent"`
	Result Result `json:"result"`
}

// Ledger is a document that records are applied to, with an index of its artifacts. It is not safe for concurrent use.
type Ledger struct {
	document Document
	index    map[string]*Artifact
}

// NewLedger starts from a document, whose artifacts must be in order. It keeps a copy.
func NewLedger(document *Document) *Ledger {
	ledger := &Ledger{document: document.clone(), index: make(map[string]*Artifact, len(document.Artifacts))}
	for _, artifact := range document.Artifacts {
		ledger.index[artifact.ID] = artifact
	}
	return ledger
}

// clone copies the document but for its artifacts, records and intents, which nobody alters.
func (d *Document) clone() Document {
	clone := *d
	clone.Artifacts, clone.Intents = slices.Clone(d.Artifacts), slices.Clone(d.Intents)
	clone.Drills, clone.Releases, clone.Checks = slices.Clone(d.Drills), slices.Clone(d.Releases), slices.Clone(d.Checks)
	clone.Cleanups, clone.Setbacks = slices.Clone(d.Cleanups), slices.Clone(d.Setbacks)
	return clone
}

// Document returns the document as of now. Later records do not touch it; what its pointers lead to is shared with the
// ledger and must not be altered.
func (l *Ledger) Document() *Document {
	document := l.document.clone()
	return &document
}

// Lineage is the document's lineage.
func (l *Ledger) Lineage() string { return l.document.Lineage }

// Serial is the document's serial as of now.
func (l *Ledger) Serial() uint64 { return l.document.Serial }

// Apply makes all changes of one record. On an error nothing has changed.
func (l *Ledger) Apply(record Record) error {
	if record.Serial != l.document.Serial+1 {
		return fmt.Errorf("serial %d does not follow serial %d", record.Serial, l.document.Serial)
	}
	var err error
	switch {
	case record.Begin != nil && record.End == nil:
		err = l.begin(record.Begin)
	case record.End != nil && record.Begin == nil:
		err = l.end(record.End)
	default:
		err = errors.New("a record must be either a beginning or an end")
	}
	if err != nil {
		return err
	}
	l.document.Serial = record.Serial
	return nil
}

// begin opens an intent.
func (l *Ledger) begin(intent *Intent) error {
	if intent.ID == "" {
		return errors.New("an intent must have an id")
	}
	if l.find(intent.ID) >= 0 {
		return fmt.Errorf("intent %q is begun already", intent.ID)
	}
	l.document.Intents = append(l.document.Intents, intent)
	return nil
}

// end closes an intent and applies the events of its result.
func (l *Ledger) end(ending *Ending) error {
	i := l.find(ending.Intent)
	if i < 0 {
		return fmt.Errorf("intent %q is not open", ending.Intent)
	}
	switch ending.Result.Outcome {
	case Done, Failed, Abandoned:
	default:
		return fmt.Errorf("intent %q: %q is no outcome", ending.Intent, ending.Result.Outcome)
	}
	var records, events []Event
	for i, event := range ending.Result.Events {
		if !event.isRecord() {
			events = append(events, event)
		} else if err := event.checkRecord(); err != nil {
			return fmt.Errorf("intent %q: event %d: %w", ending.Intent, i+1, err)
		} else {
			records = append(records, event)
		}
	}
	staged, order, err := l.stage(events)
	if err != nil {
		return fmt.Errorf("intent %q: %w", ending.Intent, err)
	}
	for _, id := range order {
		l.replace(id, staged[id])
	}
	for _, event := range records {
		l.document.put(event)
	}
	l.document.Intents = slices.Delete(l.document.Intents, i, i+1)
	return nil
}

// stage returns the artifacts that events change as they are after all of them, nil for the removed ones, and the order
// in which they were first touched.
func (l *Ledger) stage(events []Event) (staged map[string]*Artifact, order []string, err error) {
	staged = make(map[string]*Artifact, len(events))
	find := func(id string) *Artifact {
		if artifact, touched := staged[id]; touched {
			return artifact
		}
		return l.index[id]
	}
	for i, event := range events {
		id, after, err := event.resolve(find)
		if err != nil {
			return nil, nil, fmt.Errorf("event %d: %w", i+1, err)
		}
		if _, touched := staged[id]; !touched {
			order = append(order, id)
		}
		staged[id] = after
	}
	return staged, order, nil
}

// replace puts an artifact, or nil, in the place of the one with that id.
func (l *Ledger) replace(id string, after *Artifact) {
	l.document.Artifacts = place(l.document.Artifacts, l.index[id], after)
	if after == nil {
		delete(l.index, id)
	} else {
		l.index[id] = after
	}
}

// find returns the index of an open intent, or -1. Few are open at a time.
func (l *Ledger) find(intent string) int {
	return slices.IndexFunc(l.document.Intents, func(open *Intent) bool { return open.ID == intent })
}
