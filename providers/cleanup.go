package providers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// ErrCleanupRefused: what is there is not what the plan saw, or something speaks against removing it now. Nothing was removed.
var ErrCleanupRefused = errors.New("nothing was removed")

// CleanupConfig is the Config of a KindCleanup provider.
type CleanupConfig interface {
	Config
	// Cleaner makes what cleans up as this block describes. It does no I/O.
	Cleaner(Environment) (Cleaner, error)
	// Guard is the backup that must stand behind what is removed; the zero Guard where none has to.
	Guard() CleanupGuard
	// Uncovered says in words without a full stop why a backup of a source does not hold what this block removes, and nothing when it
	// does. It is asked for the source of the guard's backup, without any I/O.
	Uncovered(SourceConfig, Environment) string
	// Removes are the folders and files that are removed as a whole, on their hosts; nothing else of the specification may be in
	// them. None where that is known only by looking.
	Removes(Environment) []Occupied
}

// Graced is a CleanupConfig whose Cleaner is a Trashing.
type Graced interface {
	CleanupConfig
	// GraceTime is how long what was removed stays in a trash.
	GraceTime() time.Duration
}

// CleanupGuard is a condition of a cleanup. Who cleans up knows nothing of backups: the plan holds what they are against what was
// seen, and the execution does so again.
type CleanupGuard struct {
	Backup Reference
	// MinCopies is how many destinations must have a verified copy of it; less than 1 counts as 1.
	MinCopies int
}

// Occupied is a folder or file on a host.
type Occupied struct {
	// Host is the machine, zero for the one imsctl runs on.
	Host Reference
	// Path is absolute.
	Path string
}

// Occupying is a Config of something that has a folder of its own on a host, beside sources, which are Placed.
type Occupying interface {
	Config
	// Occupies is that folder, without any I/O.
	Occupies(Environment) Occupied
}

// Forbidding is a CheckConfig that finds mentions of paths which should not be used any more.
type Forbidding interface {
	CheckConfig
	// Forbids reports whether it finds mentions of a path, or of what contains it, on a host.
	Forbids(Occupied) bool
}

// Cleaner removes what should be gone. It is safe for concurrent use.
type Cleaner interface {
	// Inspect looks at what would be removed, and at all that speaks for and against it. It changes nothing. What could not be
	// looked at is a refusal in the view: unknown is never nothing. The error is for what makes all of it unknown.
	Inspect(ctx context.Context) (CleanupView, error)
	// Remove removes what an order names, or moves it to the trash that the order names, and nothing else. It is given the order
	// with the view of an Inspect just before, which has neither refusals nor waits. What is not in that view any more, or not as
	// the order says, stays: where nothing is left to do then the error is an ErrCleanupRefused. What was removed before an error is
	// told in the outcome all the same.
	Remove(ctx context.Context, order CleanupOrder, seen CleanupView) (CleanupOutcome, error)
}

// Trashing is a Cleaner that moves what it removes to a trash, from which it can be put back for a while.
type Trashing interface {
	Cleaner
	// TrashFor is where something goes that is moved at a moment: a path that tells the moment and that nothing else has. No I/O.
	TrashFor(at time.Time) string
	// Restore puts back what was moved to a trash. ErrCleanupRefused when it is not there, its removal was begun, or something is in
	// its place.
	Restore(ctx context.Context, trash string) error
	// Purge removes a trash for good; it goes on with a removal that was interrupted. One that is not there is no error.
	Purge(ctx context.Context, trash string) (CleanupOutcome, error)
}

// CleanupView is what Inspect saw.
type CleanupView struct {
	// Items are what would go, in a stable order; none when everything that should be gone is. Gone is set when what a backup of it
	// would read is not there at all.
	Items []CleanupItem
	Gone  bool
	// Newest is when the newest of it was last changed, NewestName which that is; zero where age says nothing. The guard's backup
	// must have begun later.
	Newest     time.Time
	NewestName string
	// Facts are what was looked at and speaks for removing it, or is worth knowing: a line each, without full stops.
	Facts []string
	// Refusals are why nothing may be removed that someone has to mend, what could not be looked at among them; Waits are why
	// nothing may be removed now, such as that it is in use. Both are in words, without full stops.
	Refusals, Waits []string
	// Trash is what was moved before and waits.
	Trash []TrashItem
	// Notes are what is told whether something goes or not, such as why something that is declared stays: like Facts.
	Notes []string
	// Fingerprint is equal for two views of the same.
	Fingerprint string
}

// Bytes is how much the items take, as far as that is known.
func (v *CleanupView) Bytes() int64 {
	total := int64(0)
	for _, item := range v.Items {
		total += item.Bytes
	}
	return total
}

// CleanupItem is something that is removed as one.
type CleanupItem struct {
	// Name is unique in a view, and what people call it: "/home/ims/old", "image ims_web:12".
	Name string `json:"name"`
	// ID is what it is found by, where that is not the name: another one of the same name has another.
	ID string `json:"id,omitzero"`
	// Bytes are what its removal frees, 0 where that is not known; Files how many files it has, where it is a folder.
	Bytes int64 `json:"bytes"`
	Files int64 `json:"files,omitzero"`
	// Detail says more of it in a few words: "made 12d ago, of no container".
	Detail string `json:"detail,omitzero"`
}

// ItemsFingerprint is equal for two lists of the same items, whatever their sizes and details.
func ItemsFingerprint(items []CleanupItem) string {
	sum := sha256.New()
	for _, item := range items {
		fmt.Fprintf(sum, "%q %q\n", item.Name, item.ID)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// TrashItem is what was moved to a trash.
type TrashItem struct {
	// Name is its path there, as TrashFor gave it; MovedAt is when.
	Name    string
	MovedAt time.Time
	// Partial is set when its removal was begun: it cannot be put back any more.
	Partial bool
}

// CleanupOrder is what a plan showed.
type CleanupOrder struct {
	Items []CleanupItem
	// Fingerprint is that of the view that the plan was made of.
	Fingerprint string
	// Trash is where it goes, of a Trashing; empty for others.
	Trash string
}

// CleanupOutcome is what was removed.
type CleanupOutcome struct {
	// Freed is how many bytes are free now that were not before, measured; what is moved to a trash frees nothing.
	Freed int64
	// Removed are the names of the items that are gone from their place.
	Removed []string
	// Warnings are worth a look although it succeeded, such as items that stayed and why.
	Warnings []string
	// Notes say more of what was measured: a line each, without full stops.
	Notes []string
}
