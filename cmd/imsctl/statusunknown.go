package main

import (
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner/judgement"
)

// unknown says what the state knows nothing of yet, and how that changes; empty when there is none.
func (p *statusPage) unknown() string {
	var checks, others int
	for _, check := range p.Checks {
		if check.Verdict == judgement.NeverAsked {
			checks++
		}
	}
	for _, deploy := range p.Deploys {
		if deploy.Verdict == judgement.NeverDeployed {
			others++
		}
	}
	for _, cleanup := range p.Cleanups {
		if cleanup.Verdict == judgement.NeverCleaned {
			others++
		}
	}
	var parts []string
	if checks > 0 {
		parts = append(parts, units.Counted(checks, "check that was", "checks that were")+` never asked ("imsctl check" does)`)
	}
	if others > 0 {
		parts = append(parts, units.Counted(others, "deploy or cleanup that was", "deploys and cleanups that were")+` never made ("imsctl plan" looks)`)
	}
	if len(parts) == 0 {
		return ""
	}
	return "It knows nothing of " + strings.Join(parts, ", and of ")
}
