package providers

import "time"

// Backed is a Cleaner that must know what the guard's backup has, since some of what it is about may be in it and some not.
type Backed interface {
	Cleaner
	// Behind returns a cleaner that removes only what the backing has. The cleaner itself stays as it is, and knows of none.
	Behind(CleanupBacking) Cleaner
}

// CleanupBacking is what the guard's backup has.
type CleanupBacking struct {
	// Source is what it reads.
	Source SourceConfig
	// Artifacts are those with enough verified copies, oldest first.
	Artifacts []BackingArtifact
}

// BackingArtifact is an artifact that stands behind a cleanup.
type BackingArtifact struct {
	ID        string
	StartedAt time.Time
	// Logs are what it has of the logs of containers, none where it is of something else.
	Logs []LogSpan
}

// LogSpan is a part of the log of a container: all its messages whose time lies between both bounds, without them.
type LogSpan struct {
	// Container is its identification.
	Container string
	// After is zero for the beginning of the log.
	After, Until time.Time
}

// Holding is a SourceConfig that tells whether a file is among what it reads.
type Holding interface {
	SourceConfig
	// LeftOut says in words without a full stop why a file, or a folder with what is in it, that is no symbolic link and not behind
	// one, is not read; nothing when it is. The path is absolute and on the source's host. It does no I/O.
	LeftOut(environment Environment, path string, folder bool) string
}

// LogHolding is a SourceConfig of the logs of containers.
type LogHolding interface {
	SourceConfig
	// LogsOf are the names and patterns of the containers, and their host.
	LogsOf() (host Reference, patterns []string)
	// Spans are what the artifact has whose reading ended with a position. It does no I/O.
	Spans(position string) ([]LogSpan, error)
}
