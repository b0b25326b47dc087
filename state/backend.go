package state

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Backend keeps one state. It is safe for concurrent use by several processes.
type Backend interface {
	// Location is what people call it: a path, a URL without secrets.
	Location() string
	// Read returns a consistent snapshot without taking the lock; a state that was never written is an empty document with
	// serial 0 and no lineage. Damage and newer versions are errors that say what to do.
	Read(ctx context.Context) (*Document, error)
	// Holder tells who is changing the state right now, without taking or disturbing the lock. It may be a moment late, and a
	// holder on another machine that died without notice may still be told.
	Holder(ctx context.Context) (holder LockInfo, held bool, err error)
	// Lock takes the exclusive right to change the state, waiting up to timeout for it. A *LockedError says who holds it.
	Lock(ctx context.Context, holder LockInfo, timeout time.Duration) (Session, error)
}

// Session is the right to change a state. It is safe for concurrent use.
type Session interface {
	// Document returns the state as of now: a copy that later changes do not touch.
	Document() *Document
	// Begin makes an intent durable. Only after it returned nil may the action touch the world.
	Begin(ctx context.Context, intent Intent) error
	// End makes the end of an intent durable, together with what it changed in the document, as one step.
	End(ctx context.Context, intentID string, result Result) error
	// Close writes a snapshot, empties the journal and gives the lock back. It does so once; later calls return nil.
	Close() error
}

// Intent is an action that is about to touch the world.
type Intent struct {
	ID string `json:"id"`
	// Run groups the intents of one apply.
	Run string `json:"run"`
	// Address and Kind are the action's.
	Address string    `json:"address"`
	Kind    string    `json:"kind"`
	BeganAt time.Time `json:"began_at"`
	// Backup, Artifact and Key are what it works on; Key is empty where the action writes or deletes no object.
	Backup   string `json:"backup,omitempty"`
	Artifact string `json:"artifact,omitempty"`
	Key      string `json:"key,omitempty"`
	// Destinations are the addresses it may change.
	Destinations []string `json:"destinations,omitempty"`
	// Scratch is the name of the scratch database or folder that a drill makes and removes, ScratchAt where it is.
	Scratch   string `json:"scratch,omitempty"`
	ScratchAt string `json:"scratch_at,omitempty"`
	// Unknown holds the fields that this version does not know, so that writing does not lose them.
	Unknown jsontext.Value `json:",embed"`
}

// Outcome is how an intent ended.
type Outcome string

// Done: all of it happened. Failed: it reported an error, and Events say what is true now. Abandoned: a later run found
// it open and settled it.
const (
	Done      Outcome = "done"
	Failed    Outcome = "failed"
	Abandoned Outcome = "abandoned"
)

// Result is the end of an intent.
type Result struct {
	Outcome Outcome   `json:"outcome"`
	EndedAt time.Time `json:"ended_at"`
	// Error is what people are told, without secrets.
	Error string `json:"error,omitempty"`
	// Events are the changes to the document, applied in order.
	Events []Event `json:"events,omitempty"`
}

// Event is one change to the document. Exactly one field is set.
type Event struct {
	// PutArtifact adds an artifact or replaces the one with its id.
	PutArtifact *Artifact `json:"put_artifact,omitempty"`
	// PutReplica adds or replaces the copy at the replica's destination. The artifact must exist.
	PutReplica *ReplicaChange `json:"put_replica,omitempty"`
	// RemoveReplica removes the copy at a destination; an artifact without copies is removed with it.
	RemoveReplica *ReplicaChange `json:"remove_replica,omitempty"`
	// PutDrill adds a drill or replaces the one with its id.
	PutDrill *Drill `json:"put_drill,omitempty"`
	// PutRelease adds a deploy or replaces the one with its id.
	PutRelease *Release `json:"put_release,omitempty"`
	// PutCheck adds the result of a check, or replaces that of the same moment.
	PutCheck *CheckResult `json:"put_check,omitempty"`
	// PutCleanup adds a cleanup or replaces the one with its id.
	PutCleanup *Cleanup `json:"put_cleanup,omitempty"`
	// Settle adds, replaces and removes setbacks.
	Settle *Settlement `json:"settle,omitempty"`
}

// ReplicaChange names an artifact and one copy of it. For a removal only the copy's destination counts.
type ReplicaChange struct {
	Artifact string  `json:"artifact"`
	Replica  Replica `json:"replica"`
}

// LockInfo says who holds a lock.
type LockInfo struct {
	ID        string    `json:"id"`
	Operation string    `json:"operation"`
	User      string    `json:"user"`
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	TakenAt   time.Time `json:"taken_at"`
	// Part are the addresses of the blocks whose part of the state may be changed, with commas between them; empty for all of it.
	Part string `json:"part,omitempty"`
}

// NotRecordedError is what a session answers once something could not be recorded, and nothing more is; its Close does too, unless that could record it after all.
type NotRecordedError struct{ Reason error }

// Error is the reason.
func (e *NotRecordedError) Error() string { return e.Reason.Error() }

// Unwrap returns the reason.
func (e *NotRecordedError) Unwrap() error { return e.Reason }

// IsNotRecorded reports whether an error is one that the end of the session tells, too.
func IsNotRecorded(err error) bool {
	var unrecorded *NotRecordedError
	return errors.As(err, &unrecorded)
}

// LockedError is the refusal of a lock that someone else holds. Holder is the zero LockInfo when that is not known.
type LockedError struct {
	Location string
	Holder   LockInfo
	// Ends says how the lock ends: the end of a sentence. With the process that holds it, where it is empty.
	Ends string
}
