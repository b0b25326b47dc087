package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/castrolanda/imsctl/state"
)

// writeStateCommand makes this program write a state and end: bench write-state FILE BACKUPS TIME.
const writeStateCommand = "write-state"

// writeStateProcess writes a state with so many backups, the newest artifacts of which are from the given time.
func writeStateProcess(arguments []string) error {
	backups, err := strconv.Atoi(arguments[1])
	if err != nil {
		return err
	}
	newest, err := time.Parse(time.RFC3339, arguments[2])
	if err != nil {
		return err
	}
	document := &state.Document{
		Version: state.Version, Lineage: "bench", Serial: uint64(backups), Writer: "bench",
		Artifacts: make([]*state.Artifact, 0, backups*artifactsPerBackup),
	}
	for i := range backups {
		last := newest
		if i%dueEvery == 0 {
			last = newest.Add(-48 * time.Hour)
		}
		for age := artifactsPerBackup - 1; age >= 0; age-- {
			document.Artifacts = append(document.Artifacts, artifact(backupName(i), last.Add(-time.Duration(age)*24*time.Hour)))
		}
	}
	data, err := state.Encode(document)
	if err != nil {
		return fmt.Errorf("encoding the state: %w", err)
	}
	return os.WriteFile(arguments[0], data, 0o600)
}

// artifact is one that lies verified at both destinations.
func artifact(backup string, started time.Time) *state.Artifact {
	digest := sha256.Sum256([]byte(backup + started.String()))
	sum := hex.EncodeToString(digest[:])
	id := backup + "-" + started.Format("20060102T150405Z") + "-" + sum[:6]
	key := backup + "/" + id + ".txt.gz"
	made := &state.Artifact{
		Description: state.Description{
			ID: id, Backup: "backup." + backup, Source: "source.command." + backup, SourceType: "command",
			StartedAt: started, EndedAt: started.Add(time.Minute),
			Raw:    state.Sums{Size: 1 << 30, SHA256: sum},
			Stored: state.Sums{Size: 1 << 28, SHA256: sum, CRC32C: sum[:8], MD5: sum[:32]},
			Method: "gzip", Level: 1, Extension: ".txt.gz", Key: key,
		},
		ManifestSize: 1000, ManifestSHA256: sum,
	}
	for _, destination := range []string{"destination.local.a", "destination.local.b"} {
		made.Replicas = append(made.Replicas, state.Replica{
			Destination: destination, Version: sum[:16], ManifestVersion: sum[16:32], Condition: state.Verified,
			StoredAt: started.Add(time.Minute), VerifiedAt: started.Add(time.Minute),
		})
	}
	return made
}
