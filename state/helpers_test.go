package state_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/state"
)

var epoch = time.Date(2026, 1, 1, 2, 0, 0, 123e6, time.UTC)

// sampleSum is a checksum that looks real.
func sampleSum(parts ...any) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(fmt.Sprint(parts...))))
}

// sampleArtifact is the i-th artifact of a backup, with a copy at each destination.
func sampleArtifact(backup string, i int, destinations ...string) *state.Artifact {
	began := epoch.Add(time.Duration(i) * time.Minute)
	id := fmt.Sprintf("%s-%s-%06x", backup, began.Format("20060102T150405Z"), i)
	artifact := &state.Artifact{
		Description: state.Description{
			ID: id, Backup: "backup." + backup, Source: "source.postgres.ims", SourceType: "postgres",
			StartedAt: began, EndedAt: began.Add(9 * time.Second),
			Raw:    state.Sums{Size: 529530880, SHA256: sampleSum("raw", id)},
			Stored: state.Sums{Size: 148121600, SHA256: sampleSum("stored", id), CRC32C: sampleSum(id)[:8], MD5: sampleSum(id)[:32]},
			Method: "zstd", Level: 3, Extension: ".sql.zst", Key: backup + "/" + id + ".sql.zst",
			Versions:  map[string]string{"pg_dump": "16.4", "server": "16.4"},
			RowCounts: map[string]int64{"public.item": int64(i), "public.stock": int64(3 * i)},
			KeyCounts: &state.KeyCounts{
				Databases: map[string]state.KeyCount{"0": {Keys: int64(i) + 1, Expiring: 1}},
				Patterns:  map[string]state.KeyCount{"ml:*": {Keys: 1}},
			},
			Needs:     &state.Needs{Extensions: []string{"citext"}, Owners: []string{"ims"}, Grantees: []string{"report"}, Roles: []string{"clerk"}},
			Container: &state.Container{Name: "ims_redis", ID: sampleSum("container", id), Image: "redis:7", ImageID: "sha256:" + sampleSum("image", id), Health: "healthy"},
			Position:  "after this",
		},
		ManifestSize: 1210, ManifestSHA256: sampleSum("manifest", id),
	}
	for _, destination := range destinations {
		artifact.Replicas = append(artifact.Replicas, sampleReplica(destination, i))
	}
	return artifact
}

func sampleReplica(destination string, i int) state.Replica {
	at := epoch.Add(time.Duration(i)*time.Minute + 10*time.Second)
	return state.Replica{
		Destination: destination, Version: sampleSum(destination, i)[:16], ManifestVersion: sampleSum("m", destination, i)[:16],
		Condition: state.Verified, StoredAt: at, VerifiedAt: at.Add(time.Second),
	}
}

// sampleDocument has n artifacts with two copies each, and one open intent.
func sampleDocument(n int) *state.Document {
	document := &state.Document{Version: state.Version, Lineage: "1d2c3b4a-0000-4000-8000-000000000000", Serial: 41, Writer: "0.1.0"}
	for i := range n {
		document.Artifacts = append(document.Artifacts, sampleArtifact("database", i, "destination.gcs.primary", "destination.local.vm"))
	}
	document.Intents = []*state.Intent{sampleIntent("run/backup.database")}
	return document
}

func sampleIntent(id string) *state.Intent {
	return &state.Intent{
		ID: id, Run: "run", Address: "backup.database", Kind: "backup", BeganAt: epoch, Backup: "backup.database",
		Artifact: "database-x", Key: "database/database-x.sql.zst", Destinations: []string{"destination.local.vm"},
	}
}

func encode(t testing.TB, document *state.Document) []byte {
	t.Helper()
	data, err := state.Encode(document)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decode(t testing.TB, data []byte) *state.Document {
	t.Helper()
	document, err := state.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// redigest gives altered bytes of a snapshot a digest that fits.
func redigest(data []byte) []byte {
	const tail = 64 + len("\"}\n")
	body := data[:len(data)-tail]
	sum := sha256.Sum256(append(bytes.Clone(body), "\"}\n"...))
	return fmt.Appendf(bytes.Clone(body), "%x\"}\n", sum)
}
