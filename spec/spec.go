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
	Drills       []*Drill
	Checks       []*Check
	Deploys      []*Deploy
	Cleanups     []*Cleanup
	Notifies     []*Notify
	// Outputs are ordered by name.
	Outputs []Output
	// Moves, Removals and Imports are changes to the state that the specification asks for, in the order in which they stand.
	Moves    []Move
	Removals []Removal
	Imports  []Import
	// References are the addresses that a block refers to, by its own address, in the order in which they stand.
	References map[string][]string

	evaluator *evaluator
	// secrets are the texts that Redact strikes out, the longest first.
	secrets []string
}

// StateBackend says where the state is kept.
type StateBackend struct {
	// Type is "local", or that of a backend on a server.
	Type string
	// Path is absolute; set for a local state.
	Path string
	// Settings are those of a state on a server: a *PostgresState, *GCSState or *AzblobState; nil for a local one.
	Settings any
	// Encryption is nil for a state that is not encrypted.
	Encryption providers.Encryption
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
	// NotBuilt says what of it can be declared but not done yet; empty when all of it can.
	NotBuilt string
	Range    hcl.Range
}

// Source is something to back up.
type Source struct {
	Address, Type, Name string
	Config              providers.SourceConfig
	// NotBuilt says what of it can be declared but not done yet; empty when all of it can.
	NotBuilt string
	Range    hcl.Range
}

// Destination is a place for copies.
type Destination struct {
	Address, Type, Name string
	Config              providers.DestinationConfig
	// Retention is nil where everything is kept.
	Retention *Retention
	// UploadLimit is how many bytes a second may be uploaded, Concurrency how many uploads and as many readings there may be at
	// once; 0 for no limit.
	UploadLimit units.Size
	Concurrency int
	// Price is what 2^30 bytes cost there for a month; the zero Price where that is not known.
	Price units.Price
	// NotBuilt as in Host.
	NotBuilt string
	Range    hcl.Range
}

// Compression is a named profile, declared or built in.
type Compression struct {
	Address, Name string
	// Exactly one of Codec and Chooser is set: Chooser where the method is auto.
	Codec   providers.Codec
	Chooser providers.Chooser
	Range   hcl.Range
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

// ReadBack says which copies are read back by themselves and compared; the zero value: none.
type ReadBack struct {
	// Latest: those of the newest artifact, each once after it was stored.
	Latest bool
	// Percent of the copies at each destination, at least one, in every interval, those first that were proven longest ago;
	// 100 are all.
	Percent int
	Every   units.Duration
}

// Backup is the promise that a source has copies.
type Backup struct {
	Address, Name string
	// Source is an address, To are the addresses of the destinations as they were listed, without repetition.
	Source string
	To     []string
	// Compression is the profile's address, Codec its codec, or Chooser what chooses one.
	Compression string
	Codec       providers.Codec
	Chooser     providers.Chooser
	// Encryption is nil for a backup that is not encrypted.
	Encryption providers.Encryption
	Schedule   Schedule
	// MinCopies is how many verified copies make the backup a success: at least 1, at most len(To).
	MinCopies int
	// BackfillAll: a destination gets every artifact that its retention keeps and that it does not have, not only the newest.
	BackfillAll bool
	// ReadBack says which copies are read back by themselves.
	ReadBack ReadBack
	// DependsOn are the backups that are taken first, where they are due too.
	DependsOn []string
	// NotBuilt says what of the backup can be declared but not done yet.
	NotBuilt string
	Range    hcl.Range
}
