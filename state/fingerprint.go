package state

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Fingerprint identifies what a plan for one backup is computed from: its artifacts, their copies with their versions and
// conditions, and its open intents, each in the order of the document. Times of verification do not count: that a copy was
// proven once more makes no plan wrong.
func Fingerprint(artifacts []*Artifact, intents []*Intent) string {
	sum := sha256.New()
	for _, artifact := range artifacts {
		fmt.Fprintf(sum, "artifact %q %q %q\n", artifact.ID, artifact.Key, artifact.ManifestSHA256)
		for i := range artifact.Replicas {
			replica := &artifact.Replicas[i]
			fmt.Fprintf(sum, "copy %q %q %q %q\n", replica.Destination, replica.Version, replica.ManifestVersion, replica.Condition)
		}
	}
	for _, intent := range intents {
		fmt.Fprintf(sum, "intent %q\n", intent.ID)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// DrillFingerprint identifies what a plan for one drill is computed from beside its backup: the drills that were made of it.
func DrillFingerprint(drills []*Drill) string {
	sum := sha256.New()
	for _, drill := range drills {
		fmt.Fprintf(sum, "drill %q %q\n", drill.ID, drill.Outcome)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// ReleaseFingerprint identifies what a plan for one deploy is computed from: the deploys that there were.
func ReleaseFingerprint(releases []*Release) string {
	sum := sha256.New()
	for _, release := range releases {
		fmt.Fprintf(sum, "release %q %q\n", release.ID, release.Phase)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Fingerprints returns the fingerprint of every backup that has an artifact or an open intent, and of every drill, deploy or cleanup block
// that has a drill, a release or a cleanup, by its address, in time linear in the size of the document. All others have the fingerprint of nothing.
func (d *Document) Fingerprints() map[string]string {
	artifacts := d.ByBackup()
	intents := make(map[string][]*Intent)
	for _, intent := range d.Intents {
		intents[intent.Backup] = append(intents[intent.Backup], intent)
	}
	prints := make(map[string]string, len(artifacts))
	for backup := range artifacts {
		prints[backup] = Fingerprint(artifacts[backup], intents[backup])
	}
	for backup := range intents {
		if _, done := prints[backup]; !done {
			prints[backup] = Fingerprint(nil, intents[backup])
		}
	}
	drills := make(map[string][]*Drill)
	for _, drill := range d.Drills {
		drills[drill.Address] = append(drills[drill.Address], drill)
	}
	for address := range drills {
		prints[address] = DrillFingerprint(drills[address])
	}
	releases := make(map[string][]*Release)
	for _, release := range d.Releases {
		releases[release.Address] = append(releases[release.Address], release)
	}
	for address := range releases {
		prints[address] = ReleaseFingerprint(releases[address])
	}
	cleanups := make(map[string][]*Cleanup)
	for _, cleanup := range d.Cleanups {
		cleanups[cleanup.Address] = append(cleanups[cleanup.Address], cleanup)
	}
	for address := range cleanups {
		prints[address] = CleanupFingerprint(cleanups[address])
	}
	return prints
}
