package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxManifestSize is how long a manifest may be, in bytes. A longer one is refused before it is looked at.
const MaxManifestSize = 64 << 20

// EncodeManifest returns the bytes of a manifest, with its digest. It refuses what DecodeManifest would refuse, and leaves
// its argument as it is.
func EncodeManifest(manifest *Manifest) ([]byte, error) {
	undigested := *manifest
	undigested.FormatVersion, undigested.Digest = ManifestVersion, ""
	if err := undigested.check(); err != nil {
		return nil, fmt.Errorf("the manifest of artifact %q is not complete: %w", manifest.ID, err)
	}
	data, err := json.Marshal(&undigested, marshalOptions(), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("encoding the manifest of artifact %q: %w", manifest.ID, err)
	}
	data = append(data, '\n')
	end, found := digestEnd(data)
	if !found {
		return nil, fmt.Errorf("encoding the manifest of artifact %q: no place for the digest", manifest.ID)
	}
	sum := sha256.Sum256(data)
	data = bytes.Join([][]byte{data[:end-1], hex.AppendEncode(nil, sum[:]), data[end-1:]}, nil)
	if len(data) > MaxManifestSize {
		return nil, fmt.Errorf("the manifest of artifact %q has %d bytes, more than %d", manifest.ID, len(data), MaxManifestSize)
	}
	return data, nil
}

// DecodeManifest reads a manifest and checks all of it: one that was cut or altered is a *DamageError, one of a later
// format a *NewerError.
func DecodeManifest(data []byte) (*Manifest, error) {
	if len(data) == 0 {
		return nil, damage("the manifest is empty")
	}
	if len(data) > MaxManifestSize {
		return nil, damage("the manifest has %d bytes, more than %d", len(data), MaxManifestSize)
	}
	if version := leadingVersion(data[:min(len(data), versionWindow)], "format_version"); version > ManifestVersion {
		return nil, fmt.Errorf("the manifest was %w", &NewerError{Format: version, Supported: ManifestVersion})
	}
	var manifest Manifest
	if err := json.Unmarshal(data, &manifest); err != nil {
		return nil, fmt.Errorf("the manifest is damaged: %w", explain(err))
	}
	if manifest.FormatVersion > ManifestVersion {
		return nil, fmt.Errorf("the manifest was %w", &NewerError{Format: manifest.FormatVersion, Supported: ManifestVersion})
	}
	if err := checkManifestDigest(data, manifest.Digest); err != nil {
		return nil, err
	}
	if err := manifest.check(); err != nil {
		return nil, damage("the manifest is not complete: %v", err)
	}
	return &manifest, nil
}

// checkManifestDigest compares the digest with the bytes around it.
func checkManifestDigest(data []byte, digest string) error {
	if !isHex(digest, sha256.Size) {
		return damage("the manifest has no digest of %d lower-case hexadecimal digits", 2*sha256.Size)
	}
	end, found := digestEnd(data)
	start := end - len(digest) - 1
	if !found || start < 1 || string(data[start:end-1]) != digest {
		return damage("the digest of the manifest is not written plainly")
	}
	sum := sha256.New()
	sum.Write(data[:start])
	sum.Write(data[end-1:])
	if actual := hex.EncodeToString(sum.Sum(nil)); actual != digest {
		return damage("the manifest was altered: the SHA-256 of its bytes is %s, its digest says %s", actual, digest)
	}
	return nil
}

// digestEnd finds the end of the value of a document's member "digest", closing quote included.
func digestEnd(data []byte) (int, bool) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(data))
	if _, err := decoder.ReadToken(); err != nil {
		return 0, false
	}
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return 0, false
		}
		found := name.String() == "digest"
		if err := decoder.SkipValue(); err != nil {
			return 0, false
		}
		if found {
			return int(decoder.InputOffset()), true
		}
	}
	return 0, false
}

// check says what a manifest lacks, or what cannot be right in it, but for its digest.
func (m *Manifest) check() error {
	if m.FormatVersion < 1 {
		return errors.New("it has no format_version")
	}
	for _, field := range []struct{ name, value string }{
		{"writer", m.Writer}, {"lineage", m.Lineage}, {"id", m.ID}, {"backup", m.Backup}, {"source", m.Source},
		{"source_type", m.SourceType}, {"method", m.Method}, {"key", m.Key},
	} {
		if field.value == "" {
			return fmt.Errorf("it has no %s", field.name)
		}
	}
	if m.StartedAt.IsZero() || m.EndedAt.IsZero() {
		return errors.New("it has no started_at or no ended_at")
	}
	if err := m.Raw.check(); err != nil {
		return fmt.Errorf("raw: %w", err)
	}
	if err := m.Stored.check(); err != nil {
		return fmt.Errorf("stored: %w", err)
	}
	if e := m.Encryption; e != nil && (e.Format == "" || len(e.Recipients) == 0) {
		return errors.New("encryption: it has no format or no recipients")
	}
	for table, rows := range m.RowCounts {
		if rows < 0 {
			return fmt.Errorf("row_counts: %s has %d rows", table, rows)
		}
	}
	if err := m.KeyCounts.check(); err != nil {
		return fmt.Errorf("key_counts: %w", err)
	}
	if err := m.Container.check(); err != nil {
		return fmt.Errorf("container: %w", err)
	}
	return checkKey(m.Key)
}

// check says what cannot be right in sums.
func (s Sums) check() error {
	switch {
	case s.Size < 0:
		return fmt.Errorf("size %d is negative", s.Size)
	case !isHex(s.SHA256, 32):
		return fmt.Errorf("sha256 %q is not 64 lower-case hexadecimal digits", s.SHA256)
	case s.CRC32C != "" && !isHex(s.CRC32C, 4):
		return fmt.Errorf("crc32c %q is not 8 lower-case hexadecimal digits", s.CRC32C)
	case s.MD5 != "" && !isHex(s.MD5, 16):
		return fmt.Errorf("md5 %q is not 32 lower-case hexadecimal digits", s.MD5)
	}
	return nil
}

// isHex reports whether text is size bytes in lower-case hexadecimal.
func isHex(text string, size int) bool {
	return len(text) == 2*size && strings.Trim(text, "0123456789abcdef") == ""
}

// checkKey refuses keys that could lead out of a destination.
func checkKey(key string) error {
	if path.IsAbs(key) || path.Clean(key) != key || key == "." || key == ".." || strings.HasPrefix(key, "../") ||
		strings.ContainsAny(key, "\\\x00") {
		return fmt.Errorf("key %q is not a plain relative path", key)
	}
	return nil
}
