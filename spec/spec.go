// Package spec reads a specification: HCL files in, one checked Spec out, or diagnostics that show where and why not.
package spec

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Spec is what must be true, resolved: every reference leads somewhere, every value has its type. Its lists are ordered
// by address.
type Spec struct {
	// Directory is the absolute folder of the configuration; relative paths start from it.
	Directory string
	// Path is what was asked for: the folder or the single file, absolute.
	Path string
	// Digest identifies the text of all files (SHA-256, hexadecimal).
	Digest string
	// Location is the time zone of schedules and of retention's calendar days.
	Location *time.Location
	State    StateBackend
	// Variables are the values in force, by name.
	Variables map[string]Variable

	Hosts        []*Host
	Sources      []*Source
	Destinations []*Destination
	Compressions []*Compression
	Retentions   []*Retention
	Backups      []*Backup
}

// StateBackend says where the state is kept.
type StateBackend struct {
	// Type is "local".
	Type string
	// Path is absolute.
	Path string
}

// Variable is a value given from outside.
type Variable struct {
	Name      string
	Sensitive bool
	Value     cty.Value
}

// Host is a machine.
type Host struct {
	Address, Type, Name string
	Config              providers.HostConfig
	Range               hcl.Range
}

// Source is something to back up.
type Source struct {
	Address, Type, Name string
	Config              providers.SourceConfig
	Range               hcl.Range
}

// Destination is a place for copies.
type Destination struct {
	Address, Type, Name string
	Config              providers.DestinationConfig
	// Retention is nil where everything is kept.
	Retention *Retention
	Range     hcl.Range
}

// Compression is a named profile, declared or built in.
type Compression struct {
	Address, Name string
	Codec         providers.Codec
	Range         hcl.Range
}

// Retention says which artifacts of a backup are kept at a destination: all that any of its rules keeps. A rule that is
// zero was left out; at least one is set.
type Retention struct {
	Address, Name string
	// KeepWithin keeps what is not older.
	KeepWithin units.Duration
	// KeepLast keeps the newest, whatever their age.
	KeepLast int
	// KeepHourly to KeepYearly keep the newest of each of the last so many hours, days, … that have one.
	KeepHourly, KeepDaily, KeepWeekly, KeepMonthly, KeepYearly int
	// MaxDeletes limits how many artifacts of one backup one run may remove at one destination; 0 is no limit.
	MaxDeletes int
	Range      hcl.Range
}

// Backup is the promise that a source has copies.
type Backup struct {
	Address, Name string
	// Source is an address, To are the addresses of the destinations as they were listed, without repetition.
	Source string
	To     []string
	// Compression is the profile's address, Codec its codec.
	Compression string
	Codec       providers.Codec
	Schedule    Schedule
	// MinCopies is how many verified copies make the backup a success: at least 1, at most len(To).
	MinCopies int
	Range     hcl.Range
}
