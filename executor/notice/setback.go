package notice

import (
	"context"
	"errors"
	"strings"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// Settlement is what the run has found out about what could not be done: to be recorded, so that the next run knows. It is nil when that
// is what is recorded already: nothing failed, and nothing had.
func (r *Run) Settlement() *state.Settlement {
	if r.Report == nil {
		return nil
	}
	settlement := &state.Settlement{}
	before := make(map[string]*state.Setback, len(r.Before.Setbacks))
	for _, setback := range r.Before.Setbacks {
		before[setback.Address] = setback
	}
	met := make(map[string]bool)
	for _, entry := range r.Report.Entries {
		address := entry.Action.Common().Address
		if !isBad(entry) || r.isCut(entry) || met[address] {
			continue
		}
		met[address] = true
		setback := &state.Setback{Address: address, Since: r.EndedAt.UTC(), LastAt: r.EndedAt.UTC(), Runs: 1, Degraded: !isFailure(entry), Error: r.redact(explain(entry))}
		if earlier := before[address]; earlier != nil {
			setback.Since, setback.Runs = earlier.Since, earlier.Runs+1
		}
		settlement.Failed = append(settlement.Failed, setback)
	}
	for _, setback := range r.Before.Setbacks {
		if !met[setback.Address] && r.isWell(setback) {
			settlement.Well = append(settlement.Well, setback.Address)
		}
	}
	if len(settlement.Failed)+len(settlement.Well) == 0 {
		return nil
	}
	return settlement
}

// isBad reports whether what the entry is about is not as it is declared after the run.
func isBad(entry executor.Entry) bool { return isFailure(entry) || isDegraded(entry) }

// isWell reports whether what could not be done before is well now: the run has done it, or it was about everything and found nothing wrong
// with it.
func (r *Run) isWell(setback *state.Setback) bool {
	done := false
	for _, entry := range r.Report.Entries {
		common := entry.Action.Common()
		if common.Address != setback.Address && common.Backup != setback.Address {
			continue
		}
		if isBad(entry) || entry.Status == executor.NotStarted || entry.Status == executor.Skipped {
			return false
		}
		done = done || common.Address == setback.Address && entry.Status == executor.Done
	}
	if !done && (!r.Whole || r.Report.Interrupted || r.Err != nil) {
		return false
	}
	for _, breach := range r.After {
		if breach.Kind != judgement.RunFailed && (breach.Address == setback.Address || strings.HasPrefix(breach.Address, setback.Address+"@")) {
			return false
		}
	}
	return true
}

// isCut reports whether an entry only failed because the run was interrupted.
func (r *Run) isCut(entry executor.Entry) bool {
	return r.Report.Interrupted && errors.Is(entry.Err, context.Canceled)
}

// recoveredSetbacks are the concerns of what could not be done before, and is well now, but for those addresses.
func (r *Run) recoveredSetbacks(told []providers.Concern) []providers.Concern {
	settlement := r.Settlement()
	if settlement == nil {
		return told
	}
	known := make(map[string]bool, len(told))
	for _, concern := range told {
		known[concern.Address] = true
	}
	for _, address := range settlement.Well {
		if known[address] {
			continue
		}
		for _, setback := range r.Before.Setbacks {
			if setback.Address == address {
				told = append(told, providers.Concern{Address: address, Text: "well again; since " + setback.Since.UTC().Format("2006-01-02 15:04 UTC") + " it had failed: " + setback.Error})
			}
		}
	}
	return told
}
