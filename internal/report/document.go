// Package report writes one page that shows how backups, drills, deploys and checks stand and how they went: a single HTML file that
// needs nothing from anywhere, and no script. It is told everything in a Document and asks nobody: the same Document gives the
// same bytes.
package report

import (
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// Document is all that a report says. Its texts may hold anything: they are escaped.
type Document struct {
	// Subject is the path of the specification.
	Subject string
	// MadeAt is now. Every time is shown in Location, which must be set.
	MadeAt   time.Time
	Location *time.Location
	// Version is that of imsctl; Serial and Lineage are the state's.
	Version string
	Serial  uint64
	Lineage string
	// Until is the end of what is foretold.
	Until time.Time
	// Declared is how many declared things were judged, Untrue of how many of them something is not true; Findings say what, the
	// worst first.
	Declared, Untrue int
	Findings         []Finding

	Destinations []Destination
	Backups      []Backup
	Drills       []Drill
	Deploys      []Deploy
	Checks       []Check
}

// Level is how bad something is.
type Level int

// Well: as declared. Unknown: nobody looked yet. Watch: not quite, and nothing is lost. Wrong: somebody has to do something.
const (
	Well Level = iota
	Unknown
	Watch
	Wrong
)

// Finding is something declared that is not true.
type Finding struct {
	Level   Level
	Address string
	// Text says what is not true: the end of a sentence that begins with the address, without a full stop.
	Text string
}

// Destination is a place for copies, of whatever backup.
type Destination struct {
	Address string
	// Copies are recorded there and take Bytes; LaterBytes is what they are about to take at the end of what is foretold.
	Copies            int
	Bytes, LaterBytes int64
	// Price is what 2^30 bytes cost there for a month; the zero Price where that is not known.
	Price units.Price
}

// Backup is one that is declared, with what is recorded of it.
type Backup struct {
	Address string
	// Verdict is one or two words, as `imsctl status` has them.
	Verdict string
	Level   Level
	// Schedule is in words: "every 24h".
	Schedule string
	// TakenAt is when the newest one began that could be restored, DueAt when the next one is due; zero when there is none.
	TakenAt, DueAt time.Time
	MinCopies      int
	// Artifacts are oldest first; Places are the declared destinations.
	Artifacts []Artifact
	Places    []Place
}

// Artifact is a backup that was taken.
type Artifact struct {
	ID string
	// StartedAt and EndedAt bound the reading of the source.
	StartedAt, EndedAt time.Time
	// RawBytes came from the source, StoredBytes are what a copy takes.
	RawBytes, StoredBytes int64
	// Method is the compression, with its level: "zstd 1". Encrypted says that it was encrypted too.
	Method    string
	Encrypted bool
}

// Condition is what is known of a copy.
type Condition int

// Verified: proven equal to what was backed up. Unproven: nobody has read it yet. Altered: known to be damaged. Missing: wanted, and not
// there.
const (
	Verified Condition = iota
	Unproven
	Altered
	Missing
)

// Place is a backup at one of its destinations.
type Place struct {
	Destination string
	Verdict     string
	Level       Level
	// Retention is the rules in words, empty where everything is kept. All is the age up to which every copy is kept, Some the one
	// up to which some may be.
	Retention string
	All, Some time.Duration
	// Copies are oldest first; the missing ones are among them.
	Copies []Copy
}

// Copy is one copy of an artifact.
type Copy struct {
	// Artifact is its position in the backup's Artifacts.
	Artifact  int
	Condition Condition
	// Problem says what was found, when it is altered.
	Problem string
	// EndsAt is from when on retention does not keep it, zero when that is not foretold; KeptBy the rule of the store that keeps it
	// all the same.
	EndsAt time.Time
	KeptBy string
}

// Drill is one that is declared, with those that were made.
type Drill struct {
	Address, Backup string
	Verdict         string
	Level           Level
	Schedule        string
	DueAt           time.Time
	// Runs are oldest first.
	Runs []DrillRun
}

// DrillRun is a restore that was made as a proof.
type DrillRun struct {
	StartedAt time.Time
	Passed    bool
	// Recovery is the measured recovery time; 0 when the restore did not end.
	Recovery              time.Duration
	Artifact, Destination string
	// Compared says what was held against what; Problem why it failed.
	Compared, Problem string
}

// Deploy is a deploy block, with the deploys that were made, oldest first.
type Deploy struct {
	Address string
	Verdict string
	Level   Level
	Runs    []DeployRun
}

// DeployRun is the attempt to make a revision run.
type DeployRun struct {
	StartedAt time.Time
	// EndedAt is zero for one that has not ended.
	EndedAt time.Time
	// Revision is the short hash, Branch where it came from.
	Revision, Branch string
	Strategy, By     string
	// Result is a word: "promoted".
	Result string
	Level  Level
	// Backups are the ids of the artifacts that stood behind it.
	Backups []string
	Problem string
}

// Check is one that is declared, with what it saw, oldest first.
type Check struct {
	Address string
	Verdict string
	Level   Level
	Results []CheckResult
}

// CheckResult is what a check saw.
type CheckResult struct {
	At      time.Time
	Verdict string
	Level   Level
	Summary string
	// UsedPercent is how full a disk was; negative where no disk was measured.
	UsedPercent float64
}
