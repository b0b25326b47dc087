package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// recover settles what interrupted uploads left: the remnants of those that never ended, and bytes that never got a
// manifest. What a planned copy will overwrite is left to it.
func (d *differ) recover() {
	if len(d.interrupted) == 0 && len(d.pruning) == 0 {
		return
	}
	if d.observed == nil {
		for _, intent := range d.document.Intents {
			if intent.Key != "" {
				d.note(intent.Address, fmt.Sprintf("the %s begun at %s was interrupted; without looking at the destinations nothing is done about it",
					intent.Kind, moment(intent.BeganAt)))
			}
		}
		return
	}
	recorded := d.recordedUnder()
	remnants := d.remnantsByKey()
	for ref, intent := range d.interrupted {
		backup := d.owner(intent)
		view := d.observed.Destinations[ref.destination]
		switch {
		case backup == "" || view == nil || !d.uses(backup, ref.destination):
			d.note(intent.Address, fmt.Sprintf("the %s begun at %s was interrupted, and %s is not a destination of it in the specification any more: what lies there under %s is not touched",
				intent.Kind, moment(intent.BeganAt), ref.destination, ref.key))
		case view.Err == nil:
			d.cleanUp(ref, intent, backup, remnants[ref], recorded[ref])
		}
	}
}

// cleanUp plans the removal of what one interrupted upload left at one destination, if it left anything.
func (d *differ) cleanUp(ref objectRef, intent *state.Intent, backup string, remnants []providers.Remnant, recorded bool) {
	objects := d.observed.Destinations[ref.destination].Objects
	action := &Sweep{Destination: ref.destination, Intent: intent.ID, Key: ref.key}
	size := int64(0)
	data, hasData := objects[ref.key]
	_, hasManifest := objects[state.ManifestKey(ref.key)]
	if bare := hasData && !hasManifest && !recorded && !d.copying[ref]; bare && data.KeptBy != "" {
		d.notes = append(d.notes, Note{Address: ref.destination, Code: KeptByPolicy, Text: fmt.Sprintf("%s of an upload interrupted at %s lie at %s under %s, %s: %s",
			units.Bytes(data.Size), moment(intent.BeganAt), ref.destination, ref.key, keptByPolicy, data.KeptBy)})
	} else if bare {
		action.Version, size = data.Version, data.Size
	}
	for _, remnant := range remnants {
		action.Remnants = append(action.Remnants, remnant.Name)
		size += remnant.Size
	}
	if action.Version == "" && len(action.Remnants) == 0 {
		return
	}
	slices.Sort(action.Remnants)
	action.Remnants = slices.Compact(action.Remnants)
	what := "a copy"
	if Kind(intent.Kind) == KindBackup {
		what = "a backup"
	}
	action.Meta = Meta{
		Address: copyAddress(backup, ref.destination, cmp.Or(intent.Artifact, ref.key)) + unfinishedSuffix, Backup: backup,
		Reason: fmt.Sprintf("%s of %s interrupted at %s, never completed", units.Bytes(size), what, moment(intent.BeganAt)),
		Cause:  CauseRecovery, Bytes: size, Undo: "cannot be undone: what is removed is no backup",
	}
	d.add(action)
}

// recordedUnder says under which of the interrupted uploads' objects the state has a copy.
func (d *differ) recordedUnder() map[objectRef]bool {
	keys := make(map[string]bool, len(d.interrupted))
	for ref := range d.interrupted {
		keys[ref.key] = true
	}
	recorded := make(map[objectRef]bool)
	for _, artifact := range d.document.Artifacts {
		if !keys[artifact.Key] {
			continue
		}
		for i := range artifact.Replicas {
			recorded[objectRef{artifact.Replicas[i].Destination, artifact.Key}] = true
		}
	}
	return recorded
}

// remnantsByKey sorts the observed remnants by the object that they would have become. The manifest's upload belongs to
// the object it describes.
func (d *differ) remnantsByKey() map[objectRef][]providers.Remnant {
	sorted := make(map[objectRef][]providers.Remnant)
	for address, view := range d.observed.Destinations {
		for _, remnant := range view.Remnants {
			ref := objectRef{address, strings.TrimSuffix(remnant.Key, state.ManifestSuffix)}
			sorted[ref] = append(sorted[ref], remnant)
		}
	}
	return sorted
}

// owner is the address of the backup that an intent worked for, or empty when the specification does not have it.
func (d *differ) owner(intent *state.Intent) string {
	if intent.Backup != "" {
		if d.backups[intent.Backup] == nil {
			return ""
		}
		return intent.Backup
	}
	name, _, _ := strings.Cut(intent.Key, "/")
	for _, backup := range d.specification.Backups {
		if backup.Name == name {
			return backup.Address
		}
	}
	return ""
}

// uses reports whether a backup of the specification has a destination.
func (d *differ) uses(address, destination string) bool {
	backup := d.backups[address]
	return backup != nil && slices.Contains(backup.To, destination)
}
