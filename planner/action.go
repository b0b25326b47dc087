package planner

// Kind says what an action does.
type Kind string

// The kinds of action, in the order in which a summary counts them.
const (
	KindBackup    Kind = "backup"
	KindReplicate Kind = "replicate"
	KindRepair    Kind = "repair"
	KindVerify    Kind = "verify"
	KindDrill     Kind = "drill"
	KindPrune     Kind = "prune"
	KindKeep      Kind = "keep"
	KindForget    Kind = "forget"
	KindSweep     Kind = "sweep"
	KindMove      Kind = "move"
	KindRelease   Kind = "release"
	KindAdopt     Kind = "adopt"
	KindBlocked   Kind = "blocked"
)

// Symbol is the sign that stands before the action in a printed plan.
func (k Kind) Symbol() string {
	switch k {
	case KindBackup:
		return "+"
	case KindReplicate:
		return ">"
	case KindRepair:
		return "~"
	case KindVerify, KindDrill:
		return "?"
	case KindPrune:
		return "-"
	case KindKeep:
		return "#"
	case KindForget:
		return "."
	case KindSweep:
		return "%"
	case KindCleanup:
		return "x"
	case KindMove:
		return "="
	case KindDeploy:
		return "!"
	case KindRelease:
		return "/"
	case KindAdopt:
		return "<"
	default:
		return "·"
	}
}

// Cause says what made an action necessary.
type Cause string

// Change: the specification differs from the state. Drift: reality differs from the state. Time: something is due or
// too old. Recovery: an earlier apply was interrupted.
const (
	CauseChange   Cause = "change"
	CauseDrift    Cause = "drift"
	CauseTime     Cause = "time"
	CauseRecovery Cause = "recovery"
)

// Action is one step of a plan. The set of its implementations is closed: the structs of this file and of its neighbours.
type Action interface {
	// Kind is constant for each struct.
	Kind() Kind
	// Common returns what every action has.
	Common() *Meta
}

// Meta is what every action has.
type Meta struct {
	// Address is unique in a plan: "backup.database", "backup.database@destination.local.vm#database-20261122T020000Z-3f9a1c".
	Address string `json:"address"`
	// Backup is the address of the backup it serves.
	Backup string `json:"backup"`
	// Reason is one sentence, without a full stop.
	Reason string `json:"reason"`
	Cause  Cause  `json:"cause"`
	// After are the addresses of the actions that must have succeeded first, sorted.
	After []string `json:"after,omitempty"`
	// Rank is its turn: of the actions that could be begun, those of the lowest rank are.
	Rank int `json:"rank,omitzero"`
	// Bytes (stored) and Seconds are predictions from history, 0 where there is none.
	Bytes   int64   `json:"predicted_bytes,omitzero"`
	Seconds float64 `json:"predicted_seconds,omitzero"`
	// Undo says how to take it back, or that it cannot be.
	Undo string `json:"undo,omitempty"`
}

// Common returns the Meta itself.
func (m *Meta) Common() *Meta { return m }

// Backup reads a source and stores a new artifact at all destinations.
type Backup struct {
	Meta
	Source       string   `json:"source"`
	Destinations []string `json:"destinations"`
	MinCopies    int      `json:"min_copies"`
	// Compression is the profile's address.
	Compression string `json:"compression"`
	// Compressor is by what that is written: "xz 5.4.1, 2 processes"; empty where nobody looked or there is one way only.
	Compressor string `json:"compressor,omitzero"`
	// Expect is what is known beforehand of the stream; a compression that measures chooses with it.
	Expect Expectation `json:"expect,omitzero"`
	// Recipients are the public keys that it is encrypted for; none when it is not encrypted.
	Recipients []string `json:"recipients,omitempty"`
}

// Replicate copies an artifact to a destination that should have it and never had.
type Replicate struct {
	Meta
	Artifact string `json:"artifact"`
	From     string `json:"from"`
	// Others are copied from, in this order, when the copy at From proves bad or cannot be read.
	Others []string `json:"others,omitempty"`
	To     string   `json:"to"`
}

// Repair copies an artifact again to a destination where its copy is missing or altered.
type Repair struct {
	Meta
	Artifact string `json:"artifact"`
	From     string `json:"from"`
	// Others are copied from, in this order, when the copy at From proves bad or cannot be read.
	Others []string `json:"others,omitempty"`
	To     string   `json:"to"`
}

// Verify reads a copy back and compares every byte.
type Verify struct {
	Meta
	// Artifact is empty for the one that the backup in the same plan takes.
	Artifact    string `json:"artifact,omitzero"`
	Destination string `json:"destination"`
	// Adopt is set when the state does not know the copy yet: its manifest was found at the destination under this key.
	Adopt string `json:"adopt,omitempty"`
	// Problem is set when the copy was seen to be bad and the state shall say so: to find it bad is then a success.
	Problem string `json:"problem,omitempty"`
	// Checksum is set when nothing is read but the manifest: what the store says of the bytes is compared instead.
	Checksum bool `json:"checksum,omitzero"`
}

// Drill restores a copy into a scratch place, compares what is there with what was backed up, and removes it.
type Drill struct {
	Meta
	// Artifact is empty for the one that the backup in the same plan takes.
	Artifact string `json:"artifact,omitzero"`
	From     string `json:"from"`
	// Into is what it is restored to: "postgres", "files".
	Into string `json:"into"`
}

// Prune deletes a copy that retention no longer keeps.
type Prune struct {
	Meta
	Artifact    string `json:"artifact"`
	Destination string `json:"destination"`
	// Key, Version and ManifestVersion are the objects that were seen; others are not deleted. An empty version means that
	// the object was gone already.
	Key             string `json:"key"`
	Version         string `json:"version,omitempty"`
	ManifestVersion string `json:"manifest_version,omitempty"`
	// Remaining is how many verified copies the plan leaves at the destination; the execution refuses to leave fewer.
	Remaining int `json:"remaining"`
}

// Keep records that the store keeps a copy by a rule of its own which retention would delete. It touches nothing but the state,
// and is planned once for each copy and rule.
type Keep struct {
	Meta
	Artifact    string `json:"artifact"`
	Destination string `json:"destination"`
	// By is the store's rule: "a temporary hold".
	By string `json:"by"`
}

// Forget drops the record of a copy that is gone and cannot or need not be restored. It touches nothing but the state.
type Forget struct {
	Meta
	Artifact    string `json:"artifact"`
	Destination string `json:"destination"`
}

// Sweep removes what an interrupted upload left at a destination, or bytes that never got a manifest; or the scratch place
// that an interrupted drill left.
type Sweep struct {
	Meta
	Destination string `json:"destination,omitzero"`
	// Intent is the interrupted action that it settles.
	Intent string `json:"intent"`
	// Key is the object's key. Version is set when an object without a manifest lies there, Remnants when parts do.
	Key      string   `json:"key,omitzero"`
	Version  string   `json:"version,omitempty"`
	Remnants []string `json:"remnants,omitempty"`
	// Drill is the address of the drill whose scratch place Scratch at ScratchAt is; only this is set then.
	Drill     string `json:"drill,omitzero"`
	Scratch   string `json:"scratch,omitzero"`
	ScratchAt string `json:"scratch_at,omitzero"`
}

// Move hands what is recorded at an address that was given up to another one: the artifacts of a backup, or its copies at a
// destination. It touches nothing but the state.
type Move struct {
	Meta
	From string `json:"from"`
	To   string `json:"to"`
	// Artifacts is how many of them are concerned.
	Artifacts int `json:"artifacts"`
}

// Release forgets what is recorded at an address that was given up: the artifacts of a backup, or its copies at a
// destination. It touches nothing but the state.
type Release struct {
	Meta
	From string `json:"from"`
	// Artifacts is how many of them are concerned.
	Artifacts int `json:"artifacts"`
}

// Adopt reads back a copy of an artifact that the state does not know and that the specification imports, and records it.
type Adopt struct {
	Meta
	Artifact    string `json:"artifact"`
	Destination string `json:"destination"`
	Key         string `json:"key"`
	// ManifestSHA256 is the hash of the manifest that was seen; no other is adopted.
	ManifestSHA256 string `json:"manifest_sha256"`
}

// Blocked is something that should be done and cannot be now. Nothing is executed.
type Blocked struct {
	Meta
	// Failed is set when the cause is an error that someone must mend, not a wait: the exit code shows it.
	Failed bool `json:"failed"`
	// Degraded is set beside Failed when only a copy is missing and the backup keeps its min_copies without it.
	Degraded bool `json:"degraded,omitzero"`
	// Code says to programs what is in the way; empty for what only people need.
	Code BlockCode `json:"code,omitzero"`
}

// BlockCode is a kind of obstacle.
type BlockCode string

// NoSpace: a destination has no room. PruneDoubted: nothing is deleted, because it cannot be known what would remain.
const (
	NoSpace      BlockCode = "no_space"
	PruneDoubted BlockCode = "prune_doubted"
)

// Kind implements Action.
func (*Backup) Kind() Kind { return KindBackup }

// Kind implements Action.
func (*Replicate) Kind() Kind { return KindReplicate }

// Kind implements Action.
func (*Repair) Kind() Kind { return KindRepair }

// Kind implements Action.
func (*Verify) Kind() Kind { return KindVerify }

// Kind implements Action.
func (*Drill) Kind() Kind { return KindDrill }

// Kind implements Action.
func (*Prune) Kind() Kind { return KindPrune }

// Kind implements Action.
func (*Keep) Kind() Kind { return KindKeep }

// Kind implements Action.
func (*Forget) Kind() Kind { return KindForget }

// Kind implements Action.
func (*Sweep) Kind() Kind { return KindSweep }

// Kind implements Action.
func (*Move) Kind() Kind { return KindMove }

// Kind implements Action.
func (*Release) Kind() Kind { return KindRelease }

// Kind implements Action.
func (*Adopt) Kind() Kind { return KindAdopt }

// Kind implements Action.
func (*Blocked) Kind() Kind { return KindBlocked }
