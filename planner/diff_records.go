package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/state"
)

// changeRecords plans what moved and removed ask for, as far as anything recorded is concerned, and lets everything else
// that is done for the same backup wait for it.
func (d *differ) changeRecords() {
	before := make(map[string][]string)
	var planned []Action
	for of, concerned := range d.records.changes {
		action := moveOrRelease(of, concerned)
		planned = append(planned, action)
		before[of.backup] = append(before[of.backup], action.Common().Address)
	}
	if len(planned) == 0 {
		return
	}
	for backup := range before {
		slices.Sort(before[backup])
	}
	for _, action := range d.actions {
		meta := action.Common()
		if first := before[meta.Backup]; len(first) > 0 && action.Kind() != KindBlocked {
			meta.After = slices.Sorted(slices.Values(slices.Concat(meta.After, first)))
		}
	}
	for _, action := range planned {
		// The copies that a backup has at a destination are found under its new address.
		if meta := action.Common(); strings.Contains(meta.Address, "@") {
			if moved := meta.Backup + movedSuffix; slices.Contains(before[meta.Backup], moved) {
				meta.After = []string{moved}
			}
		}
		d.add(action)
	}
}

// moveOrRelease is the action for one change.
func moveOrRelease(of change, concerned *extent) Action {
	what, place := units.Counted(concerned.artifacts, "artifact", "artifacts"), of.backup
	if isDestination(of.from) {
		what = units.Counted(concerned.artifacts, "copy", "copies")
		place = placeAddress(of.backup, cmp.Or(of.to, of.from))
	}
	meta := Meta{Backup: of.backup, Cause: CauseChange}
	if of.to != "" {
		meta.Address = place + movedSuffix
		meta.Reason = fmt.Sprintf("%s recorded as %s %s to %s now; no copy is touched", what, of.from, belongs(concerned.artifacts), of.to)
		if concerned.known > 0 {
			meta.Reason += fmt.Sprintf("; %s recorded at both already", units.Counted(concerned.known, "is", "are"))
		}
		meta.Undo = "moved back in the same way"
		return &Move{Meta: meta, From: of.from, To: of.to, Artifacts: concerned.artifacts}
	}
	meta.Address = place + removedSuffix
	meta.Reason = fmt.Sprintf("%s recorded of %s %s forgotten; nothing is deleted, the copies stay where they are", what, of.from, isOrAre(concerned.artifacts))
	if concerned.last > 0 {
		meta.Reason += fmt.Sprintf("; of %s no other copy is recorded", units.Counted(concerned.last, "artifact", "artifacts"))
	}
	meta.Undo = "declared again, what still lies there is read back and recorded"
	return &Release{Meta: meta, From: of.from, Artifacts: concerned.artifacts}
}

// belongs is the verb that goes with a number.
func belongs(n int) string {
	if n == 1 {
		return "belongs"
	}
	return "belong"
}

// isDestination reports whether an address is that of a destination.
func isDestination(address string) bool { return strings.HasPrefix(address, "destination.") }

// planImports says of the artifacts that import blocks name and that are neither recorded nor found why they are not
// adopted.
func (d *differ) planImports() {
	for _, adoption := range d.specification.Imports {
		if recorded := d.document.Find(adoption.ID); recorded != nil {
			if recorded.Backup != adoption.To {
				d.blockImport(adoption.To, adoption.ID, fmt.Sprintf("%s is recorded for %s already, and an artifact belongs to one backup", adoption.ID, recorded.Backup))
			}
			continue
		}
		if d.adopted[adoption.ID] {
			continue
		}
		backup := d.backups[adoption.To]
		switch {
		case backup == nil:
		case d.observed == nil:
			d.note(adoption.To, adoption.ID+" is to be adopted: without looking at the destinations nothing is done about it")
		case d.isOutlived(adoption.ID, backup.To):
			d.note(adoption.To, adoption.ID+" lies at no destination of "+adoption.To+" and their retention would not keep it: its import block can go")
		default:
			d.blockImport(adoption.To, adoption.ID, fmt.Sprintf("no complete artifact %s can be found at the destinations of %s", adoption.ID, adoption.To)+d.unseen(backup.To))
		}
	}
}

// unseen lists the destinations that could not be looked at, to be appended to a reason.
func (d *differ) unseen(destinations []string) string {
	var text strings.Builder
	for _, address := range destinations {
		if at := d.place(address); at.err != nil {
			fmt.Fprintf(&text, "; %s could not be looked at: %s", address, oneLine(at.err.Error()))
		}
	}
	return text.String()
}

// blockImport says that an artifact should be adopted and cannot be.
func (d *differ) blockImport(backup, id, reason string) {
	d.add(&Blocked{Failed: true, Meta: Meta{Address: backup + "#" + id, Backup: backup, Reason: reason, Cause: CauseChange}})
}

// isOutlived reports whether no destination would keep an artifact of that id besides a newer one: it was adopted and
// deleted in its time.
func (d *differ) isOutlived(id string, destinations []string) bool {
	_, text, _ := cutID(id)
	started, err := time.Parse("20060102T150405Z", text)
	if err != nil {
		return false
	}
	for _, address := range destinations {
		if d.place(address).err != nil || kept(d.retentions[address], []time.Time{d.now, started}, d.now, d.location())[1] {
			return false
		}
	}
	return true
}

// adopt plans to record a copy of an artifact that an import block names.
func (t *task) adopt(held *holding, i int) {
	artifact, destination := held.artifact, t.places[i].address
	t.adopted[artifact.ID] = true
	t.add(&Adopt{
		Artifact: artifact.ID, Destination: destination, Key: artifact.Key, ManifestSHA256: artifact.ManifestSHA256,
		Meta: Meta{
			Address: copyAddress(t.backup.Address, destination, artifact.ID), Backup: t.backup.Address, Cause: CauseChange,
			Reason: "complete but not recorded, and to be adopted: read back, then recorded",
			Bytes:  artifact.Stored.Size, Undo: "changes nothing but the state",
		},
	})
}

// isImported reports whether an artifact is adopted because an import block names it, and not because it is this state's.
func (d *differ) isImported(held *holding) bool {
	_, imported := d.imports[held.artifact.ID]
	return imported
}

// ownerOf finds the backup that a manifest's artifact belongs to and whether an artifact of it may lie under that key. A
// rename changes neither the manifest nor the key, so that the address in it is the last thing to go by.
func (d *differ) ownerOf(description *state.Description) (address string, fits bool) {
	if to, imported := d.imports[description.ID]; imported {
		return to, true
	}
	folder := folderOf(description.Key)
	address = description.Backup
	if to, moved := d.moves[address]; moved {
		address = to
	}
	if recorded := d.owners[description.ID]; recorded != "" {
		return recorded, true
	}
	backup := d.backups[address]
	if backup == nil {
		address = d.folders[folder]
		backup = d.backups[address]
	}
	return address, backup != nil && (folder == prefix(backup) || d.folders[folder] == address || address == d.moves[description.Backup])
}
