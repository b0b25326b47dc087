package state

// Replay combines a snapshot with the journal that was kept since an older, or the same, snapshot. Either may be nil when
// it does not exist. Records that the snapshot contains already are left out. The result is the empty document when there
// is neither. What does not fit together is a *DamageError.
func Replay(snapshot *Document, journal *Journal) (*Ledger, error) {
	if snapshot == nil {
		snapshot = &Document{Version: Version}
		if journal != nil {
			snapshot.Lineage = journal.Header.Lineage
		}
	}
	ledger := NewLedger(snapshot)
	if journal == nil {
		return ledger, nil
	}
	header := journal.Header
	if header.Lineage != snapshot.Lineage {
		return nil, damage("the journal belongs to another state (lineage %s, that of the snapshot is %s)", header.Lineage, snapshot.Lineage)
	}
	if header.BaseSerial > snapshot.Serial {
		if snapshot.Serial == 0 {
			return nil, damage("the snapshot is missing: the journal continues serial %d", header.BaseSerial)
		}
		return nil, damage("the snapshot is older than its journal: it has serial %d, and the journal continues serial %d",
			snapshot.Serial, header.BaseSerial)
	}
	for _, record := range journal.Records {
		if record.Serial <= snapshot.Serial {
			continue
		}
		if err := ledger.Apply(record); err != nil {
			return nil, damage("serial %d of the journal does not fit: %v", record.Serial, err)
		}
	}
	return ledger, nil
}
