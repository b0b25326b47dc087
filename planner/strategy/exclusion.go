package strategy

import (
	"fmt"
	"slices"

	"github.com/castrolanda/imsctl/internal/units"
)

// exclusions are the reasons for which a strategy cannot be taken, as clauses; none when it can. A freeze is not among them.
func exclusions(s Strategy, f Facts, allowed Allowed) []string {
	var reasons []string
	exclude := func(when bool, reason string) {
		if when {
			reasons = append(reasons, reason)
		}
	}
	if allowed.Strategies != nil {
		exclude(!slices.Contains(allowed.Strategies, s), "it is not among those that may be taken")
	}
	remoteDown, hostDown, wayDown := down(f.Remote), down(f.Host), down(f.FromHost)
	uncommitted, _ := f.Uncommitted.Get()
	if disk, known := f.Disk.Get(); known && s != Local {
		exclude(disk.Free < noRoom, fmt.Sprintf("the disk has %s free, and a release needs room", units.Bytes(disk.Free)))
	}
	left := units.Counted(uncommitted, "file is not committed and would be left out: commit it first", "files are not committed and would be left out: commit them first")
	switch s {
	case GitHub:
		exclude(remoteDown, "the remote does not answer")
		exclude(hostDown, "the host does not answer")
		exclude(wayDown, "the host cannot reach the remote")
		exclude(uncommitted > 0, left)
	case Hybrid:
		exclude(hostDown, "the host does not answer")
		exclude(uncommitted > 0 && !allowed.Uncommitted, units.Counted(uncommitted, "file is not committed: commit it", "files are not committed: commit them")+", or set allow_uncommitted")
	case Local:
		exclude(hostDown, "the host does not answer")
		missing := notThere(f, allowed)
		exclude(missing != "", missing)
	case VM:
		agent, _ := f.Agent.Get()
		published, known := f.Published.Get()
		exclude(hostDown && !agent, "the host does not answer, and no agent is known to run there")
		exclude(wayDown, "the host cannot reach the remote")
		exclude(remoteDown && known && !published, "the remote lacks the revision and does not answer, so that it cannot be pushed")
		exclude(hostDown && known && !published, "the remote lacks the revision, and a host that does not answer can only fetch what is there")
		exclude(uncommitted > 0, left)
	}
	return reasons
}

// down reports whether something is known not to answer.
func down(reach Known[Reach]) bool {
	r, known := reach.Get()
	return known && !r.Reachable
}

// notThere says why a restart of what is there would not bring what is wanted; nothing when it would.
func notThere(f Facts, allowed Allowed) string {
	running, runs := f.Running.Get()
	same, known := f.isSame()
	switch {
	case runs && running == "":
		return "nothing is deployed yet that could be restarted"
	case allowed.Restart:
		return ""
	case same && allowed.OtherFiles:
		return "other files are wanted, and it only restarts what is there"
	case !known:
		return "it is not known whether the wanted revision is there, and it only restarts what is"
	case !same:
		return "another revision is wanted, and it only restarts the one that is there"
	}
	return ""
}

// doubts are what a strategy needs and nothing is known of, as names of factors.
func doubts(s Strategy, f Facts) []string {
	needs := map[Strategy][]string{
		GitHub: {"uncommitted", "remote", "remote_from_host", "host", "disk"}, Hybrid: {"uncommitted", "host", "disk"},
		Local: {"host"}, VM: {"uncommitted", "remote_from_host", "host", "disk"},
	}
	known := map[string]bool{
		"uncommitted": f.Uncommitted.known, "remote": f.Remote.known, "remote_from_host": f.FromHost.known, "host": f.Host.known || f.Agent.value, "disk": f.Disk.known,
	}
	var missing []string
	for _, name := range needs[s] {
		if !known[name] {
			missing = append(missing, name)
		}
	}
	return missing
}
