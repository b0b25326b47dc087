package state

// ManifestVersion is the version of the manifest's format.
const ManifestVersion = 1

// Manifest lies beside every copy of an artifact, is written last, and makes it one. It is the same at all destinations.
type Manifest struct {
	FormatVersion int `json:"format_version"`
	// Writer is the version of imsctl that wrote it; Lineage is that of the state it was written from.
	Writer  string `json:"writer"`
	Lineage string `json:"lineage"`
	Description
	// Digest is the SHA-256 of the manifest's own bytes with this value empty.
	Digest string `json:"digest"`
}
