package executor

import (
	"strings"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
)

// limit has backups wait for each other that read from a host which has a limit.
func (w *walker) limit(specification *spec.Spec) {
	w.limits = make(map[string]int)
	for _, host := range specification.Hosts {
		if limited, ok := host.Config.(providers.Limited); ok {
			w.limits[host.Address] = max(1, limited.Parallel())
		}
	}
	for i := range w.entries {
		backup, ok := w.entries[i].Action.(*planner.Backup)
		if !ok {
			continue
		}
		for _, address := range specification.References[backup.Source] {
			if strings.HasPrefix(address, "host.") && w.limits[address] > 0 {
				w.host[i] = address
			}
		}
	}
}
