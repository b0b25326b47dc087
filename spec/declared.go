package spec

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/castrolanda/imsctl/providers"
)

// Drill is a restore that proves a backup.
type Drill struct {
	Address, Name string
	// Backup is an address; From is the destination that is restored from, empty for any.
	Backup, From string
	Schedule     Schedule
	// Into is where to: "postgres" with the URL of a server, as Host reaches it, or "files" with a folder.
	Into, URL, Path string
	Host            providers.Reference
	// Assertions are queries of which each must answer true.
	Assertions []string
	// Open makes what carries it out, without I/O.
	Open  func(providers.Environment) (providers.Driller, error)
	Range hcl.Range
}

// Check is an assertion about the health of something.
type Check struct {
	Address, Type, Name string
	Config              providers.Config
	// Timeout is for one try, Interval the pause between two.
	Timeout, Interval time.Duration
	// Retries is how many more tries a failure has, Successes how many must pass in a row, and StartPeriod how long from the
	// first on no failure counts.
	Retries, Successes int
	StartPeriod        time.Duration
	// WarnOnly makes a failure a warning.
	WarnOnly bool
	NotBuilt string
	Range    hcl.Range
}

// Deploy is a compose project at a revision.
type Deploy struct {
	Address, Name string
	// Host is an address.
	Host, Path, Compose, Repository, Branch, Strategy string
	// BackupsBefore are the backups that must not be older than MaxAge, ChecksBefore and ChecksAfter the checks that must
	// pass; all are addresses.
	BackupsBefore, ChecksBefore, ChecksAfter []string
	MaxAge, Timeout                          time.Duration
	// Rollback is automatic when set; Restore are the backups that it restores.
	Rollback     bool
	Restore      []string
	KeepReleases int
	NotBuilt     string
	Range        hcl.Range
}

// Cleanup is something that should be gone.
type Cleanup struct {
	Address, Type, Name string
	Config              providers.Config
	NotBuilt            string
	Range               hcl.Range
}

// Notify says who hears of what.
type Notify struct {
	Address, Type, Name string
	Config              providers.Config
	// On are the events.
	On       []string
	NotBuilt string
	Range    hcl.Range
}

// Output is a value that the specification shows.
type Output struct {
	Name, Description string
	// Value has its marks; Sensitive says whether it must not be shown.
	Value     cty.Value
	Sensitive bool
}

// Move says that what was recorded at one address belongs to another one now.
type Move struct {
	From, To string
	Range    hcl.Range
}

// Removal says that what was recorded at an address is to be forgotten.
type Removal struct {
	// From is the address of a block: of one instance, or of all that it ever had.
	From  string
	Range hcl.Range
}

// Covers reports whether what is recorded at an address is to be forgotten.
func (r Removal) Covers(address string) bool { return address == r.From || isInstance(address, r.From) }

// Import says that an artifact that lies at the destinations belongs to a backup.
type Import struct {
	// To is the address of a backup, ID the artifact's.
	To, ID string
	Range  hcl.Range
}

// notBuilt is what a configuration says of itself.
func notBuilt(config providers.Config) string {
	if partial, ok := config.(providers.NotBuilder); ok {
		return partial.NotBuilt()
	}
	return ""
}
