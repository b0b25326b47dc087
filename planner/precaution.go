package planner

import (
	"time"

	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Precaution is the plan to take one artifact of a backup now, whether one is due or not, and to do nothing else.
func Precaution(specification *spec.Spec, document *state.Document, backup *spec.Backup, reason string, now time.Time) *Plan {
	action := &Backup{
		Meta: Meta{
			Address: backup.Address, Backup: backup.Address, Reason: reason, Cause: CauseChange,
			Undo: "nothing is overwritten; retention removes it in its time",
		},
		Source: backup.Source, Destinations: backup.To, MinCopies: backup.MinCopies, Compression: backup.Compression,
	}
	if backup.Encryption != nil {
		action.Recipients = backup.Encryption.Recipients()
	}
	for _, artifact := range document.ByBackup()[backup.Address] {
		// The newest comes last.
		action.Bytes, action.Expect.RawBytes = artifact.Raw.Size, artifact.Raw.Size
	}
	return &Plan{
		CreatedAt: now.UTC(), SpecDigest: specification.Digest, Lineage: document.Lineage, Serial: document.Serial,
		Actions: []Action{action},
	}
}
