package planner

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Diff compares what must be true with what is recorded, what was observed and the time, and returns what would be done.
// It is pure: the same input gives the same plan, whatever the order of the maps in it, and nothing of the input is
// changed. Its time is linear in the number of artifacts, but for sorting.
//
// observed may be nil: the state is then taken at its word.
func Diff(specification *spec.Spec, document *state.Document, observed *Observed, now time.Time) *Plan {
	d := newDiffer(specification, document, observed, now)
	d.decideCleanups()
	d.decideDeploys()
	for _, backup := range specification.Backups {
		d.newTask(backup).plan()
	}
	d.planDeploys()
	d.planCleanups()
	d.planImports()
	d.recover()
	d.recoverDrills()
	d.noteStrangers()
	d.noteRules()
	d.judgeChecks()
	d.blockUnbuilt()
	d.orderBackups()
	d.changeRecords()
	return d.finish()
}

// differ is one call of Diff.
type differ struct {
	specification *spec.Spec
	// document is the state once records are changed, recorded the state as it is.
	document, recorded *state.Document
	records            *records
	observed           *Observed
	now                time.Time

	// drills are the blocks by the backup that they prove.
	drills map[string][]*spec.Drill
	// made are the recorded drills by the address of their block.
	made map[string][]*state.Drill
	// backups of the specification by address.
	backups map[string]*spec.Backup
	// retentions by the address of their destination.
	retentions map[string]*spec.Retention
	// near are the destinations on this machine, assumed the rates that are assumed of all.
	near    map[string]bool
	assumed map[string]float64
	// artifacts of the state by the address of their backup.
	artifacts map[string][]*state.Artifact
	// found are the artifacts of manifests that the state does not know, by the address of their backup.
	found map[string][]foundManifest
	// moves say where an address that was given up leads to, imports for which backup an artifact that is not
	// recorded is to be adopted, adopted which of them are, by id.
	moves, imports map[string]string
	adopted        map[string]bool
	// owners are the backups of the recorded artifacts by id, folders those of the folders that hold their objects; both
	// only as far as an artifact does not lie where the name of its backup says.
	owners, folders map[string]string
	// interrupted are the open intents that wrote objects, pruning those that deleted them.
	interrupted, pruning map[objectRef]*state.Intent
	// free is what is left of the free space of each destination that has a limit, in bytes.
	free map[string]int64
	// uploads are the rates of the destinations, nil until they are asked for.
	uploads map[string]float64
	// accounted is how many objects at each destination belong to recorded copies.
	accounted map[string]int
	// unbuilt says of sources and destinations what of them is not built yet.
	unbuilt map[string]error
	// deploys are what is decided about deploy blocks, demanded why a deploy needs a backup now that is not due, by its address.
	deploys       []deployDecision
	demanded      map[string]string
	deployOptions DeployOptions
	// cleanups are what is decided about cleanup blocks, retired the backups whose source was cleaned up.
	cleanups []*cleanupCase
	retired  map[string]bool
	// taken are the planned backups by the address of their block.
	taken map[string]*Backup
	// copying are the objects that this plan writes anew.
	copying map[objectRef]bool

	actions []Action
	notes   []Note
}

// objectRef is an object at a destination.
type objectRef struct{ destination, key string }

// newDiffer indexes the input.
func newDiffer(specification *spec.Spec, document *state.Document, observed *Observed, now time.Time) *differ {
	records := recordsOf(specification, document)
	d := &differ{
		specification: specification, document: records.document, recorded: document, records: records, observed: observed, now: now.UTC(),
		backups:     make(map[string]*spec.Backup, len(specification.Backups)),
		assumed:     make(map[string]float64, len(specification.Destinations)),
		retentions:  make(map[string]*spec.Retention, len(specification.Destinations)),
		near:        make(map[string]bool),
		artifacts:   records.document.ByBackup(),
		moves:       Moves(specification),
		imports:     make(map[string]string, len(specification.Imports)),
		adopted:     make(map[string]bool),
		owners:      make(map[string]string),
		folders:     make(map[string]string),
		interrupted: make(map[objectRef]*state.Intent),
		pruning:     make(map[objectRef]*state.Intent),
		free:        make(map[string]int64),
		accounted:   make(map[string]int),
		copying:     make(map[objectRef]bool),
		unbuilt:     make(map[string]error),
		demanded:    make(map[string]string),
		retired:     make(map[string]bool),
		taken:       make(map[string]*Backup),
	}
	for _, destination := range specification.Destinations {
		d.retentions[destination.Address] = destination.Retention
		d.near[destination.Address] = isNear(specification, destination)
		d.assumed[destination.Address] = assumedRate(destination)
		d.noteUnbuilt(destination.Address, destination.NotBuilt)
	}
	for _, source := range specification.Sources {
		d.noteUnbuilt(source.Address, source.NotBuilt)
	}
	for _, backup := range specification.Backups {
		d.backups[backup.Address] = backup
	}
	d.drills = make(map[string][]*spec.Drill, len(specification.Drills))
	for _, drill := range specification.Drills {
		d.drills[drill.Backup] = append(d.drills[drill.Backup], drill)
	}
	d.made = make(map[string][]*state.Drill)
	for _, made := range d.document.Drills {
		d.made[made.Address] = append(d.made[made.Address], made)
	}
	for _, adoption := range specification.Imports {
		d.imports[adoption.ID] = adoption.To
	}
	d.indexArtifacts()
	for _, intent := range d.document.Intents {
		d.indexIntent(intent)
	}
	if observed != nil {
		for address, view := range observed.Destinations {
			if view.Err == nil && view.Free >= 0 {
				d.free[address] = view.Free
			}
		}
	}
	d.found = d.findUnrecorded()
	return d
}

// isNear reports whether a destination is a folder of the machine imsctl runs on.
func isNear(specification *spec.Spec, destination *spec.Destination) bool {
	return destination.Type == "local" && !slices.ContainsFunc(specification.References[destination.Address], func(address string) bool {
		return strings.HasPrefix(address, "host.") && address != providers.LocalHost
	})
}

// indexArtifacts notes which artifacts lie in a folder that has not the name of their backup, and which are adopted already.
func (d *differ) indexArtifacts() {
	for _, artifact := range d.document.Artifacts {
		delete(d.imports, artifact.ID)
		folder := folderOf(artifact.Key)
		if backup := d.backups[artifact.Backup]; backup != nil && folder != prefix(backup) {
			d.owners[artifact.ID], d.folders[folder] = artifact.Backup, artifact.Backup
		}
	}
}

// indexIntent files an open intent under the objects that it may have left half done. The oldest stays.
func (d *differ) indexIntent(intent *state.Intent) {
	index := d.interrupted
	switch Kind(intent.Kind) {
	case KindPrune:
		index = d.pruning
	case KindBackup, KindReplicate, KindRepair, KindSweep, KindCleanup:
		// What is swept was said to be cleaned up by earlier versions.
	default:
		return
	}
	if intent.Key == "" {
		return
	}
	for _, destination := range intent.Destinations {
		ref := objectRef{destination, intent.Key}
		if _, exists := index[ref]; !exists {
			index[ref] = intent
		}
	}
}

// task plans for one backup.
type task struct {
	*differ
	*survey
	// latest is the newest artifact with a live copy, or nil.
	latest *holding
	// taking is the backup that is planned, or nil.
	taking *Backup
	// arriving are, for each place, the artifacts that a planned repair or replication brings, with that action's address.
	arriving []map[*holding]string
	// wholes are, for each place, what backfilled found, once it was asked.
	wholes [][]bool
	// needs says which planned actions copy from a copy: it must not be deleted before they are done.
	needs map[copyRef][]string
	// pinned are the copies that a copy which cannot be made now will be made from.
	pinned map[copyRef]bool
	// verifying are the copies whose reading back is planned, wanted the bad ones that are to be repaired, now or later.
	verifying, wanted map[copyRef]bool
}

// newTask looks a backup over and begins its planning.
func (d *differ) newTask(backup *spec.Backup) *task {
	t := &task{differ: d, survey: d.survey(backup)}
	for i := range t.places {
		d.accounted[t.places[i].address] += t.places[i].accounted
	}
	t.latest = t.newest()
	t.pinned = make(map[copyRef]bool)
	t.needs, t.verifying, t.wanted = make(map[copyRef][]string), make(map[copyRef]bool), make(map[copyRef]bool)
	t.arriving, t.wholes = make([]map[*holding]string, len(t.places)), make([][]bool, len(t.places))
	return t
}

// copyRef is a copy: an artifact at the place with that index.
type copyRef struct {
	place int
	held  *holding
}

// plan decides everything about one backup.
func (t *task) plan() {
	t.noteFuture()
	t.noteEncryption()
	t.planBackup()
	t.blockUnreachable()
	t.planReplicas()
	wanted := t.retained()
	for _, held := range t.holdings {
		for i := range t.places {
			t.planCopy(held, i, wanted[i][held.index])
		}
	}
	t.planDrills()
	for i := range t.places {
		t.planPrunes(i)
	}
}

// add puts an action into the plan.
func (d *differ) add(action Action) { d.actions = append(d.actions, action) }

// note puts a note into the plan.
func (d *differ) note(address, text string) {
	d.notes = append(d.notes, Note{Address: address, Text: text})
}

// finish orders what was found.
func (d *differ) finish() *Plan {
	slices.SortFunc(d.actions, func(a, b Action) int { return strings.Compare(a.Common().Address, b.Common().Address) })
	slices.SortFunc(d.notes, func(a, b Note) int {
		return cmp.Or(strings.Compare(a.Address, b.Address), strings.Compare(a.Text, b.Text))
	})
	plan := &Plan{
		CreatedAt:    d.now,
		SpecDigest:   d.specification.Digest,
		Lineage:      d.document.Lineage,
		Serial:       d.document.Serial,
		Actions:      d.actions,
		Fingerprints: make(map[string]string),
		Notes:        d.notes,
		Refreshed:    d.observed != nil,
	}
	d.fingerprint(plan)
	return plan
}

// fingerprint identifies what the plan's actions are computed from: the state as it is, before any record changes.
func (d *differ) fingerprint(plan *Plan) {
	artifacts := d.artifacts
	if d.recorded != d.document {
		artifacts = d.recorded.ByBackup()
	}
	intents := make(map[string][]*state.Intent)
	for _, intent := range d.recorded.Intents {
		intents[intent.Backup] = append(intents[intent.Backup], intent)
	}
	for _, action := range plan.Actions {
		for _, backup := range concerned(action) {
			if _, done := plan.Fingerprints[backup]; done {
				continue
			}
			if isDrill(backup) {
				plan.Fingerprints[backup] = state.DrillFingerprint(d.recorded.DrillsOf(backup))
				continue
			}
			if isCleanup(backup) {
				plan.Fingerprints[backup] = state.CleanupFingerprint(d.recorded.CleanupsOf(backup))
				continue
			}
			if isDeploy(backup) {
				plan.Fingerprints[backup] = state.ReleaseFingerprint(d.recorded.ReleasesOf(backup))
				continue
			}
			plan.Fingerprints[backup] = state.Fingerprint(artifacts[backup], intents[backup])
		}
	}
}

// concerned lists what an action is computed from: the backup it serves, and the one whose records it takes over.
func concerned(action Action) []string {
	if move, ok := action.(*Move); ok && !isDestination(move.From) {
		return []string{move.Backup, move.From}
	}
	switch action := action.(type) {
	case *Drill:
		return []string{action.Backup, action.Address}
	case *Deploy:
		return []string{action.Address}
	case *Cleanup:
		return []string{action.Block}
	}
	return []string{action.Common().Backup}
}
