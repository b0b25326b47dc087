package spec

import (
	"slices"
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
	Target        providers.DeployTarget
	// Strategy is one of the registry, or "auto": then the one that what is measured speaks for, with Weights by the name of a
	// factor in place of the usual ones.
	Strategy string
	Weights  map[string]float64
	// BackupsBefore are the backups that must not be older than MaxAge (0: any age), ChecksBefore the checks that must pass;
	// all are addresses.
	BackupsBefore, ChecksBefore []string
	MaxAge                      time.Duration
	// ChecksAfter must pass within Timeout, asked every Interval, and then without a break for MinHealthy; for Watch after that
	// they are asked on.
	ChecksAfter                          []string
	Timeout, Interval, MinHealthy, Watch time.Duration
	// Rollback is automatic when set; Restore are the backups that it restores.
	Rollback bool
	Restore  []string
	// Hours are when people work, nil when not known. Freezes are when nothing is deployed.
	Hours   *Hours
	Freezes []Freeze
	// Open makes what deploys, by strategy, without I/O.
	Open     func(providers.Environment) (map[string]providers.Deployer, error)
	NotBuilt string
	Range    hcl.Range
}

// Hours are those in which people work.
type Hours struct {
	Days []time.Weekday
	// From and To are times of day, as spans since midnight by the clocks of Location.
	From, To time.Duration
	Location *time.Location
}

// Contain reports whether a moment is within them.
func (h *Hours) Contain(at time.Time) bool {
	local := at.In(h.Location)
	clock := sinceMidnight(local)
	return slices.Contains(h.Days, local.Weekday()) && clock >= h.From && clock < h.To
}

// Freeze is a time in which nothing is deployed: from From on, until before To.
type Freeze struct {
	Name     string
	From, To time.Time
}

// Frozen is the freeze that a moment is in, the one that ends last; nil for none.
func (d *Deploy) Frozen(at time.Time) *Freeze {
	var found *Freeze
	for i := range d.Freezes {
		freeze := &d.Freezes[i]
		if !at.Before(freeze.From) && at.Before(freeze.To) && (found == nil || freeze.To.After(found.To)) {
			found = freeze
		}
	}
	return found
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
