package providers

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// TargetKind says where a restore goes.
type TargetKind string

// The kinds of target beyond a plain file or standard output.
const (
	TargetDirectory TargetKind = "directory"
	TargetPostgres  TargetKind = "postgres"
	TargetRedis     TargetKind = "redis"
)

// Target is where a restore goes, and how much of an artifact. A provider refuses what it cannot keep to.
type Target struct {
	Kind TargetKind
	// Own is set where the target is the place that the artifact's source reads.
	Own bool
	// Host is the machine that the target is on or is reached from; zero for the one imsctl runs on.
	Host Reference
	// Location is the path of a folder or the URL of a server and database; empty where Container says where it is, or the URL by
	// which programs in there reach the server.
	Location string
	// Container is the container that the server runs in, User the role to connect as there and Password its password, which is never shown.
	Container, User, Password string
	// Database is the one to restore into; empty for that of Location.
	Database string
	// Tables ("public.products", "products" for any schema that has one), Schemas and Paths (patterns) are what is wanted of
	// the artifact; all of it where there are none. A name that is not in the artifact is an error with the nearest names.
	Tables, Schemas, Paths []string
	// NoOwner and NoPrivileges leave out who owns what and who may do what.
	NoOwner, NoPrivileges bool
	// Overwrite lets the restore replace what is at the target. Force lets it end the sessions of others that are in the way.
	Overwrite, Force bool
	// RowCounts are those of the artifact's manifest: what is restored must have as many, or it is not put in place.
	RowCounts map[string]int64
	// Needs are those of the manifest; nil where it has none.
	Needs *Needs
}

// Placed is a SourceConfig whose artifacts can be restored to the place that they were read from.
type Placed interface {
	SourceConfig
	// Place is that place, without any I/O. Two blocks that read the same have the same place.
	Place(Environment) Target
}

// Excluding is a Placed that leaves out some of what is at its place.
type Excluding interface {
	Placed
	// Excludes are the patterns of what is left out.
	Excludes() []string
}

// Restorer puts one artifact back.
type Restorer interface {
	// Prepare checks all that can be checked before the artifact is read: that the target is empty or can be made, or, with
	// Overwrite, that it can be replaced. What is in the way is an *OccupiedError. It changes nothing.
	Prepare(ctx context.Context) error
	// Restore reads the uncompressed artifact from r to its end and puts it at the target as one whole. Only io.EOF from r
	// means that the bytes are complete and proven; on any other error, or when ctx ends, the target is left as Prepare
	// found it. A nil error means that everything is there.
	Restore(ctx context.Context, r io.Reader) (Restored, error)
}

// Restored says what a completed restore has to tell.
type Restored struct {
	// Notes are facts that speak for it: "the rows of 12 tables are as many as were backed up".
	Notes []string
	// Warnings are what someone should look after although everything is there.
	Warnings []string
}

// OccupiedError reports a target that holds something.
type OccupiedError struct {
	// Target is the target in words: `database "ims" in container ims_postgres`.
	Target string
	// Holds names the first few things that are there.
	Holds []string
	// Advice says what else can be done than overwriting.
	Advice string
}

// Error implements error.
func (e *OccupiedError) Error() string {
	text := e.Target + " is not empty"
	if len(e.Holds) > 0 {
		text += fmt.Sprintf(" (it has %s)", strings.Join(e.Holds, ", "))
	}
	if e.Advice != "" {
		text += "; " + e.Advice
	}
	return text
}
