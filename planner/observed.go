package planner

import (
	"time"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// Observed is reality as Observe found it. A nil Observed means that nobody looked: Diff then takes the state's word.
type Observed struct {
	// Destinations by address: every one that the specification names in a backup.
	Destinations map[string]*DestinationView
	// Sources by address: those of the backups that are due.
	Sources map[string]*SourceView
	// Compressors say by what the profiles of the due backups are written on this machine, by their addresses: "xz 5.4.1, 2
	// processes". What can be written in one way only is left out.
	Compressors map[string]string
	// Deploys are the deploy blocks, by address.
	Deploys map[string]*providers.DeployInspection
	// Checks are what the checks saw, by address: all that are built; nil when none was asked.
	Checks map[string]providers.Finding
	// Cleanups are what was seen of the cleanups, by address: all that are built.
	Cleanups map[string]*CleanupView
	// Busy names all who are changing the state right now, and is empty when nobody is: then an unfinished upload is theirs.
	Busy string
}

// DestinationView is what was seen at a destination.
type DestinationView struct {
	// Err is why nothing could be seen; the other fields are then empty.
	Err error
	// Free bytes, -1 when unlimited or unknown. Skew is the store's clock minus this machine's, 0 where it has none.
	Free int64
	Skew time.Duration
	// HasClock: the store told a time of its own, so that the times of its objects are its own too.
	HasClock bool
	// Rules are what the store does by itself; nil where that is not known.
	Rules *providers.Rules
	// Objects by key, under the prefixes of the specification's backups.
	Objects map[string]providers.Object
	// Manifests by key: those that the state does not know, read and parsed.
	Manifests map[string]ManifestView
	// Remnants of interrupted uploads under the same prefixes.
	Remnants []providers.Remnant
}

// ManifestView is a manifest that was read, or why it could not be.
type ManifestView struct {
	Manifest *state.Manifest
	// SHA256 is the hash of its bytes.
	SHA256 string
	Err    error
}

// SourceView is what was seen of a source.
type SourceView struct {
	Inspection providers.Inspection
	Err        error
}
