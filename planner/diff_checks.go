package planner

import (
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// judgeChecks tells of the checks that do not pass: one that fails needs somebody's attention, and one that warns, or that is declared
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
