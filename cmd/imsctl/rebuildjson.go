package main

import (
	"maps"
	"slices"
	"time"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

// rebuildDocument is the result of state rebuild -json.
type rebuildDocument struct {
	FormatVersion string           `json:"format_version"`
	Type          string           `json:"type"`
	State         string           `json:"state"`
	Lineage       string           `json:"lineage"`
	Written       bool             `json:"written"`
	Destinations  []rebuildPlace   `json:"destinations"`
	Added         []rebuildAdded   `json:"added"`
	LeftOut       []rebuildLeftOut `json:"left_out"`
	Others        []rebuildLineage `json:"other_lineages"`
	Absent        []rebuildAbsent  `json:"absent"`
}

type rebuildPlace struct {
	Address   string `json:"address"`
	Manifests int    `json:"manifests"`
	Error     string `json:"error,omitempty"`
}

type rebuildAdded struct {
	Artifact string          `json:"artifact"`
	Backup   string          `json:"backup"`
	Recorded bool            `json:"recorded"`
	Copies   []state.Replica `json:"copies"`
}

type rebuildLeftOut struct {
	Destination string `json:"destination"`
	Key         string `json:"key"`
	Problem     string `json:"problem"`
}

type rebuildLineage struct {
	Lineage   string    `json:"lineage"`
	Artifacts int       `json:"artifacts"`
	Newest    time.Time `json:"newest"`
}

type rebuildAbsent struct {
	Destination string `json:"destination"`
	Artifact    string `json:"artifact"`
}

// document is the result for programs.
func (v *rebuildView) document(rebuilding *planner.Rebuilding) rebuildDocument {
	document := rebuildDocument{
		FormatVersion: "1.0", Type: "rebuild", State: v.location, Lineage: rebuilding.Document.Lineage,
		Written:      rebuilding.HasChanges() && !v.dryRun,
		Destinations: []rebuildPlace{}, Added: []rebuildAdded{}, LeftOut: []rebuildLeftOut{}, Others: []rebuildLineage{}, Absent: []rebuildAbsent{},
	}
	for _, address := range slices.Sorted(maps.Keys(rebuilding.Manifests)) {
		document.Destinations = append(document.Destinations, rebuildPlace{Address: address, Manifests: rebuilding.Manifests[address]})
	}
	for _, address := range slices.Sorted(maps.Keys(rebuilding.Unseen)) {
		document.Destinations = append(document.Destinations, rebuildPlace{Address: address, Error: rebuilding.Unseen[address].Error()})
	}
	for _, addition := range rebuilding.Added {
		document.Added = append(document.Added, rebuildAdded{
			Artifact: addition.Artifact.ID, Backup: addition.Artifact.Backup, Recorded: addition.Recorded, Copies: addition.Copies,
		})
	}
	for _, left := range rebuilding.LeftOut {
		document.LeftOut = append(document.LeftOut, rebuildLeftOut(left))
	}
	for _, other := range rebuilding.Others {
		document.Others = append(document.Others, rebuildLineage{Lineage: other.ID, Artifacts: other.Artifacts, Newest: other.Newest})
	}
	for _, absent := range rebuilding.Absent {
		document.Absent = append(document.Absent, rebuildAbsent{Destination: absent.Destination, Artifact: absent.Artifact})
	}
	return document
}
