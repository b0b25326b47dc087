package planner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Check says why the plan must not be carried out any more, or nil: the specification is another, the state is another's,
// the plan is older than maxAge, or the state of one of its own backups has moved. What happened to other backups does not
// matter.
func (s *SavedPlan) Check(specification *spec.Spec, document *state.Document, now time.Time, maxAge time.Duration) error {
	plan := s.Plan
	if specification.Digest != plan.SpecDigest {
		return fmt.Errorf("the specification %s has changed since the plan was saved: make a new plan", s.SpecPath)
	}
	if plan.Lineage != "" && document.Lineage != plan.Lineage {
		return fmt.Errorf("the plan was made for another state (lineage %s, this one is %s): make a new plan", plan.Lineage, document.Lineage)
	}
	age := now.Sub(plan.CreatedAt)
	if maxAge > 0 && age > maxAge {
		return fmt.Errorf("the plan is %s old, more than %s: make a new plan", units.Age(age), units.Duration(maxAge))
	}
	if age < -MaxSkew {
		return fmt.Errorf("the plan was made at %s, in the future: some clock is wrong, make a new plan", moment(plan.CreatedAt))
	}
	current := document.Fingerprints()
	nothing := state.Fingerprint(nil, nil)
	for _, backup := range slices.Sorted(maps.Keys(plan.Fingerprints)) {
		if cmp.Or(current[backup], nothing) != plan.Fingerprints[backup] {
			return fmt.Errorf("the state of %s has changed since the plan was saved: make a new plan", backup)
		}
	}
	return nil
}
