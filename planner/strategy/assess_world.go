package strategy

import (
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// What is slow, short or old.
const (
	slowRemote = 5 * time.Second
	slowHost   = 2 * time.Second
	longAgo    = 30 * 24 * time.Hour
	// Below one of these, in bytes or as a share, room is short; below noRoom bytes nothing that makes a release can be taken.
	lowDisk  = 2 << 30
	lowShare = 0.10
	noRoom   = 256 << 20
)

// assessRemote looks at the way to the repository.
func assessRemote(f Facts, _ Allowed) assessment {
	reach, known := f.Remote.Get()
	if !known {
		return unknown
	}
	a := assessment{known: true, measured: reach.String()}
	switch {
	case !reach.Reachable:
		a.phrase, a.values = "the remote does not answer", values{-2, 1, 0, 1}
	case reach.Took > slowRemote:
		a.phrase, a.values = "the remote takes "+units.Span(reach.Took)+" to answer", values{-1, 0, 0, 1}
	}
	if published, known := f.Published.Get(); known && published {
		a.measured += "; it has the revision"
	}
	return a
}

// String says it in a few words.
func (r Reach) String() string {
	if !r.Reachable {
		return "no answer"
	}
	return "answers in " + units.Span(r.Took)
}

// assessFromHost looks at the way from the host to the repository.
func assessFromHost(f Facts, _ Allowed) assessment {
	reach, known := f.FromHost.Get()
	if !known {
		return unknown
	}
	a := assessment{known: true, measured: reach.String()}
	switch {
	case !reach.Reachable:
		a.phrase, a.values = "the host cannot reach the remote", values{-2, 1, 0, -2}
	case reach.Took > slowRemote:
		a.phrase, a.values = "the remote takes "+units.Span(reach.Took)+" to answer the host", values{-1, 1, 0, -1}
	}
	return a
}

// assessHost looks at the way to the host.
func assessHost(f Facts, _ Allowed) assessment {
	reach, known := f.Host.Get()
	if !known {
		return unknown
	}
	a := assessment{known: true, measured: reach.String()}
	switch {
	case !reach.Reachable:
		a.phrase, a.values = "the host does not answer", values{-2, -2, -2, 2}
	case reach.Took > slowHost:
		a.phrase, a.values = "the host takes "+units.Span(reach.Took)+" to answer", values{-1, -2, -1, 2}
	}
	if agent, known := f.Agent.Get(); known && agent {
		a.measured += "; an agent runs there"
	}
	return a
}

// assessHours looks at whether people work: then what interrupts least is better.
func assessHours(f Facts, _ Allowed) assessment {
	hours, known := f.BusinessHours.Get()
	switch {
	case !known:
		return unknown
	case !hours.Declared:
		return assessment{known: true, measured: "none declared"}
	case hours.Inside:
		return assessment{true, "now, in " + hours.Zone, "it is business hours", values{0, 2, 0, -1}}
	}
	return assessment{true, "not now, in " + hours.Zone, "nobody works now", values{1, 0, 0, 1}}
}

// assessLast looks at how the last deploy went.
func assessLast(f Facts, _ Allowed) assessment {
	last, known := f.Last.Get()
	switch {
	case !known:
		return unknown
	case last == Deploy{}:
		return assessment{known: true, measured: "there was none"}
	}
	a := assessment{known: true, measured: fmt.Sprintf("%s by %s, %s ago", last.Result.words(), last.Strategy, units.Age(last.Age))}
	switch {
	case last.Result != Promoted:
		a.phrase, a.values = "the last deploy "+last.Result.clause(), values{2, -1, 0, 1}
		for i, strategy := range All() {
			if strategy == last.Strategy {
				a.values[i] = max(-2, a.values[i]-1)
			}
		}
	case last.Age > longAgo:
		a.phrase, a.values = "the last deploy is "+units.Age(last.Age)+" ago", values{1, -1, 0, 1}
	}
	return a
}

func (r Result) words() string {
	if r == RolledBack {
		return "rolled back"
	}
	return string(r)
}

func (r Result) clause() string {
	if r == RolledBack {
		return "was rolled back"
	}
	return string(r)
}

// assessContainers looks at the health of what runs.
func assessContainers(f Facts, _ Allowed) assessment {
	containers, known := f.Containers.Get()
	switch {
	case !known:
		return unknown
	case containers == Containers{}:
		return assessment{known: true, measured: "there are none"}
	case containers.Unhealthy == 0:
		return assessment{known: true, measured: fmt.Sprintf("%d healthy", containers.Healthy)}
	}
	return assessment{true, fmt.Sprintf("%d healthy, %d not", containers.Healthy, containers.Unhealthy),
		units.Counted(containers.Unhealthy, "container is", "containers are") + " not healthy", values{1, -1, 2, 0}}
}

// assessBackup looks at whether there is one to go back to.
func assessBackup(f Facts, _ Allowed) assessment {
	backup, known := f.Backup.Get()
	switch {
	case !known:
		return unknown
	case !backup.Required:
		return assessment{known: true, measured: "none required"}
	case !backup.Found:
		return assessment{true, "none; taken first", "there is no backup yet", values{1, -1, 0, 1}}
	}
	a := assessment{known: true, measured: units.Age(backup.Age) + " old"}
	if backup.MaxAge > 0 {
		a.measured += ", " + units.Duration(backup.MaxAge).String() + " allowed"
	}
	if !backup.fresh() {
		a.measured += "; taken first"
		a.phrase, a.values = "the backup is too old", values{1, -1, 0, 1}
	}
	return a
}

// assessDisk looks at the room for a release and its images.
func assessDisk(f Facts, _ Allowed) assessment {
	disk, known := f.Disk.Get()
	if !known {
		return unknown
	}
	a := assessment{known: true, measured: disk.String()}
	if disk.low() {
		a.phrase, a.values = "the disk has "+disk.String(), values{-1, 1, 1, -1}
	}
	return a
}

// percent prints a share. What is there at all is never shown as nothing.
func percent(share float64) string {
	if share > 0 && share < 0.01 {
		return "<1 %"
	}
	return fmt.Sprintf("%.0f %%", share*100)
}
