package executor

import (
	"fmt"
	"slices"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// continued is a source as it goes on where the last artifact of the backup ended that can still be restored. What a lost
// artifact had is read again, and what a run that failed half way had too, since it left no artifact. An artifact of another
// source tells nothing about this one.
func (r *run) continued(action *planner.Backup, source providers.Source) (providers.Source, error) {
	continuing, ok := source.(providers.Continuing)
	if !ok {
		return source, nil
	}
	for _, artifact := range slices.Backward(r.Session.Document().ByBackup()[action.Backup]) {
		if artifact.Source != action.Source || artifact.Position == "" || len(artifact.Restorable()) == 0 {
			continue
		}
		after, err := continuing.After(artifact.Position)
		if err != nil {
			return nil, fmt.Errorf("going on where %s ended: %w", artifact.ID, err)
		}
		return after, nil
	}
	return source, nil
}

// containerOf is what is recorded of the container that was read.
func containerOf(read *providers.Container) *state.Container {
	if read == nil {
		return nil
	}
	return &state.Container{Name: read.Name, ID: read.ID, Image: read.Image, ImageID: read.ImageID, Health: read.Health}
}
