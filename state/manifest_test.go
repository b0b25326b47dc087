package state_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/state"
)

func sampleManifest() *state.Manifest {
	return &state.Manifest{
		FormatVersion: state.ManifestVersion, Writer: "0.1.0", Lineage: "l",
		Description: sampleArtifact("database", 1, placeA).Description,
	}
}

func encodeManifest(t testing.TB, manifest *state.Manifest) []byte {
	t.Helper()
	data, err := state.EncodeManifest(manifest)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestManifestRoundTrip(t *testing.T) {
	manifest := sampleManifest()
	manifest.Warnings = []string{`a "digest": "" in the text`, "not UTF-8: \xff"}
	manifest.Encryption = &state.Encryption{Format: "age", Recipients: []string{"age1one", "ssh-rsa AAAA someone"}}
	data := encodeManifest(t, manifest)
	read, err := state.DecodeManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	manifest.Warnings[1], manifest.Digest = "not UTF-8: \ufffd", read.Digest
	if diff := cmp.Diff(manifest, read); diff != "" {
		t.Error(diff)
	}
	// The digest can be checked by hand: empty it, sum up.
	plain := regexp.MustCompile(`("digest": ")[0-9a-f]{64}"`).ReplaceAll(data, []byte(`$1"`))
	if sum := fmt.Sprintf("%x", sha256.Sum256(plain)); sum != read.Digest {
		t.Errorf("the digest is %s, by hand %s", read.Digest, sum)
	}
}

func TestManifestNoticesEveryAlteredBitAndCut(t *testing.T) {
	data := encodeManifest(t, sampleManifest())
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			if _, err := state.DecodeManifest(data); err == nil {
				t.Fatalf("bit %d of byte %d was altered and nobody noticed", bit, i)
			}
			data[i] ^= 1 << bit
		}
		if _, err := state.DecodeManifest(data[:i]); err == nil {
			t.Fatalf("cut at %d and nobody noticed", i)
		}
	}
}

func TestManifestRefuses(t *testing.T) {
	for want, spoil := range map[string]func(*state.Manifest){
		"no writer":         func(m *state.Manifest) { m.Writer = "" },
		"no lineage":        func(m *state.Manifest) { m.Lineage = "" },
		"no id":             func(m *state.Manifest) { m.ID = "" },
		"no source_type":    func(m *state.Manifest) { m.SourceType = "" },
		"no key":            func(m *state.Manifest) { m.Key = "" },
		"no started_at":     func(m *state.Manifest) { m.EndedAt = time.Time{} },
		"size -1":           func(m *state.Manifest) { m.Raw.Size = -1 },
		"stored: sha256":    func(m *state.Manifest) { m.Stored.SHA256 = strings.ToUpper(m.Stored.SHA256) },
		"raw: sha256":       func(m *state.Manifest) { m.Raw.SHA256 = m.Raw.SHA256[1:] },
		"crc32c":            func(m *state.Manifest) { m.Stored.CRC32C = "xyzxyzxy" },
		"md5":               func(m *state.Manifest) { m.Stored.MD5 = "0" },
		"no recipients":     func(m *state.Manifest) { m.Encryption = &state.Encryption{Format: "age"} },
		"keys":              func(m *state.Manifest) { m.KeyCounts.Databases["0"] = state.KeyCount{Keys: 1, Expiring: 2} },
		"container":         func(m *state.Manifest) { m.Container.ID = "" },
		"rows":              func(m *state.Manifest) { m.RowCounts["public.item"] = -4 },
		`key "../up"`:       func(m *state.Manifest) { m.Key = "../up" },
		`key "a/../b"`:      func(m *state.Manifest) { m.Key = "a/../b" },
		`key "/etc/passwd"`: func(m *state.Manifest) { m.Key = "/etc/passwd" },
		`key "a//b"`:        func(m *state.Manifest) { m.Key = "a//b" },
		`key ".."`:          func(m *state.Manifest) { m.Key = ".." },
		`key "a\\..\\b"`:    func(m *state.Manifest) { m.Key = `a\..\b` },
		"more than":         func(m *state.Manifest) { m.Warnings = []string{strings.Repeat("x", state.MaxManifestSize)} },
	} {
		manifest := sampleManifest()
		spoil(manifest)
		if _, err := state.EncodeManifest(manifest); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestDecodeManifestRefuses(t *testing.T) {
	good := encodeManifest(t, sampleManifest())
	alter := func(old, new string) []byte { return sealed(t, bytes.Replace(good, []byte(old), []byte(new), 1)) }
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":         {nil, "empty"},
		"too long":      {bytes.Repeat([]byte(" "), state.MaxManifestSize+1), "more than"},
		"a list":        {[]byte("[]"), "does not fit"},
		"no digest":     {[]byte("{}"), "no digest"},
		"missing id":    {alter(`"id": "database-`, `"ID": "database-`), "no id"},
		"negative size": {alter(`"size": 5`, `"size": -5`), "negative"},
		"bad key":       {alter(`"key": "database/`, `"key": "../`), "key"},
		"no version":    {alter(`"format_version": 1`, `"format_version": 0`), "format_version"},
	} {
		_, err := state.DecodeManifest(test.data)
		var damage *state.DamageError
		if !errors.As(err, &damage) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	var newer *state.NewerError
	if _, err := state.DecodeManifest(alter(`"format_version": 1`, `"format_version": 2`)); !errors.As(err, &newer) {
		t.Errorf("got %v", err)
	}
}

// sealed gives altered bytes of a manifest a digest that fits.
func sealed(t *testing.T, data []byte) []byte {
	t.Helper()
	plain := regexp.MustCompile(`("digest": ")[0-9a-f]{64}"`).ReplaceAll(data, []byte(`$1"`))
	sum := fmt.Sprintf("%x", sha256.Sum256(plain))
	return bytes.Replace(plain, []byte(`"digest": "`), []byte(`"digest": "`+sum), 1)
}
