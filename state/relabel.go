package state

import "slices"

// Of returns the artifact as one of another backup. Its key and its manifest stay as they were written.
func (a *Artifact) Of(backup string) *Artifact {
	after := *a
	after.Backup = backup
	return &after
}

// Relocated returns the artifact with its copy at one destination recorded at another. A copy that is recorded there
// already stays as it is. Without a copy at the first the artifact itself is returned.
func (a *Artifact) Relocated(from, to string) *Artifact {
	i, exists := a.search(from)
	if !exists {
		return a
	}
	moved := a.Replicas[i]
	moved.Destination = to
	after := *a
	after.Replicas = slices.Delete(slices.Clone(a.Replicas), i, i+1)
	if j, taken := after.search(to); !taken {
		after.Replicas = slices.Insert(after.Replicas, j, moved)
	}
	return &after
}

// Without returns the artifact without its copy at a destination, or nil when that was its last. Without a copy there the
// artifact itself is returned.
func (a *Artifact) Without(destination string) *Artifact {
	after, err := a.withoutReplica(Replica{Destination: destination})
	if err != nil {
		return a
	}
	return after
}
