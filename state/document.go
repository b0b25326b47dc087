// Package state is imsctl's memory: which artifacts exist, where their copies are, what was proven of them, and what is
// being done right now. The document is a snapshot plus a journal of what happened since; backends keep both.
//
// State holds no secret and nothing that cannot be rebuilt from the manifests at the destinations.
package state

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Version is the version of the document's format that this program writes. It reads this one and older ones, and
// refuses newer ones.
const Version = 1

// Document is the whole state.
type Document struct {
	Version int `json:"version"`
	// Lineage identifies this history of states; it is chosen at random when the first one is written.
	Lineage string `json:"lineage"`
	// Serial grows by one with every change.
	Serial uint64 `json:"serial"`
	// Writer is the version of imsctl that wrote the snapshot.
	Writer string `json:"writer"`
	// Artifacts are ordered by backup, then by start, then by id.
	Artifacts []*Artifact `json:"artifacts"`
	// Drills are the restores that were made as a proof, oldest first; of each drill block the last ones.
	Drills []*Drill `json:"drills,omitempty"`
	// Releases are the deploys, oldest first; of each deploy block the last ones.
	Releases []*Release `json:"releases,omitempty"`
	// Checks are the results of checks in the order in which they were recorded; of each check the last ones, thinned out.
	Checks []*CheckResult `json:"checks,omitempty"`
	// Cleanups are what was cleaned up, oldest first; of each cleanup block the last ones.
	Cleanups []*Cleanup `json:"cleanups,omitempty"`
	// Setbacks are what the last runs could not do, ordered by address.
	Setbacks []*Setback `json:"setbacks,omitempty"`
	// Intents are the actions that were begun and whose end is not known, oldest first.
	Intents []*Intent `json:"intents,omitempty"`
	// Unknown holds the fields that this version does not know, so that writing does not lose them.
	Unknown jsontext.Value `json:",embed"`
}

// Description is what an artifact is, wherever its copies lie. It is the body of a manifest and part of the state.
type Description struct {
	// ID is unique for ever and sorts by time within one backup: "database-20261122T020000Z-3f9a1c".
	ID string `json:"id"`
	// Backup and Source are the addresses it was made for; SourceType is the provider that can restore it.
	Backup     string `json:"backup"`
	Source     string `json:"source"`
	SourceType string `json:"source_type"`
	// StartedAt and EndedAt bound the reading of the source, UTC.
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	// Raw is the stream as the source gave it, Stored as it lies at the destinations.
	Raw    Sums `json:"raw"`
	Stored Sums `json:"stored"`
	// Method and Level are the compression's; Extension is the file's whole one (".sql.zst").
	Method    string `json:"method"`
	Level     int    `json:"level"`
	Extension string `json:"extension"`
	// Compression is the address of the profile, Choice why the method was chosen, where it was: one sentence without a full stop.
	Compression string `json:"compression,omitempty"`
	Choice      string `json:"choice,omitempty"`
	// SourceSeconds is how long the source needed for Raw, without waiting for what came after it; 0 when it was not measured.
	SourceSeconds float64 `json:"source_seconds,omitzero"`
	// Key is where the bytes lie at every destination; ManifestKey(Key) is where the manifest does.
	Key string `json:"key"`
	// Encryption says how it was encrypted after the compression; nil when it was not.
	Encryption *Encryption `json:"encryption,omitempty"`
	// Versions of the programs that took part.
	Versions map[string]string `json:"versions,omitempty"`
	// RowCounts per table, exact for the snapshot that was dumped.
	RowCounts map[string]int64 `json:"row_counts,omitempty"`
	// KeyCounts of a store of keys, exact for the snapshot that was read; nil where there are none to count.
	KeyCounts *KeyCounts `json:"key_counts,omitempty"`
	// Needs are what a server must have so that this can be restored there; nil where nothing is known of that.
	Needs *Needs `json:"needs,omitempty"`
	// Container is the one that was read; nil where none was.
	Container *Container `json:"container,omitempty"`
	// Position is where the reading ended, in the source's own words, for the next one to go on there; empty where each is of
	// the whole.
	Position string `json:"position,omitempty"`
	// What is what was read, on which host and without what, in words without secrets; empty for sources that do not tell.
	What     string   `json:"what,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// Needs are what a dump takes for granted of a server.
type Needs struct {
	// Extensions are those that it makes.
	Extensions []string `json:"extensions,omitempty"`
	// Owners are the roles that things belong to, Grantees those that privileges are about, Roles all others that it names.
	Owners   []string `json:"owners,omitempty"`
	Grantees []string `json:"grantees,omitempty"`
	Roles    []string `json:"roles,omitempty"`
}

// KeyCounts are how many keys a store had.
type KeyCounts struct {
	// Databases are by number ("0"), Patterns by the pattern that keys matched ("ml:*") in whatever database.
	Databases map[string]KeyCount `json:"databases"`
	Patterns  map[string]KeyCount `json:"patterns"`
}

// KeyCount is a number of keys, and how many of them expire.
type KeyCount struct {
	Keys     int64 `json:"keys"`
	Expiring int64 `json:"expiring"`
}

// check says what cannot be right in counts.
func (k *KeyCounts) check() error {
	if k == nil {
		return nil
	}
	for _, counts := range []map[string]KeyCount{k.Databases, k.Patterns} {
		for name, count := range counts {
			if count.Keys < 0 || count.Expiring < 0 || count.Expiring > count.Keys {
				return fmt.Errorf("%s has %d keys, %d of which expire", name, count.Keys, count.Expiring)
			}
		}
	}
	return nil
}

// Encryption is how an artifact was encrypted, and for whom.
type Encryption struct {
	// Format is "age".
	Format string `json:"format"`
	// Recipients are the public keys of those who can read it, with their comments.
	Recipients []string `json:"recipients"`
}

// Sums are the length and the checksums of a stream, in lower-case hexadecimal. CRC32C and MD5 are kept for stored
// streams only, because that is what stores compare with.
type Sums struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	CRC32C string `json:"crc32c,omitempty"`
	MD5    string `json:"md5,omitempty"`
}

// Confirms reports whether a store's CRC-32C is the recorded one; false where either is not known.
func (s Sums) Confirms(crc32c *uint32) bool {
	return crc32c != nil && s.CRC32C != "" && s.CRC32C == fmt.Sprintf("%08x", *crc32c)
}

// Refutes reports whether a store's CRC-32C is not the recorded one; false where either is not known.
func (s Sums) Refutes(crc32c *uint32) bool {
	return crc32c != nil && s.CRC32C != "" && !s.Confirms(crc32c)
}

// Artifact is one backup that was taken: its description and its copies.
type Artifact struct {
	Description
	// ManifestSize and ManifestSHA256 are those of the manifest's bytes, equal at all destinations.
	ManifestSize   int64  `json:"manifest_size"`
	ManifestSHA256 string `json:"manifest_sha256"`
	// Survey is what the run that made it found out for later ones; nil when it did not. It is in no manifest.
	Survey *Survey `json:"survey,omitempty"`
	// Replicas are ordered by destination, at most one each.
	Replicas []Replica      `json:"replicas"`
	Unknown  jsontext.Value `json:",embed"`
}

// Condition is what is known of a replica.
type Condition string

// A replica is Verified when it was proven equal to its description, at the commit or since; Altered when it was found
// different. It is Unproven when it was found beside its manifest with the right size, and nobody has read it yet.
const (
	Verified Condition = "verified"
	Altered  Condition = "altered"
	Unproven Condition = "unproven"
)

// Replica is one copy of an artifact: its bytes and its manifest at a destination.
type Replica struct {
	// Destination is its address: "destination.local.vm".
	Destination string `json:"destination"`
	// Version and ManifestVersion are the store's own versions of the two objects.
	Version         string    `json:"version"`
	ManifestVersion string    `json:"manifest_version"`
	Condition       Condition `json:"condition"`
	// Problem says what was found, when Condition is Altered.
	Problem string `json:"problem,omitempty"`
	// StoredAt is when this version was committed, or first seen; VerifiedAt when it was last proven, UTC; the latter
	// is zero for a copy that is unproven.
	StoredAt   time.Time `json:"stored_at"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
	// ReadBackAt is when it was last read back, every byte, and ComparedAt when the store's own checksum was last found to be
	// the recorded one; zero when never.
	ReadBackAt time.Time `json:"read_back_at,omitzero"`
	ComparedAt time.Time `json:"compared_at,omitzero"`
	// KeptBy is the rule of the store by which it keeps the copy although retention would delete it. KeptUntil is set where
	// the store said so only when asked to delete it: it is not asked again before.
	KeptBy    string    `json:"kept_by,omitzero"`
	KeptUntil time.Time `json:"kept_until,omitzero"`
	// UploadSeconds is how long the destination needed to take and commit the bytes when they were first stored; 0 when that
	// was not measured.
	UploadSeconds float64        `json:"upload_seconds,omitzero"`
	Unknown       jsontext.Value `json:",embed"`
}

// ManifestKey is the key of the manifest that belongs to the artifact stored under key.
func ManifestKey(key string) string { return key + ManifestSuffix }

// ManifestSuffix is what the keys of manifests end with.
const ManifestSuffix = ".manifest.json"

// Replica returns the copy at a destination.
func (a *Artifact) Replica(destination string) (Replica, bool) {
	for _, replica := range a.Replicas {
		if replica.Destination == destination {
			return replica, true
		}
	}
	return Replica{}, false
}

// VerifiedAt lists the destinations that hold a verified copy, in order.
func (a *Artifact) VerifiedAt() []string {
	var destinations []string
	for _, replica := range a.Replicas {
		if replica.Condition == Verified {
			destinations = append(destinations, replica.Destination)
		}
	}
	return destinations
}

// Restorable lists the destinations that hold a copy which nothing speaks against, in order, those that are verified first.
func (a *Artifact) Restorable() []string {
	destinations := a.VerifiedAt()
	for _, replica := range a.Replicas {
		if replica.Condition == Unproven {
			destinations = append(destinations, replica.Destination)
		}
	}
	return destinations
}

// Find returns the artifact with that id, or nil.
func (d *Document) Find(id string) *Artifact {
	for _, artifact := range d.Artifacts {
		if artifact.ID == id {
			return artifact
		}
	}
	return nil
}

// ByBackup groups the artifacts by the address of their backup, oldest first in each group.
func (d *Document) ByBackup() map[string][]*Artifact {
	groups := make(map[string][]*Artifact)
	for _, artifact := range d.Artifacts {
		groups[artifact.Backup] = append(groups[artifact.Backup], artifact)
	}
	return groups
}

// compareArtifacts is the order of Document.Artifacts.
func compareArtifacts(a, b *Artifact) int {
	if c := strings.Compare(a.Backup, b.Backup); c != 0 {
		return c
	}
	if c := a.StartedAt.Compare(b.StartedAt); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// sort restores the order that the document promises.
func (d *Document) sort() {
	if !slices.IsSortedFunc(d.Artifacts, compareArtifacts) {
		slices.SortFunc(d.Artifacts, compareArtifacts)
	}
}
