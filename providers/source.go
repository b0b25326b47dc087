package providers

import (
	"context"
	"io"
)

// Source is one thing that is read to be backed up. It is safe for concurrent use.
type Source interface {
	// Format says what Read writes. It is constant and costs nothing.
	Format() Format
	// Inspect looks at the source without reading it: that it is reachable, that the tools are there and fit, and about how
	// large it is. Its errors are those that Read would have come to.
	Inspect(ctx context.Context) (Inspection, error)
	// Read writes the whole source to w once and returns when everything has been written AND the source itself has said
	// that it is complete: exit status 0 of every process, every file read. Any error means that what was written must not
	// be kept. When ctx ends, Read stops, leaves no process or session behind, and returns within five seconds. An error
	// from w ends it the same way and is returned wrapped.
	//
	// run identifies the reading in the outside world (an application name, for example).
	Read(ctx context.Context, run string, w io.Writer) (Reading, error)
}

// Querier is a Source that can be asked in SQL.
type Querier interface {
	Source
	// Query asks once, in a session that reads only, and returns the rows as text; a null is an empty text.
	Query(ctx context.Context, sql string) ([][]string, error)
}

// Continuing is a Source each of whose readings begins where one before it ended. Without a position it reads from the beginning
// of what there is.
type Continuing interface {
	Source
	// After returns the source as it goes on after a reading whose position was given, which this source or an earlier one of
	// the same block told. It does no I/O. A position that cannot be understood is an error.
	After(position string) (Source, error)
}

// Format is the form of a source's bytes, checked while they flow.
type Format struct {
	// Extension is the file name's, with a dot: ".sql", ".tar".
	Extension string
	// Headers are the accepted beginnings; the stream must contain one of them within its first HeaderWindow bytes.
	// None means that any beginning will do.
	Headers [][]byte
	// Trailer must occur within the last TrailerWindow bytes. Empty means that the end cannot be recognised by its bytes.
	Trailer []byte
}

// The windows in which a Format's marks are looked for, in bytes. PostgreSQL's dump writes a line after its end marker
// since 15.14, so the marker is not the last line.
const (
	HeaderWindow  = 1024
	TrailerWindow = 1024
)

// Inspection is what Inspect found.
type Inspection struct {
	// Bytes estimates the size of what Read will write; 0 when unknown.
	Bytes int64
	// Versions of the programs involved, by name: "server": "15.18", "pg_dump": "15.18".
	Versions map[string]string
}

// Reading is what is known about a completed Read.
type Reading struct {
	// Versions as in Inspection.
	Versions map[string]string
	// RowCounts per table ("public.products"), exact for the snapshot that was read; nil where there are no rows to count.
	RowCounts map[string]int64
	// KeyCounts are the keys of a store of keys, exact for the snapshot that was read; nil where there are none to count.
	KeyCounts *KeyCounts
	// Needs are what a server must have so that this can be restored there; nil where there is nothing to know.
	Needs *Needs
	// Container is the container that was read, nil where none was.
	Container *Container
	// Position is where the reading ended, in the source's own words; empty where each reading is of the whole. It holds no
	// secret. See Continuing.
	Position string
	// Warnings are things that someone should know although the reading is complete: "vanished while reading: a/b".
	Warnings []string
}

// KeyCounts are how many keys a store has.
type KeyCounts struct {
	// Databases are by number ("0"), Patterns by the pattern that keys match ("ml:*") in whatever database.
	Databases, Patterns map[string]KeyCount
}

// KeyCount is a number of keys, and how many of them expire.
type KeyCount struct{ Keys, Expiring int64 }

// Needs are what a dump of a database takes for granted of the server it is restored to. What of it is missing there can so be told
// before anything is done. It may be less than all that the dump needs, and never more.
type Needs struct {
	// Extensions are those that the dump makes.
	Extensions []string
	// Owners are the roles that things belong to, Grantees those that privileges are about: who has them, who gave them, and whose
	// default privileges are set. Roles are all others that the dump names.
	Owners, Grantees, Roles []string
}
