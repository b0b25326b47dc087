package planner

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// check holds a loaded plan against what Plan and its actions promise.
func check(plan *Plan) error {
	if plan.CreatedAt.IsZero() {
		return errors.New("it does not say when it was made")
	}
	indexes := make(map[string]int, len(plan.Actions))
	for i, action := range plan.Actions {
		meta := action.Common()
		if i > 0 && plan.Actions[i-1].Common().Address >= meta.Address {
			return fmt.Errorf("%q is out of order or there twice", meta.Address)
		}
		if err := checkAction(action); err != nil {
			return fmt.Errorf("%q: %w", meta.Address, err)
		}
		for _, address := range concerned(action) {
			if _, ok := plan.Fingerprints[address]; !ok {
				return fmt.Errorf("there is no fingerprint of %q", address)
			}
		}
		indexes[meta.Address] = i
	}
	return checkOrder(plan.Actions, indexes)
}

// checkAction checks what can be told from one action alone.
func checkAction(action Action) error {
	meta := action.Common()
	if blocked, ok := action.(*Blocked); ok && meta.Backup == "" {
		return checkUnserving(blocked)
	}
	if deploy, ok := action.(*Deploy); ok {
		return checkDeploy(deploy)
	}
	if cleanup, ok := action.(*Cleanup); ok {
		return checkCleanup(cleanup)
	}
	if !isAddress(meta.Backup, "backup.") {
		return fmt.Errorf("%q is not the address of a backup", meta.Backup)
	}
	switch meta.Cause {
	case CauseChange, CauseDrift, CauseTime, CauseRecovery:
	default:
		return fmt.Errorf("%q is not a cause", meta.Cause)
	}
	if meta.Bytes < 0 || meta.Seconds < 0 {
		return errors.New("its prediction is negative")
	}
	for _, destination := range destinationsOf(action) {
		if !isAddress(destination, "destination.") {
			return fmt.Errorf("%q is not the address of a destination", destination)
		}
	}
	if !hasOwnAddress(action) {
		return errors.New("the address is not that of what it does")
	}
	return checkFields(action)
}

// checkDeploy checks what a deploy rests on.
func checkDeploy(action *Deploy) error {
	switch {
	case !isAddress(action.Address, "deploy."):
		return errors.New("the address is not that of a deploy")
	case action.Backup != "":
		return errors.New("it serves a backup")
	case (action.Continues == "") != (action.Taken == ""):
		return errors.New("it does not say how the interrupted deploy is taken up")
	case action.Taken != Closed && action.Taken != Reverted && (!isCommit(action.To) || action.Strategy == ""):
		return errors.New("it does not say what is deployed, and how")
	case (action.Strategy == Rollback) != (action.Returns != ""):
		return errors.New("it does not say which release is gone back to")
	case action.Taken == Reverted && action.Previous == "":
		return errors.New("there is nothing to go back to")
	case action.MaxAge < 0 || action.Commits < 0 || action.Files < 0:
		return errors.New("a number is negative")
	}
	for _, id := range []string{action.Previous, action.Returns} {
		if id != "" && (!isKey(id) || strings.Contains(id, "/")) {
			return fmt.Errorf("%q is not the name of a release", id)
		}
	}
	return nil
}

// checkCleanup checks what the removal of something rests on.
func checkCleanup(action *Cleanup) error {
	trash := action.Step == StepPurge || action.Step == StepRecord
	switch {
	case !isAddress(action.Block, "cleanup."):
		return errors.New("the address is not that of a cleanup")
	case !trash && action.Step != StepRemove && action.Step != StepTrash:
		return fmt.Errorf("%q is no step of a cleanup", action.Step)
	case action.Address != cleanupAddress(action.Block, action.Trash):
		return errors.New("the address is not that of what it does")
	case action.Backup != "":
		return errors.New("it serves a backup")
	case trash != (action.Trash != "") || trash != !action.MovedAt.IsZero():
		return errors.New("it does not say which trash is meant, and since when it is there")
	case !trash && (len(action.Items) == 0 || action.Fingerprint == ""):
		return errors.New("it does not say what is removed")
	case action.Behind != "" && (!isAddress(action.Behind, "backup.") || action.MinCopies < 1 || action.Artifact == ""):
		return errors.New("it does not say which backup stands behind it")
	case action.Bytes < 0 || action.Seconds < 0:
		return errors.New("its prediction is negative")
	}
	return nil
}

// isCommit reports whether text is a whole hash.
func isCommit(text string) bool {
	return (len(text) == 40 || len(text) == 64) && !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
}

// checkUnserving checks what is blocked and serves no backup: a check, a deploy, a change to the state. Nothing is executed of
// it.
func checkUnserving(blocked *Blocked) error {
	if address := blocked.Address; address == "" || strings.HasPrefix(address, "backup.") || printable(address) != address {
		return errors.New("it serves no backup")
	}
	if len(blocked.After) > 0 {
		return errors.New("what is blocked waits for nothing")
	}
	return nil
}

// checkFields checks the fields that deletions and copies rest on.
func checkFields(action Action) error {
	switch action := action.(type) {
	case *Backup:
		if len(action.Destinations) == 0 || action.MinCopies < 1 || action.MinCopies > len(action.Destinations) {
			return errors.New("min_copies does not fit the destinations")
		}
	case *Replicate:
		return checkCopy(action.Artifact, action.From, action.Others, action.To)
	case *Repair:
		return checkCopy(action.Artifact, action.From, action.Others, action.To)
	case *Verify:
		if action.Adopt != "" && !isKey(action.Adopt) {
			return fmt.Errorf("%q is not a key", action.Adopt)
		}
		if action.Artifact == "" && (action.Adopt != "" || len(action.After) == 0) {
			return errors.New("it does not say which artifact is meant")
		}
		if action.Adopt != "" && action.Problem != "" {
			return errors.New("it adopts what it knows to be bad")
		}
	case *Drill:
		if action.Artifact == "" && len(action.After) == 0 {
			return errors.New("it does not say which artifact is meant")
		}
	case *Prune:
		if !isKey(action.Key) {
			return fmt.Errorf("%q is not a key", action.Key)
		}
		if action.Remaining < 1 {
			return errors.New("it would leave no verified copy")
		}
	case *Keep:
		if action.By == "" {
			return errors.New("it does not say by what the copy is kept")
		}
	case *Sweep:
		if action.Scratch != "" {
			return checkScratch(action)
		}
		if !isKey(action.Key) {
			return fmt.Errorf("%q is not a key", action.Key)
		}
	case *Move:
		if action.From == action.To || isDestination(action.From) != isDestination(action.To) || !isDestination(action.To) && action.To != action.Backup {
			return errors.New("it moves nothing")
		}
		return checkRecords(action.From)
	case *Release:
		return checkRecords(action.From)
	case *Adopt:
		if !isKey(action.Key) {
			return fmt.Errorf("%q is not a key", action.Key)
		}
		if action.ManifestSHA256 == "" {
			return errors.New("it does not say which manifest is meant")
		}
	}
	return nil
}

// checkScratch checks the scratch place that is removed: nothing else must be.
func checkScratch(action *Sweep) error {
	switch {
	case !providers.IsScratchName(action.Scratch):
		return fmt.Errorf("%q is not the name of a scratch place", action.Scratch)
	case !isAddress(action.Drill, "drill."):
		return fmt.Errorf("%q is not the address of a drill", action.Drill)
	case action.Destination != "" || action.Key != "" || action.Version != "" || len(action.Remnants) > 0:
		return errors.New("it removes a scratch place and something else")
	}
	return nil
}

// checkRecords checks the address whose records change.
func checkRecords(from string) error {
	if !isAddress(from, "backup.") && !isAddress(from, "destination.") {
		return fmt.Errorf("%q is not the address of a backup or a destination", from)
	}
	return nil
}

// checkCopy checks the ends of a copy.
func checkCopy(artifact, from string, others []string, to string) error {
	if artifact == "" || from == to || slices.Contains(others, to) {
		return errors.New("it copies nothing")
	}
	return nil
}

// destinationsOf lists the destinations that an action names.
func destinationsOf(action Action) []string {
	switch action := action.(type) {
	case *Backup:
		return action.Destinations
	case *Replicate:
		return slices.Concat(action.Others, []string{action.From, action.To})
	case *Repair:
		return slices.Concat(action.Others, []string{action.From, action.To})
	case *Verify:
		return []string{action.Destination}
	case *Drill:
		return []string{action.From}
	case *Prune:
		return []string{action.Destination}
	case *Keep:
		return []string{action.Destination}
	case *Forget:
		return []string{action.Destination}
	case *Sweep:
		if action.Scratch != "" {
			return nil
		}
		return []string{action.Destination}
	case *Adopt:
		return []string{action.Destination}
	default:
		return nil
	}
}

// hasOwnAddress reports whether the address follows from what the action does.
func hasOwnAddress(action Action) bool {
	meta := action.Common()
	own := func(destination, artifact string) bool {
		return artifact != "" && meta.Address == copyAddress(meta.Backup, destination, artifact)
	}
	switch action := action.(type) {
	case *Backup:
		return meta.Address == meta.Backup
	case *Replicate:
		return own(action.To, action.Artifact)
	case *Repair:
		return own(action.To, action.Artifact)
	case *Verify:
		if address, after := strings.CutSuffix(meta.Address, readBackSuffix); after && action.Artifact == "" {
			return address == placeAddress(meta.Backup, action.Destination)
		} else if after {
			return address == copyAddress(meta.Backup, action.Destination, action.Artifact)
		}
		return own(action.Destination, action.Artifact)
	case *Drill:
		return isAddress(meta.Address, "drill.")
	case *Prune:
		return own(action.Destination, action.Artifact)
	case *Keep:
		return action.Artifact != "" && meta.Address == copyAddress(meta.Backup, action.Destination, action.Artifact)+keptSuffix
	case *Forget:
		return own(action.Destination, action.Artifact)
	case *Sweep:
		if action.Scratch != "" {
			return meta.Address == action.Drill+scratchSuffix+action.Scratch
		}
		return strings.HasPrefix(meta.Address, copyAddress(meta.Backup, action.Destination, "")) &&
			strings.HasSuffix(meta.Address, unfinishedSuffix)
	case *Adopt:
		return own(action.Destination, action.Artifact)
	case *Move:
		return meta.Address == recordsAddress(meta.Backup, action.To)+movedSuffix
	case *Release:
		return meta.Address == recordsAddress(meta.Backup, action.From)+removedSuffix
	default:
		return meta.Address == meta.Backup || isAddress(meta.Address, "drill.") || strings.HasPrefix(meta.Address, meta.Backup+"#") || strings.HasPrefix(meta.Address, meta.Backup+"@destination.")
	}
}

// recordsAddress is the address of what is recorded of a backup, or of it at the destination that address is.
func recordsAddress(backup, address string) string {
	if isDestination(address) {
		return placeAddress(backup, address)
	}
	return address
}

// isAddress reports whether text can be an address of the kind that begins with start.
func isAddress(text, start string) bool {
	return len(text) > len(start) && strings.HasPrefix(text, start) && !strings.ContainsAny(text, "@#") && printable(text) == text
}

// isKey reports whether text is a key as destinations promise them: a relative path of printable ASCII.
func isKey(text string) bool {
	for _, part := range strings.Split(text, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// checkOrder checks that the dependencies lead to actions of the plan and in no circle.
func checkOrder(actions []Action, indexes map[string]int) error {
	waiting := make([]int, len(actions))
	dependants := make([][]int, len(actions))
	for i, action := range actions {
		for _, address := range action.Common().After {
			dependency, ok := indexes[address]
			if !ok {
				return fmt.Errorf("%q waits for %q, which is not in the plan", action.Common().Address, address)
			}
			waiting[i]++
			dependants[dependency] = append(dependants[dependency], i)
		}
	}
	var ready []int
	for i, n := range waiting {
		if n == 0 {
			ready = append(ready, i)
		}
	}
	ordered := 0
	for ; ordered < len(ready); ordered++ {
		for _, dependant := range dependants[ready[ordered]] {
			if waiting[dependant]--; waiting[dependant] == 0 {
				ready = append(ready, dependant)
			}
		}
	}
	if ordered == len(actions) {
		return nil
	}
	for i, n := range waiting {
		if n > 0 {
			return fmt.Errorf("%q waits for itself, directly or in a circle", actions[i].Common().Address)
		}
	}
	return nil
}
