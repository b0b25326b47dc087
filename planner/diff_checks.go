package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// judgeChecks tells of the checks that do not pass: one that fails needs somebody's attention, unless a deploy is to mend it, and one that warns, or that is declared
// to do no more, is worth knowing. Those that nobody asked are counted.
func (d *differ) judgeChecks() {
	unasked := 0
	for _, check := range d.specification.Checks {
		if check.NotBuilt != "" {
			continue
		}
		finding, asked := d.finding(check.Address)
		switch {
		case !asked:
			unasked++
		case finding.Verdict == providers.Failed && !check.WarnOnly && d.barrierOf(check.Address) != "":
			d.add(&Blocked{Failed: true, Meta: Meta{Address: check.Address, Cause: CauseDrift,
				Reason: fmt.Sprintf("fails%s; %s asks it first, and touches nothing unless it passes then", seen(finding), d.barrierOf(check.Address))}})
		case finding.Verdict == providers.Failed && !check.WarnOnly && d.gateOf(check.Address) != "":
			d.note(check.Address, fmt.Sprintf("%s fails%s; %s asks it again", check.Address, seen(finding), d.gateOf(check.Address)))
		case finding.Verdict == providers.Failed && !check.WarnOnly:
			d.add(&Blocked{Failed: true, Meta: Meta{Address: check.Address, Reason: "fails" + seen(finding), Cause: CauseDrift}})
		case finding.Verdict != providers.Passed:
			d.note(check.Address, check.Address+" warns"+seen(finding))
		}
	}
	if unasked > 0 {
		were := "were"
		if unasked == 1 {
			were = "was"
		}
		d.notes = append(d.notes, Note{Address: "check", Code: ChecksUnasked, Text: fmt.Sprintf("%s %s not asked: whether what they are about is well is not part of this plan",
			units.Counted(unasked, "check", "checks"), were)})
	}
}

// gateOf is the deploy of this plan that asks a check when it is done, and fails where that does; empty for none. What fails because
// nothing runs yet, or because of what the deploy changes, needs nobody's attention before that.
func (d *differ) gateOf(address string) string {
	for _, decision := range d.deploys {
		if action, ok := decision.action.(*Deploy); ok && action.Taken != Closed && slices.Contains(decision.deploy.ChecksAfter, address) {
			return decision.deploy.Address
		}
	}
	return ""
}

// barrierOf is the deploy of this plan that asks a check before it touches anything; empty for none.
func (d *differ) barrierOf(address string) string {
	for _, decision := range d.deploys {
		if action, ok := decision.action.(*Deploy); ok && (action.Taken == "" || action.Taken == Superseded) && slices.Contains(decision.deploy.ChecksBefore, address) {
			return decision.deploy.Address
		}
	}
	return ""
}

// seen is what a check saw, behind what that means: in one line, without a full stop.
func seen(finding providers.Finding) string {
	if text := strings.TrimRight(oneLine(finding.Summary), ". "); text != "" {
		return ": " + text
	}
	return ""
}

// finding is what a check saw when it was asked for this plan.
func (d *differ) finding(address string) (providers.Finding, bool) {
	if d.observed == nil {
		return providers.Finding{}, false
	}
	finding, asked := d.observed.Checks[address]
	return finding, asked
}
