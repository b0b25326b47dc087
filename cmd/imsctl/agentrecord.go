package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/castrolanda/imsctl/internal/atomicfile"
	"github.com/castrolanda/imsctl/internal/units"
)

// agentRecord is what an agent remembers of itself.
type agentRecord struct {
	FormatVersion string `json:"format_version"`
	Type          string `json:"type"`
	Host          string `json:"host"`
	PID           int    `json:"pid"`
	// StartedAt is when the agent began, LastAt when its last round did, LastSuccessAt when the last one that went well did, UTC.
	StartedAt     time.Time `json:"started_at"`
	LastAt        time.Time `json:"last_at,omitzero"`
	LastSuccessAt time.Time `json:"last_success_at,omitzero"`
	Rounds        int       `json:"rounds"`
	// Error is why the last round failed, in one line.
	Error string `json:"error,omitzero"`
	// Failures is how many rounds have failed in a row.
	Failures int `json:"failures,omitzero"`
}

// agentFile is where the agent of the specification in a folder records its rounds.
func agentFile(folder string) string { return filepath.Join(folder, ".imsctl", "agent.json") }

// agentFresh fails when no round went well lately.
func (c *cli) agentFresh(file string, limit time.Duration) error {
	record, err := readAgentRecord(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("no agent has ever made a round: there is no %s", file)
	case err != nil:
		return err
	case record.LastSuccessAt.IsZero():
		return fmt.Errorf("no round of the agent ever went well; the last error: %s", record.Error)
	}
	age := c.clock.Now().Sub(record.LastSuccessAt)
	if age > limit {
		text := fmt.Sprintf("the last round that went well was %s ago, and %s is the most", units.Age(age), units.Age(limit))
		if record.Error != "" {
			text += "; the last error: " + record.Error
		}
		return errors.New(text)
	}
	fmt.Fprintf(c.stdout, "The last round that went well was %s ago.\n", units.Age(age))
	return nil
}

func readAgentRecord(file string) (agentRecord, error) {
	var record agentRecord
	data, err := os.ReadFile(file)
	if err != nil {
		return record, fmt.Errorf("reading what the agent recorded: %w", err)
	}
	if err := json.Unmarshal(data, &record); err != nil {
		return record, fmt.Errorf("reading what the agent recorded in %s: %w", file, err)
	}
	return record, nil
}

func writeAgentRecord(file string, record agentRecord) error {
	data, err := json.Marshal(record, jsontext.WithIndent("  "))
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o700)
	}
	if err == nil {
		err = atomicfile.Write(file, append(data, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("recording the round: %w", err)
	}
	return nil
}
