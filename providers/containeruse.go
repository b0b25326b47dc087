package providers

import "context"

// UseTeller is a Containers that tells what of the host its containers use.
type UseTeller interface {
	Containers
	// Uses lists the folders and files of the host that containers use, running or not: what they mount, and what they were made
	// from; sorted by container, then by path.
	Uses(ctx context.Context) ([]ContainerUse, error)
}

// ContainerUse is a folder or file of the host that a container uses.
type ContainerUse struct {
	Container string
	// State is created, running, paused, restarting, removing, exited or dead.
	State string
	// How is a part of a sentence: "mounts", "is of the compose project in", "is of the compose file".
	How  string
	Path string
}

// Runs reports whether the container runs, or is about to.
func (u ContainerUse) Runs() bool {
	return u.State == "running" || u.State == "paused" || u.State == "restarting"
}
