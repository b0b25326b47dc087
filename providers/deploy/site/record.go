package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// Record writes what the host remembers of a release, durably, in place of what it remembered before.
func (s *Site) Record(ctx context.Context, record providers.ReleaseRecord) error {
	if err := checkID(record.ID); err != nil {
		return err
	}
	if err := s.findProject(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.writeJSON(s.remembered(record.ID, "json"), record)
}

// records are all that are remembered, oldest first.
func (s *Site) records() ([]providers.ReleaseRecord, error) {
	list, err := s.host.Files().ReadDir(s.meta("releases"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing what is remembered of releases: %w", err)
	}
	var records []providers.ReleaseRecord
	for _, entry := range list {
		id, ok := strings.CutSuffix(entry.Name, ".json")
		if !ok || !isID(id) {
			continue
		}
		text, err := s.read(s.meta("releases", entry.Name), longestRecord)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		record, err := parseRecord(id, text)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	slices.SortFunc(records, func(a, b providers.ReleaseRecord) int { return strings.Compare(a.ID, b.ID) })
	return records, nil
}

// parseRecord reads what is remembered of a release.
func parseRecord(id string, text []byte) (providers.ReleaseRecord, error) {
	var record providers.ReleaseRecord
	if err := json.Unmarshal(text, &record); err != nil {
		return record, fmt.Errorf("what is remembered of release %s is damaged: %w", id, err)
	}
	if record.ID != id {
		return record, fmt.Errorf("what is remembered of release %s is that of %q", id, record.ID)
	}
	return record, nil
}
