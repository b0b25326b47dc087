package providers

import (
	"context"

	"github.com/castrolanda/imsctl/internal/clock"
)

// Preferences are what a specification says of a compression that is chosen by measuring.
type Preferences struct {
	// Optimize is size, balanced or speed.
	Optimize string
	// MinReduction, in percent, is below what the next of Fallback, which are methods, is tried; 0 is no bound.
	MinReduction int
	Fallback     []string
}

// ChooserFactory makes the Chooser of some preferences. A goal or a method that does not exist is an error.
type ChooserFactory func(Preferences) (Chooser, error)

// Chooser chooses the compression of a stream by measuring what the methods make of its beginning. It is safe for
// concurrent use.
type Chooser interface {
	// Preferences are those that it was made for.
	Preferences() Preferences
	// HeadSize is how many of the first bytes it wants to see.
	HeadSize() int
	// Choose decides. The time that the trial takes is read from the clock. It fails only when ctx ends or a codec does.
	Choose(ctx context.Context, clock clock.Clock, circumstances Circumstances) (Chosen, error)
}

// Circumstances are what is known of a stream that is to be compressed. Zero values are what is not known.
type Circumstances struct {
	// Head is the beginning, and all of it when Whole is set.
	Head  []byte
	Whole bool
	// RawBytes is how long the stream is expected to be.
	RawBytes int64
	// SourceRate is how many raw bytes the source gives in a second, UploadRate how many stored ones the slowest
	// destination takes.
	SourceRate, UploadRate float64
	// Disappointing are the methods that missed MinReduction in earlier runs.
	Disappointing []string
	// Past is what methods made of this source in earlier runs, the newest first.
	Past []Experience
}

// Experience is what a method made of the whole of a stream in an earlier run.
type Experience struct {
	Method string `json:"method"`
	Level  int    `json:"level"`
	// Fraction is the part that was left.
	Fraction float64 `json:"fraction"`
}

// Chosen is a decision.
type Chosen struct {
	Codec Codec
	// Reason is one sentence without a full stop; Warning says in one that MinReduction is missed, and is usually empty.
	Reason, Warning string
	// RunnerUp names what would have been chosen otherwise: "gzip 6"; empty when there is nothing else.
	RunnerUp string
	// StoredBytes and Seconds are predicted, 0 when the stream's length is not known.
	StoredBytes int64
	Seconds     float64
}
