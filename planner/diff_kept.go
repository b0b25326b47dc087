package planner

import (
	"fmt"
	"slices"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/state"
)

// keptByPolicy is what is said of copies that a store does not let go.
const keptByPolicy = "kept by policy"

// protection is the rule by which the store keeps an artifact's objects at a place, as it says by itself; empty where it
// says nothing.
func (t *task) protection(held *holding, i int) string {
	view := t.places[i].view
	if view == nil {
		return ""
	}
	for _, key := range []string{held.artifact.Key, state.ManifestKey(held.artifact.Key)} {
		if by := view.Objects[key].KeptBy; by != "" {
			return by
		}
	}
	return ""
}

// keptBy is the rule by which a candidate is kept, and whether the state has it already. What a store said only when it was
// asked to delete holds until it is to be asked again.
func (p *clearing) keptBy(held *holding) (by string, recorded bool) {
	record := held.copies[p.index].record
	switch by = p.protection(held, p.index); {
	case by != "":
		return by, record.KeptBy == by
	case p.place.view == nil, record.KeptUntil.After(p.now):
		return record.KeptBy, true
	default:
		return "", false
	}
}

// spare takes the candidates back that the store keeps by a rule of its own. That is no failure: the state learns of it once,
// and a note tells of it from then on.
func (p *clearing) spare() {
	var known []*holding
	by := ""
	p.delete = slices.DeleteFunc(p.delete, func(chosen candidate) bool {
		rule, recorded := p.keptBy(chosen.held)
		if rule == "" {
			return false
		}
		if chosen.counted {
			p.stay = append(p.stay, chosen.held)
		}
		if recorded {
			known, by = append(known, chosen.held), rule
			return true
		}
		id := chosen.held.artifact.ID
		p.add(&Keep{Artifact: id, Destination: p.place.address, By: rule, Meta: Meta{
			Address: copyAddress(p.backup.Address, p.place.address, id) + keptSuffix, Backup: p.backup.Address, Cause: chosen.cause,
			Reason: fmt.Sprintf("%s, but %s: %s", chosen.reason, keptByPolicy, oneLine(rule)), Undo: "changes nothing but the state",
		}})
		return true
	})
	if len(known) > 0 {
		p.noteKept(known, by)
	}
}

// noteKept tells of the copies of which the state knows that the store keeps them. by is the rule that keeps the newest.
func (p *clearing) noteKept(known []*holding, by string) {
	place := placeAddress(p.backup.Address, p.place.address)
	ids := make([]string, 0, len(known))
	for _, held := range known {
		ids = append(ids, held.artifact.ID)
	}
	p.notes = append(p.notes, Note{Address: place, Code: KeptByPolicy, Artifacts: ids, Text: fmt.Sprintf("%s of %s at %s that retention would delete %s %s: %s",
		units.Counted(len(known), "copy", "copies"), p.backup.Address, p.place.address, isOrAre(len(known)), keptByPolicy, oneLine(by))})
}
