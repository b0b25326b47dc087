package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/state"
)

// storedSize is how large every artifact is said to be, and manifestSize its manifest.
const (
	storedSize   = 1 << 28
	manifestSize = 1000
)

// Document is the state of the fleet: every database has its artifacts, a day apart, each verified at its destinations.
func (f Fleet) Document() *state.Document {
	document := &state.Document{
		Version: state.Version, Lineage: "00000000-0000-4000-8000-000000000001", Serial: 1, Writer: "bench",
		Artifacts: make([]*state.Artifact, 0, f.Databases*f.Artifacts),
	}
	for i := range f.Databases {
		newest := f.Now.Add(-time.Hour - time.Duration(i)*time.Second)
		if i%DueEvery == 0 {
			newest = newest.Add(-24 * time.Hour)
		}
		for age := f.Artifacts - 1; age >= 0; age-- {
			document.Artifacts = append(document.Artifacts, artifact(i, newest.Add(-time.Duration(age)*24*time.Hour).UTC().Truncate(time.Second)))
		}
	}
	return document
}

// artifact is one of a database.
func artifact(database int, started time.Time) *state.Artifact {
	address, folder := backupName(database)
	digest := sha256.Sum256([]byte(address + started.String()))
	sum := hex.EncodeToString(digest[:])
	id := databaseName(database) + "-" + started.Format("20060102T150405Z") + "-" + sum[:6]
	made := &state.Artifact{
		Description: state.Description{
			ID: id, Backup: address, Source: fmt.Sprintf("source.postgres.db[%q]", databaseName(database)), SourceType: "postgres",
			StartedAt: started, EndedAt: started.Add(time.Minute),
			Raw:    state.Sums{Size: 4 * storedSize, SHA256: sum},
			Stored: state.Sums{Size: storedSize, SHA256: sum, CRC32C: sum[:8], MD5: sum[:32]},
			Method: "gzip", Level: 6, Extension: ".sql.gz", Key: folder + "/" + id + ".sql.gz",
		},
		ManifestSize: manifestSize, ManifestSHA256: sum,
	}
	for _, destination := range storesOf(database) {
		made.Replicas = append(made.Replicas, state.Replica{
			Destination: destination, Version: sum[:16], ManifestVersion: sum[16:32], Condition: state.Verified,
			StoredAt: started.Add(time.Minute), VerifiedAt: started.Add(time.Minute),
		})
	}
	return made
}

// storesOf are the destinations of a database, in the order in which replicas are kept.
func storesOf(database int) []string {
	if database%2 == 0 {
		return []string{stores[1], stores[0]}
	}
	return []string{stores[1], stores[2], stores[0]}
}
