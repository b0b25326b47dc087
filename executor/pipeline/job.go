// Package pipeline moves bytes: from a source through a codec to several destinations at once, from one destination to
// another, and from a destination back to a reader, and proves on the way that nothing was lost or altered.
package pipeline

import (
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// Job is one reading of a source into several destinations.
type Job struct {
	// Run identifies the run in the outside world (PostgreSQL's application name).
	Run    string
	Source providers.Source
	Codec  providers.Codec
	// Encryption encrypts what the codec wrote; nil stores it as it is.
	Encryption providers.Encryption
	// Key is where the object will lie at every branch.
	Key      string
	Branches []Branch
	// ExpectedSize of the stored object, 0 when unknown: for the early check of free space.
	ExpectedSize int64
	// StallLimit is how long a branch may take no byte while others wait for it before it is given up; 0 means a minute.
	StallLimit time.Duration
	// SlowLimit is how long the source may wait in total for one branch while another could go on, before that one is left behind;
	// 0 means a second. A twentieth of the time that the stream has taken is added to it.
	SlowLimit time.Duration
	// Kept is called, if one branch has committed, when all have ended but those that follow another one, and again whenever one of
	// these has ended and others have not. It may be nil. Its outcome marks those that go on meanwhile as pending.
	Kept  func(Outcome)
	Clock clock.Clock
	// Progress may be nil.
	Progress Progress
}

// Branch is one of the destinations of a job.
type Branch struct {
	// Name is what people call it: the destination's address.
	Name        string
	Destination providers.Destination
}

// Outcome is what came of a job whose reading succeeded.
type Outcome struct {
	// StartedAt and EndedAt bound the reading of the source, UTC.
	StartedAt, EndedAt time.Time
	// SourceTook is how long the source needed for what it wrote, without the time in which it waited for the rest.
	SourceTook time.Duration
	// Raw is the stream as the source gave it, Stored as it was written.
	Raw, Stored providers.Checksums
	Reading     providers.Reading
	// Branches are in the order of the job's.
	Branches []BranchOutcome
}

// BranchOutcome is what came of one branch: a committed object, or the error that it was given up for, ErrSlow if it was left
// behind.
type BranchOutcome struct {
	Name   string
	Object providers.Object
	// Followed is the branch whose upload this one read on from, because it was slower than the source.
	Followed string
	// Pending: it is not known yet.
	Pending bool
	// Took is how long the destination needed to take and commit what it got, 0 when that was not measured.
	Took time.Duration
	Err  error
}

// Stage is what a branch is doing.
type Stage string

// The stages of a branch, in their order; a branch ends in StageDone or StageFailed.
const (
	StageWriting    Stage = "writing"
	StageCommitting Stage = "committing"
	StageDone       Stage = "done"
	StageFailed     Stage = "failed"
)

// Progress hears how far a job is. Its methods get totals, not differences, are called from several goroutines, and must
// return at once.
type Progress interface {
	// Read tells how many bytes have come from the source.
	Read(raw int64)
	// Branch tells how many stored bytes a branch has taken and what it is doing.
	Branch(name string, stored int64, stage Stage)
}
