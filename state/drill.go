package state

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Drill is a restore that was made to prove a backup, and what came of it.
type Drill struct {
	// ID is unique in the state: that of the intent it was begun with.
	ID string `json:"id"`
	// Address is the drill block's, Backup that of what was restored.
	Address string `json:"address"`
	Backup  string `json:"backup"`
	// Artifact is what was restored, Destination where it was read from, Into what it was restored to ("postgres", "redis", "files").
	Artifact    string `json:"artifact"`
	Destination string `json:"destination"`
	Into        string `json:"into"`
	// StartedAt and EndedAt bound the drill as a whole, UTC.
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	// RecoverySeconds is the measured recovery time: from the first byte that was asked for until everything was restored,
	// without the comparison; 0 when the restore did not end.
	RecoverySeconds float64 `json:"recovery_seconds,omitzero"`
	Outcome         Outcome `json:"outcome"`
	// Tables, Rows and Keys are how many were compared with the counts in the manifest, Files how many files, folders and links with the archive, by hash,
	// Assertions how many queries were answered.
	Tables     int   `json:"tables,omitzero"`
	Rows       int64 `json:"rows,omitzero"`
	Keys       int64 `json:"keys,omitzero"`
	Files      int   `json:"files,omitzero"`
	Assertions int   `json:"assertions,omitzero"`
	// Differences are what is not as it should be, a line each, at most MaxDifferences of them.
	Differences []string `json:"differences,omitempty"`
	// Error is why it failed, without secrets; Warnings are worth a look all the same.
	Error    string         `json:"error,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
	Unknown  jsontext.Value `json:",embed"`
}

// MaxDifferences is how many differences of a drill are recorded.
const MaxDifferences = 20

// KeptDrills is how many drills are kept of each drill block. The last one that passed is kept beside them.
const KeptDrills = 20

// Passed reports whether the drill proved the backup.
func (d *Drill) Passed() bool { return d.Outcome == Done }

// check says what contradicts the promises of the drill.
func (d *Drill) check() error {
	switch {
	case d.ID == "" || d.Address == "":
		return errors.New("a drill has no id or no address")
	case d.Outcome != Done && d.Outcome != Failed:
		return fmt.Errorf("the drill %s has the outcome %q, which is neither %q nor %q", d.ID, d.Outcome, Done, Failed)
	}
	return nil
}

// DrillsOf returns the drills of a block, oldest first.
func (d *Document) DrillsOf(address string) []*Drill { return attemptsOf(d.Drills, address) }

func (d *Drill) block() string { return d.Address }
func (d *Drill) key() string   { return d.ID }
func (d *Drill) good() bool    { return d.Passed() }
func (d *Drill) over() bool    { return true }

// Of returns the drill as one of another backup.
func (d *Drill) Of(backup string) *Drill {
	after := *d
	after.Backup = backup
	return &after
}
