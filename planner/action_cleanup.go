package planner

import (
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// KindCleanup is the kind of Cleanup.
const KindCleanup Kind = "cleanup"

// CleanupStep is what a Cleanup does.
type CleanupStep string

// StepRemove: what is there is removed. StepTrash: it is moved to a trash. StepPurge: a trash whose time is over is removed.
// StepRecord: a trash that the state does not know, or one that it knows and that is gone, is recorded.
const (
	StepRemove CleanupStep = "remove"
	StepTrash  CleanupStep = "trash"
	StepPurge  CleanupStep = "purge"
	StepRecord CleanupStep = "record"
)

// Cleanup removes what should be gone, or a trash that such a thing was moved to.
type Cleanup struct {
	Meta
	// Block is the address of the cleanup block.
	Block string      `json:"block"`
	Step  CleanupStep `json:"step"`
	// Items are what goes, Facts what was looked at, Fingerprint identifies both.
	Items       []providers.CleanupItem `json:"items,omitempty"`
	Facts       []string                `json:"facts,omitempty"`
	Fingerprint string                  `json:"fingerprint,omitzero"`
	// Behind is the backup that must stand behind it, with verified copies in MinCopies destinations; empty where none has to.
	// Artifact is the one that does, Destinations where its copies are.
	Behind       string   `json:"behind,omitzero"`
	MinCopies    int      `json:"min_copies,omitzero"`
	Artifact     string   `json:"artifact,omitzero"`
	Destinations []string `json:"destinations,omitempty"`
	// Trash is the trash that is removed or recorded, MovedAt when it was filled. Gone is set where it is not there any more, Back
	// where what was in it is in its old place.
	Trash   string    `json:"trash,omitzero"`
	MovedAt time.Time `json:"moved_at,omitzero"`
	Gone    bool      `json:"gone,omitzero"`
	Back    bool      `json:"back,omitzero"`
}

// Kind implements Action.
func (*Cleanup) Kind() Kind { return KindCleanup }

// Files is how many files the items have.
func (a *Cleanup) Files() int64 {
	total := int64(0)
	for _, item := range a.Items {
		total += item.Files
	}
	return total
}
