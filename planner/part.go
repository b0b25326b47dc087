package planner

import (
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Part returns the addresses of the blocks that a plan of the scope may change something of, sorted, with the backups that they wait for or
// stand behind them; none where that may be everything.
func (s Scope) Part(specification *spec.Spec) []string {
	if len(s.Targets) == 0 || len(s.Exclude) > 0 {
		return nil
	}
	part := make(map[string]bool)
	var pending []string
	for _, target := range s.Targets {
		block, _, _ := strings.Cut(target, "@")
		block, _, _ = strings.Cut(block, trashSuffix)
		if isDestination(block) {
			return nil
		}
		pending = append(pending, block)
	}
	for len(pending) > 0 {
		block := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if !part[block] {
			part[block] = true
			pending = append(pending, needed(specification, block)...)
		}
	}
	blocks := make([]string, 0, len(part))
	for block := range part {
		blocks = append(blocks, block)
	}
	slices.Sort(blocks)
	return blocks
}

// needed are the backups that a block, or an instance of it, waits for or has behind it.
func needed(specification *spec.Spec, block string) []string {
	concerns := func(address string) bool { return state.Belongs(address, block) || state.Belongs(block, address) }
	var found []string
	for _, backup := range specification.Backups {
		if concerns(backup.Address) {
			found = append(found, backup.DependsOn...)
		}
	}
	for _, drill := range specification.Drills {
		if concerns(drill.Address) {
			found = append(found, drill.Backup)
		}
	}
	for _, deploy := range specification.Deploys {
		if concerns(deploy.Address) {
			found = append(found, slices.Concat(deploy.BackupsBefore, deploy.Restore)...)
		}
	}
	for _, cleanup := range specification.Cleanups {
		if config, ok := cleanup.Config.(providers.CleanupConfig); ok && concerns(cleanup.Address) {
			if guard := config.Guard().Backup.Address; guard != "" {
				found = append(found, guard)
			}
		}
	}
	return found
}
