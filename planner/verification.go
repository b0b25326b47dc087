package planner

import (
	"time"

	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Selection narrows what a verification reads. Empty fields select everything.
type Selection struct {
	Artifact, Backup, Destination string
	// Checksums compares what the stores say of the bytes and reads nothing but the manifests.
	Checksums bool
}

// Verification is the plan to read back every recorded copy at the specification's destinations that is selected, or to compare
// its checksum, whatever was proven of it before.
func Verification(spec *spec.Spec, document *state.Document, selection Selection, now time.Time) *Plan {
	declared := make(map[string]bool, len(spec.Destinations))
	for _, destination := range spec.Destinations {
		declared[destination.Address] = true
	}
	plan := &Plan{
		CreatedAt: now.UTC(), SpecDigest: spec.Digest, Lineage: document.Lineage, Serial: document.Serial,
	}
	for _, artifact := range document.Artifacts {
		if selection.Artifact != "" && artifact.ID != selection.Artifact || selection.Backup != "" && artifact.Backup != selection.Backup {
			continue
		}
		for _, replica := range artifact.Replicas {
			if !declared[replica.Destination] || selection.Destination != "" && replica.Destination != selection.Destination {
				continue
			}
			action := &Verify{
				Meta: Meta{
					Address: artifact.Backup + "@" + replica.Destination + "#" + artifact.ID, Backup: artifact.Backup,
					Reason: "asked for", Cause: CauseTime, Bytes: artifact.Stored.Size,
				},
				Artifact: artifact.ID, Destination: replica.Destination, Checksum: selection.Checksums,
			}
			if selection.Checksums {
				action.Bytes = 0
			}
			plan.Actions = append(plan.Actions, action)
		}
	}
	return plan
}
