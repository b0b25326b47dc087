package planner

import (
	"context"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// askChecks asks each check of the specification once, for as long as its timeout permits, and tells it what it saw before. What it
// says has no secret of the specification in it: it becomes a part of plans.
func (o *observation) askChecks(ctx context.Context, document *state.Document) map[string]providers.Finding {
	var asked []*spec.Check
	for _, declared := range o.specification.Checks {
		if declared.NotBuilt == "" && o.world.Checks[declared.Address] != nil {
			asked = append(asked, declared)
		}
	}
	findings := make([]providers.Finding, len(asked))
	o.each(ctx, len(asked), func(ctx context.Context, i int) {
		address := asked[i].Address
		findings[i] = providers.Once(ctx, Recall(o.world.Checks[address], document, address), asked[i].Timeout)
		findings[i].Summary = o.specification.Redact(findings[i].Summary)
	})
	byAddress := make(map[string]providers.Finding, len(asked))
	for i, finding := range findings {
		byAddress[asked[i].Address] = finding
	}
	return byAddress
}
