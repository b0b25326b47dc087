package planner

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// SavedPlan is a plan that was written to a file to be applied later, with what is needed to tell whether it still fits.
type SavedPlan struct {
	// SpecPath is the specification's path, absolute; its digest is the plan's.
	SpecPath string
	// Variables are the values given from outside, by name, as they were written. Sensitive ones are not among them.
	Variables map[string]string
	// VariableFiles are the files of values that were given, in their order.
	VariableFiles []string
	Plan          *Plan
}

// maxSaved is the size above which a file is no saved plan, in bytes.
const maxSaved = 1 << 30

// savedFile is the file's form.
type savedFile struct {
	Type          string            `json:"type"`
	FormatVersion string            `json:"format_version"`
	SpecPath      string            `json:"spec_path"`
	SpecDigest    string            `json:"spec_digest"`
	Variables     map[string]string `json:"variables"`
	VariableFiles []string          `json:"variable_files"`
	Lineage       string            `json:"lineage"`
	Serial        uint64            `json:"serial"`
	CreatedAt     time.Time         `json:"created_at"`
	Refreshed     bool              `json:"refreshed"`
	RefreshOnly   bool              `json:"refresh_only,omitzero"`
	Fingerprints  map[string]string `json:"fingerprints"`
	Actions       []savedAction     `json:"actions"`
	Notes         []Note            `json:"notes"`
}

// savedAction is an action behind its kind.
type savedAction struct {
	Kind   Kind           `json:"kind"`
	Action jsontext.Value `json:"action"`
}

// savedType is what the file says it is.
const savedType = "saved_plan"

// Save writes a plan to be loaded again. The caller sees to the file's mode and to its being whole.
func Save(w io.Writer, saved SavedPlan) error {
	plan := saved.Plan
	file := savedFile{
		Type: savedType, FormatVersion: FormatVersion, SpecPath: saved.SpecPath, SpecDigest: plan.SpecDigest,
		Variables: saved.Variables, VariableFiles: saved.VariableFiles, Lineage: plan.Lineage, Serial: plan.Serial, CreatedAt: plan.CreatedAt.UTC(),
		Refreshed: plan.Refreshed, RefreshOnly: plan.RefreshOnly, Fingerprints: plan.Fingerprints, Notes: plan.Notes,
	}
	for _, action := range plan.Actions {
		data, err := json.Marshal(action)
		if err != nil {
			return fmt.Errorf("saving %s: %w", action.Common().Address, err)
		}
		file.Actions = append(file.Actions, savedAction{Kind: action.Kind(), Action: data})
	}
	if err := json.MarshalWrite(w, file, json.Deterministic(true)); err != nil {
		return fmt.Errorf("saving the plan: %w", err)
	}
	return nil
}

// LoadSaved reads a plan that Save wrote. Anything that Save would not have written is an error: another format version, an
// unknown kind or field, a file that was cut, addresses that do not fit their actions, dependencies that lead nowhere or
// in a circle.
func LoadSaved(r io.Reader) (*SavedPlan, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSaved+1))
	if err != nil {
		return nil, fmt.Errorf("reading the saved plan: %w", err)
	}
	if len(data) > maxSaved {
		return nil, errors.New("the file is larger than any saved plan")
	}
	var header struct {
		Type          string `json:"type"`
		FormatVersion string `json:"format_version"`
	}
	if err := json.Unmarshal(data, &header); err != nil {
		return nil, fmt.Errorf("not a saved plan, or one that was cut or damaged; make it again with plan -out: %w", err)
	}
	if header.Type != savedType {
		return nil, errors.New("not a saved plan: make one with plan -out")
	}
	if header.FormatVersion != FormatVersion {
		return nil, fmt.Errorf("the saved plan has format version %q and this imsctl reads %q: make it again with plan -out",
			header.FormatVersion, FormatVersion)
	}
	var file savedFile
	if err := json.Unmarshal(data, &file, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("the saved plan is damaged; make it again with plan -out: %w", err)
	}
	saved, err := file.decode()
	if err != nil {
		return nil, fmt.Errorf("the saved plan is damaged; make it again with plan -out: %w", err)
	}
	return saved, nil
}

// decode turns the file's form into a plan and checks it.
func (f *savedFile) decode() (*SavedPlan, error) {
	plan := &Plan{
		CreatedAt: f.CreatedAt.UTC(), SpecDigest: f.SpecDigest, Lineage: f.Lineage, Serial: f.Serial,
		Fingerprints: f.Fingerprints, Notes: f.Notes, Refreshed: f.Refreshed, RefreshOnly: f.RefreshOnly,
	}
	for i, saved := range f.Actions {
		action, err := newAction(saved.Kind)
		if err != nil {
			return nil, fmt.Errorf("action %d: %w", i+1, err)
		}
		if err := json.Unmarshal(saved.Action, action, json.RejectUnknownMembers(true)); err != nil {
			return nil, fmt.Errorf("action %d: %w", i+1, err)
		}
		plan.Actions = append(plan.Actions, action)
	}
	if err := check(plan); err != nil {
		return nil, err
	}
	return &SavedPlan{SpecPath: f.SpecPath, Variables: f.Variables, VariableFiles: f.VariableFiles, Plan: plan}, nil
}

// newAction makes an empty action of a kind.
func newAction(kind Kind) (Action, error) {
	switch kind {
	case KindBackup:
		return new(Backup), nil
	case KindReplicate:
		return new(Replicate), nil
	case KindRepair:
		return new(Repair), nil
	case KindVerify:
		return new(Verify), nil
	case KindDrill:
		return new(Drill), nil
	case KindDeploy:
		return new(Deploy), nil
	case KindPrune:
		return new(Prune), nil
	case KindKeep:
		return new(Keep), nil
	case KindForget:
		return new(Forget), nil
	case KindCleanup:
		return new(Cleanup), nil
	case KindSweep:
		return new(Sweep), nil
	case KindMove:
		return new(Move), nil
	case KindRelease:
		return new(Release), nil
	case KindAdopt:
		return new(Adopt), nil
	case KindBlocked:
		return new(Blocked), nil
	default:
		return nil, fmt.Errorf("%q is not a kind of action", kind)
	}
}
