package planner

import (
	"fmt"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// jsonCleanup is what should be gone, or a trash.
type jsonCleanup struct {
	Step         CleanupStep             `json:"step"`
	Items        []providers.CleanupItem `json:"items,omitempty"`
	Facts        []string                `json:"facts,omitempty"`
	Backup       string                  `json:"requires_backup,omitzero"`
	MinCopies    int                     `json:"min_copies,omitzero"`
	Artifact     string                  `json:"artifact,omitzero"`
	Destinations []string                `json:"destinations,omitempty"`
	Trash        string                  `json:"trash,omitzero"`
	Gone         bool                    `json:"gone,omitzero"`
	Back         bool                    `json:"back,omitzero"`
}

// cleanupEffect is what a cleanup does: all that is there before it is gone after.
func cleanupEffect(action *Cleanup) (before, after any, err error) {
	return jsonCleanup{
		Step: action.Step, Items: action.Items, Facts: action.Facts, Backup: action.Behind, MinCopies: action.MinCopies,
		Artifact: action.Artifact, Destinations: action.Destinations, Trash: action.Trash, Gone: action.Gone, Back: action.Back,
	}, nil, nil
}

// shownItems is how many items of a cleanup are printed, unless all are asked for.
const shownItems = 12

// factsOf are the lines that say of a cleanup what goes, where it is more than one thing, and what was looked at.
func factsOf(action Action, all bool) []string {
	cleanup, ok := action.(*Cleanup)
	if !ok {
		return nil
	}
	var lines []string
	if items := cleanup.Items; len(items) > 1 {
		shown := len(items)
		if !all {
			shown = min(shown, shownItems)
		}
		for _, item := range items[:shown] {
			lines = append(lines, describeItem(item))
		}
		if more := len(items) - shown; more > 0 {
			lines = append(lines, fmt.Sprintf("and %d more", more))
		}
	}
	return append(lines, cleanup.Facts...)
}

// describeItem is an item for people: "image web:12, 120 MiB, made 12d ago".
func describeItem(item providers.CleanupItem) string {
	text := item.Name
	if item.Bytes > 0 {
		text += ", " + units.Bytes(item.Bytes)
	}
	if item.Files > 0 {
		text += ", " + units.Counted(item.Files, "file", "files")
	}
	if item.Detail != "" {
		text += ", " + item.Detail
	}
	return text
}
