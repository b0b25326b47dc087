package planner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/state"
)

// foundManifest is an artifact made of a manifest that was found at a destination.
type foundManifest struct {
	destination string
	artifact    *state.Artifact
}

// strangers counts, for one destination, the manifests that nothing is done about.
type strangers struct{ others, unreadable, misplaced, hollow int }

// findUnrecorded sorts the manifests that the state does not know: those of this history by the backup they belong to,
// each id once and in a stable order; the others are counted in a note for each destination and never touched.
func (d *differ) findUnrecorded() map[string][]foundManifest {
	found := make(map[string][]foundManifest)
	if d.observed == nil {
		return found
	}
	for address, view := range d.observed.Destinations {
		var strange strangers
		for key, manifest := range view.Manifests {
			artifact := d.fromManifest(view, key, manifest, &strange)
			if artifact != nil {
				found[artifact.Backup] = append(found[artifact.Backup], foundManifest{address, artifact})
			}
		}
		d.noteManifests(address, strange)
	}
	for backup, manifests := range found {
		slices.SortFunc(manifests, func(a, b foundManifest) int {
			return cmp.Or(strings.Compare(a.artifact.ID, b.artifact.ID), strings.Compare(a.destination, b.destination),
				strings.Compare(a.artifact.Key, b.artifact.Key))
		})
		found[backup] = manifests
	}
	return found
}

// fromManifest makes an artifact of a manifest, or counts why it cannot.
func (d *differ) fromManifest(view *DestinationView, key string, manifest ManifestView, strange *strangers) *state.Artifact {
	if manifest.Err != nil || manifest.Manifest == nil {
		strange.unreadable++
		return nil
	}
	description := manifest.Manifest.Description
	if _, imported := d.imports[description.ID]; !imported && !d.isOurs(manifest) {
		strange.others++
		return nil
	}
	owner, fits := d.ownerOf(&description)
	if !fits || description.ID == "" || state.ManifestKey(description.Key) != key {
		strange.misplaced++
		return nil
	}
	description.Backup = owner
	if data, ok := view.Objects[description.Key]; !ok || data.Size != description.Stored.Size || description.Stored.Refutes(data.CRC32C) {
		strange.hollow++
		return nil
	}
	return &state.Artifact{
		Description: description, ManifestSize: view.Objects[key].Size, ManifestSHA256: manifest.SHA256,
	}
}

// noteManifests tells of the manifests at a destination that nothing is done about.
func (d *differ) noteManifests(address string, strange strangers) {
	others := "of another state at " + address + ": not touched"
	if d.document.Lineage == "" {
		others += "; if this state was lost, it can be rebuilt from them: imsctl state rebuild"
	}
	for _, kind := range []struct {
		count           int
		one, many, what string
	}{
		{strange.others, "artifact", "artifacts", others},
		{strange.unreadable, "manifest", "manifests", "at " + address + " that cannot be read: not touched"},
		{strange.misplaced, "manifest", "manifests", "at " + address + " in the wrong place: not touched"},
		{strange.hollow, "manifest", "manifests", "at " + address + " without the described bytes: not a backup"},
	} {
		if kind.count > 0 {
			d.note(address, units.Counted(kind.count, kind.one, kind.many)+" "+kind.what)
		}
	}
}

// noteStrangers tells of everything else that is there and that nothing is done about.
func (d *differ) noteStrangers() {
	d.noteUndeclared()
	if d.observed == nil {
		return
	}
	if d.observed.Busy != "" {
		d.note("state", "still running, and not part of this plan: what was begun by "+d.observed.Busy)
		return
	}
	bare := d.bareObjects()
	for address, view := range d.observed.Destinations {
		if keys := bare[address]; len(keys) > 0 {
			size := int64(0)
			for _, bytes := range keys {
				size += bytes
			}
			d.note(address, fmt.Sprintf("%s without a manifest at %s (%s), of no interrupted apply: not touched",
				units.Counted(len(keys), "object", "objects"), address, units.Bytes(size)))
		}
		count, size := 0, int64(0)
		for _, remnant := range view.Remnants {
			if d.interrupted[objectRef{address, strings.TrimSuffix(remnant.Key, state.ManifestSuffix)}] == nil {
				count++
				size += remnant.Size
			}
		}
		if count > 0 {
			d.note(address, fmt.Sprintf("%s at %s (%s), of no interrupted apply: not touched",
				units.Counted(count, "unfinished upload", "unfinished uploads"), address, units.Bytes(size)))
		}
	}
}

// bareObjects finds, by destination, the keys and sizes of objects without a manifest that neither the state nor an
// interrupted apply accounts for.
func (d *differ) bareObjects() map[string]map[string]int64 {
	bare := make(map[string]map[string]int64)
	for address, view := range d.observed.Destinations {
		if d.accounted[address] == len(view.Objects) {
			continue
		}
		for key, object := range view.Objects {
			if strings.HasSuffix(key, state.ManifestSuffix) || d.interrupted[objectRef{address, key}] != nil {
				continue
			}
			if _, sealed := view.Objects[state.ManifestKey(key)]; !sealed {
				if bare[address] == nil {
					bare[address] = make(map[string]int64)
				}
				bare[address][key] = object.Size
			}
		}
	}
	if len(bare) == 0 {
		return bare
	}
	for _, artifact := range d.document.Artifacts {
		for i := range artifact.Replicas {
			delete(bare[artifact.Replicas[i].Destination], artifact.Key)
		}
	}
	return bare
}

// noteUndeclared tells of recorded artifacts that the specification does not speak of: they are kept.
func (d *differ) noteUndeclared() {
	for _, address := range slices.Sorted(maps.Keys(d.artifacts)) {
		artifacts := d.artifacts[address]
		backup := d.backups[address]
		if backup == nil {
			d.note(address, fmt.Sprintf("%s of %s %s not in the specification: kept",
				units.Counted(len(artifacts), "artifact", "artifacts"), address, isOrAre(len(artifacts))))
			continue
		}
		elsewhere := make(map[string]int)
		for _, artifact := range artifacts {
			for i := range artifact.Replicas {
				if at := artifact.Replicas[i].Destination; !slices.Contains(backup.To, at) {
					elsewhere[at]++
				}
			}
		}
		for at, count := range elsewhere {
			d.note(placeAddress(address, at), fmt.Sprintf("%s of %s at %s, which its `to` does not list any more: kept",
				units.Counted(count, "copy", "copies"), address, at))
		}
	}
}

// isOrAre is the verb that goes with a number.
func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
