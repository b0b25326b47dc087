package providers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"regexp"
)

// DrillTarget is where the drills of one block restore to, as the block says it. Which fields are used, the source type
// decides.
type DrillTarget struct {
	// Host is the machine that the server is reached from or the folder is on, zero for the one imsctl runs on.
	Host Reference
	// URL is that of a server, Path a folder on the host; either may be empty.
	URL, Path string
	// Directory is the absolute folder that a relative Path starts from.
	Directory string
	// Assertions are queries of which each must answer true.
	Assertions []string
}

// Driller restores artifacts into scratch places, to prove that it can be done. It is safe for concurrent use.
type Driller interface {
	// Location says where the scratch places are, without secrets: the place of an interrupted drill is looked for where it
	// was made.
	Location() string
	// Begin checks what can be checked before anything is restored, and makes the scratch place. On an error there is none,
	// unless it is ErrScratchLeft.
	Begin(ctx context.Context, scratch string) (Scratch, error)
	// Remove removes the scratch place that an interrupted drill left, whatever uses it. One that is gone is no error. It
	// refuses a name that is no ScratchName.
	Remove(ctx context.Context, scratch string) error
}

// ErrScratchLeft is found in the error of a Driller that could not take back what it had begun: the scratch place may be there.
var ErrScratchLeft = errors.New("the scratch place may be left")

// Scratch is a place that lives as long as one drill. It is used by one goroutine.
type Scratch interface {
	// Restore reads the uncompressed artifact from r to its end, as Restorer.Restore does, and puts it into the scratch place.
	Restore(ctx context.Context, r io.Reader) error
	// Compare holds what was restored against what was backed up and asks the assertions. The error is for what could not be
	// compared at all.
	Compare(ctx context.Context, expected DrillExpectation) (Comparison, error)
	// Warnings are what is worth a look although it is no failure, so far.
	Warnings() []string
	// Close removes the scratch place, whatever uses it. It works although the context of the others has ended.
	Close(ctx context.Context) error
}

// DrillExpectation is what is recorded of an artifact.
type DrillExpectation struct {
	// RowCounts per table, as in Reading; nil when none were counted.
	RowCounts map[string]int64
	// KeyCounts as in Reading; nil when none were counted.
	KeyCounts *KeyCounts
}

// Comparison is what a drill found.
type Comparison struct {
	// Tables and Rows are what was compared with RowCounts, Keys the keys that were compared with KeyCounts and the snapshot, Files the files, folders
	// and links that were compared with the archive, Assertions the queries that were asked.
	Tables     int
	Rows       int64
	Keys       int64
	Files      int
	Assertions int
	// Differences are what is not as it should be, one line each; none means that the backup is proven.
	Differences []string
}

// ScratchPrefix is what the names of all scratch places begin with: an operator sees by it what they are.
const ScratchPrefix = "imsctl_drill_"

var scratchName = regexp.MustCompile(`^` + ScratchPrefix + `[0-9a-f]{8}_[0-9a-f]{16}$`)

// runDigits is how many digits of a scratch name stand for the run.
const runDigits = 8

// ScratchName makes the name of a scratch place: of eight digits that stand for a run of one state, and sixteen random
// ones, all hexadecimal. It is fit for a database and for a folder.
func ScratchName(lineage, run, random string) string {
	sum := sha256.Sum256([]byte(lineage + " " + run))
	return ScratchPrefix + hex.EncodeToString(sum[:])[:runDigits] + "_" + random
}

// SameRun reports whether two scratch places were made by one run.
func SameRun(a, b string) bool {
	const end = len(ScratchPrefix) + runDigits
	return IsScratchName(a) && IsScratchName(b) && a[:end] == b[:end]
}

// IsScratchName reports whether ScratchName can have made a name. Nothing else is ever removed by a drill.
func IsScratchName(name string) bool { return scratchName.MatchString(name) }
