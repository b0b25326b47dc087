package planner

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// MarshalJSONDocument renders a plan as one compact JSON document. Its keys follow those of Terraform's plan, so that
// policy tools read it; docs/formats.md describes them. The same plan gives the same bytes. version is imsctl's own.
func MarshalJSONDocument(plan *Plan, version string) ([]byte, error) {
	document := jsonDocument{
		Type: "plan", FormatVersion: FormatVersion, Version: version,
		CreatedAt: plan.CreatedAt.UTC(), Refreshed: plan.Refreshed, RefreshOnly: plan.RefreshOnly,
		Summary: summarize(plan),
		Changes: []jsonChange{}, Drift: []jsonChange{}, Notes: plan.Notes,
	}
	if document.Notes == nil {
		document.Notes = []Note{}
	}
	for _, action := range plan.Actions {
		change, err := changeOf(action)
		if err != nil {
			return nil, err
		}
		document.Changes = append(document.Changes, change)
		if action.Common().Cause == CauseDrift {
			document.Drift = append(document.Drift, change)
		}
	}
	data, err := json.Marshal(document, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("rendering the plan as JSON: %w", err)
	}
	return data, nil
}

// jsonDocument is a plan as policy tools read it.
type jsonDocument struct {
	Type          string       `json:"type"`
	FormatVersion string       `json:"format_version"`
	Version       string       `json:"imsctl_version"`
	CreatedAt     time.Time    `json:"created_at"`
	Refreshed     bool         `json:"refreshed"`
	RefreshOnly   bool         `json:"refresh_only"`
	Summary       jsonSummary  `json:"summary"`
	Changes       []jsonChange `json:"resource_changes"`
	Drift         []jsonChange `json:"resource_drift"`
	Notes         []Note       `json:"notes"`
}

// jsonSummary counts the actions by kind.
type jsonSummary struct {
	Backup    int  `json:"backup"`
	Replicate int  `json:"replicate"`
	Repair    int  `json:"repair"`
	Verify    int  `json:"verify"`
	Drill     int  `json:"drill"`
	Deploy    int  `json:"deploy"`
	Prune     int  `json:"prune"`
	Keep      int  `json:"keep"`
	Forget    int  `json:"forget"`
	Cleanup   int  `json:"cleanup"`
	Sweep     int  `json:"sweep"`
	Move      int  `json:"move"`
	Release   int  `json:"release"`
	Adopt     int  `json:"adopt"`
	Blocked   int  `json:"blocked"`
	Changes   bool `json:"changes"`
	Failed    bool `json:"failed"`
}

func summarize(plan *Plan) jsonSummary {
	return jsonSummary{
		Backup: plan.Count(KindBackup), Replicate: plan.Count(KindReplicate), Repair: plan.Count(KindRepair),
		Verify: plan.Count(KindVerify), Drill: plan.Count(KindDrill), Deploy: plan.Count(KindDeploy), Prune: plan.Count(KindPrune), Keep: plan.Count(KindKeep), Forget: plan.Count(KindForget),
		Cleanup: plan.Count(KindCleanup), Sweep: plan.Count(KindSweep), Move: plan.Count(KindMove), Release: plan.Count(KindRelease), Adopt: plan.Count(KindAdopt), Blocked: plan.Count(KindBlocked),
		Changes: plan.HasChanges(), Failed: plan.Failed(),
	}
}

// jsonChange is one action.
type jsonChange struct {
	Address          string     `json:"address"`
	Type             string     `json:"type"`
	Name             string     `json:"name"`
	Previous         string     `json:"previous_address,omitzero"`
	Kind             Kind       `json:"kind"`
	Symbol           string     `json:"symbol"`
	Change           jsonEffect `json:"change"`
	Reason           string     `json:"action_reason"`
	Cause            Cause      `json:"cause"`
	DependsOn        []string   `json:"depends_on"`
	PredictedBytes   int64      `json:"predicted_bytes,omitzero"`
	PredictedSeconds float64    `json:"predicted_seconds,omitzero"`
	PredictedFrom    Basis      `json:"predicted_from,omitzero"`
	Undo             string     `json:"undo,omitzero"`
	Failed           bool       `json:"failed,omitzero"`
}

// jsonEffect is what an action does to its object, in Terraform's shape.
type jsonEffect struct {
	Actions         []string `json:"actions"`
	Before          any      `json:"before"`
	After           any      `json:"after"`
	BeforeSensitive bool     `json:"before_sensitive"`
	AfterSensitive  bool     `json:"after_sensitive"`
	// Importing is set for what is adopted.
	Importing *jsonImporting `json:"importing,omitempty"`
}

// jsonImporting names what is adopted.
type jsonImporting struct {
	ID string `json:"id"`
}

// jsonRecords is what is recorded at an address.
type jsonRecords struct {
	Address   string `json:"address"`
	Artifacts int    `json:"artifacts"`
}

// jsonCopy is one copy of an artifact, before or after an action.
type jsonCopy struct {
	Artifact        string   `json:"artifact,omitzero"`
	Destination     string   `json:"destination"`
	From            string   `json:"from,omitzero"`
	Others          []string `json:"others,omitempty"`
	Key             string   `json:"key,omitzero"`
	Version         string   `json:"version,omitzero"`
	ManifestVersion string   `json:"manifest_version,omitzero"`
	Remaining       int      `json:"remaining,omitzero"`
	Problem         string   `json:"problem,omitzero"`
	Checksum        bool     `json:"checksum,omitzero"`
	KeptBy          string   `json:"kept_by,omitzero"`
	Intent          string   `json:"intent,omitzero"`
	Remnants        []string `json:"remnants,omitempty"`
}

// jsonDrill is a copy that is to be restored as a proof.
type jsonDrill struct {
	Artifact string `json:"artifact,omitzero"`
	From     string `json:"from"`
	Into     string `json:"into"`
}

// jsonScratch is the scratch place that an interrupted drill left.
type jsonScratch struct {
	Scratch string `json:"scratch"`
	At      string `json:"scratch_at"`
	Intent  string `json:"intent"`
}

// jsonBackup is a backup to be taken.
type jsonBackup struct {
	Source       string   `json:"source"`
	Destinations []string `json:"destinations"`
	MinCopies    int      `json:"min_copies"`
	Compression  string   `json:"compression"`
	Compressor   string   `json:"compressor,omitzero"`
	Recipients   []string `json:"recipients,omitempty"`
}

// changeOf renders one action.
func changeOf(action Action) (jsonChange, error) {
	meta, kind := action.Common(), action.Kind()
	before, after, err := effectOf(action)
	if err != nil {
		return jsonChange{}, err
	}
	of := meta.Backup
	if of == "" {
		of = meta.Address
	}
	switch action := action.(type) {
	case *Cleanup:
		of = action.Block
	case *Sweep:
		of = cmp.Or(action.Drill, of)
	case *Drill, *Blocked:
		if isDrill(meta.Address) || isDeploy(meta.Address) || isCleanup(meta.Address) {
			of = meta.Address
		}
	}
	typ, name, _ := strings.Cut(of, ".")
	change := jsonChange{
		Address: meta.Address, Type: typ, Name: name,
		Kind: kind, Symbol: kind.Symbol(), Reason: meta.Reason, Cause: meta.Cause,
		Change:    jsonEffect{Actions: kind.actions(), Before: before, After: after},
		DependsOn: meta.After, PredictedBytes: meta.Bytes, PredictedSeconds: meta.Seconds, Undo: meta.Undo,
	}
	if change.DependsOn == nil {
		change.DependsOn = []string{}
	}
	switch action := action.(type) {
	case *Backup:
		change.PredictedFrom = action.Expect.Basis
	case *Move:
		change.Previous = action.From
	case *Adopt:
		change.Change.Importing = &jsonImporting{ID: action.Artifact}
	case *Blocked:
		change.Failed = action.Failed
	}
	return change, nil
}

// effectOf is what an action's object is before and after it; nil where there is none.
func effectOf(action Action) (before, after any, err error) {
	switch action := action.(type) {
	case *Backup:
		return nil, jsonBackup{action.Source, action.Destinations, action.MinCopies, action.Compression, action.Compressor, action.Recipients}, nil
	case *Replicate:
		return nil, jsonCopy{Artifact: action.Artifact, Destination: action.To, From: action.From, Others: action.Others}, nil
	case *Repair:
		return jsonCopy{Artifact: action.Artifact, Destination: action.To},
			jsonCopy{Artifact: action.Artifact, Destination: action.To, From: action.From, Others: action.Others}, nil
	case *Verify:
		seen := jsonCopy{Artifact: action.Artifact, Destination: action.Destination, Key: action.Adopt, Problem: action.Problem, Checksum: action.Checksum}
		return seen, seen, nil
	case *Drill:
		drilled := jsonDrill{action.Artifact, action.From, action.Into}
		return drilled, drilled, nil
	case *Deploy:
		return deployEffect(action)
	case *Prune:
		return jsonCopy{
			Artifact: action.Artifact, Destination: action.Destination, Key: action.Key,
			Version: action.Version, ManifestVersion: action.ManifestVersion, Remaining: action.Remaining,
		}, nil, nil
	case *Keep:
		kept := jsonCopy{Artifact: action.Artifact, Destination: action.Destination, KeptBy: action.By}
		return kept, kept, nil
	case *Forget:
		return jsonCopy{Artifact: action.Artifact, Destination: action.Destination}, nil, nil
	case *Cleanup:
		return cleanupEffect(action)
	case *Sweep:
		if action.Scratch != "" {
			return jsonScratch{action.Scratch, action.ScratchAt, action.Intent}, nil, nil
		}
		return jsonCopy{
			Destination: action.Destination, Key: action.Key, Version: action.Version, Intent: action.Intent, Remnants: action.Remnants,
		}, nil, nil
	case *Move:
		return jsonRecords{action.From, action.Artifacts}, jsonRecords{action.To, action.Artifacts}, nil
	case *Release:
		return jsonRecords{action.From, action.Artifacts}, nil, nil
	case *Adopt:
		return nil, jsonCopy{Artifact: action.Artifact, Destination: action.Destination, Key: action.Key}, nil
	case *Blocked:
		return nil, nil, nil
	default:
		return nil, nil, fmt.Errorf("no JSON form for an action of kind %q", action.Kind())
	}
}
