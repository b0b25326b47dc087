package planner

// Addresses of actions. What concerns a backup as a whole has the backup's own address; what concerns one of its
// destinations adds "@" and the destination's; what concerns one copy adds "#" and the artifact's id. A suffix after "/"
// keeps apart two actions on the same thing.

// unfinishedSuffix marks what an interrupted upload left, retentionSuffix the deletions that a limit or a doubt holds back,
// keptSuffix what is recorded of a copy that the store keeps, readBackSuffix the reading back of a copy that the same plan brings, movedSuffix and removedSuffix the changes to what is recorded.
// scratchSuffix marks the scratch place of a drill's interrupted run: the name of the place follows.
const (
	unfinishedSuffix = "/unfinished"
	scratchSuffix    = "/scratch/"
	retentionSuffix  = "/retention"
	readBackSuffix   = "/read_back"
	keptSuffix       = "/kept"
	movedSuffix      = "/moved"
	removedSuffix    = "/removed"
)

// placeAddress is the address of a backup at one of its destinations.
func placeAddress(backup, destination string) string { return backup + "@" + destination }

// copyAddress is the address of one copy of an artifact.
func copyAddress(backup, destination, artifact string) string {
	return backup + "@" + destination + "#" + artifact
}
