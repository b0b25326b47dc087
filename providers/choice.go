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
	// RecallSize is how many of the first bytes Recall wants to see, HeadSize how many Choose does; the first is less.
	RecallSize() int
	HeadSize() int
	// Recall decides by the survey of an earlier run, without trying anything, if the stream begins as the one that was surveyed
	// did. Otherwise it returns false, and Choose has to.
	Recall(clock clock.Clock, circumstances Circumstances) (Chosen, bool, error)
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
	// destination takes, and AssumedRate what is assumed of the slowest of those of which that was not measured.
	SourceRate, UploadRate, AssumedRate float64
	// Disappointing are the methods that missed MinReduction in earlier runs.
	Disappointing []string
	// Past is what methods made of this source in earlier runs, the newest first.
	Past []Experience
	// Survey is the newest one that an earlier run made; nil when there was none.
	Survey *Survey
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

// Survey is what methods made of pieces from all over a stream in one run, so that later ones need not try them again on its
// beginning alone.
type Survey struct {
	// Head is the part that a fast encoder leaves of the first RecallSize bytes, a mark of them: what begins otherwise is another stream.
	Head float64 `json:"head"`
	// Reference is the part that gzip -9 is expected to leave of the whole, and Made what the method left that wrote it.
	Reference float64    `json:"reference"`
	Made      Experience `json:"made"`
	// Texture is the part that the fast encoder leaves of cells from all over the whole, and Spread how much they differ in that, as a part of
	// it; 0 when that was not looked at.
	Texture float64 `json:"texture,omitzero"`
	Spread  float64 `json:"spread,omitzero"`
	// Speedup is how many times as fast as one all processors were together, 0 when that was not measured.
	Speedup float64 `json:"speedup,omitzero"`
	// Since is what methods made of the stream in that run and those that came after it, the newest first: what is older says nothing that the
	// survey does not say better. Nil stands for all that is known.
	Since []Experience `json:"since,omitempty"`
	// Tried is what the candidates made of the pieces, in the order in which equals are preferred.
	Tried []Tried `json:"tried"`
}

// Tried is what one candidate made of the pieces of a survey.
type Tried struct {
	Experience
	// Rate is how many bytes one processor took in a second, 0 when that was not measured.
	Rate float64 `json:"rate,omitzero"`
}

// Surveyor is what a Codec is that surveys the streams that it writes.
type Surveyor interface {
	// Survey is that of the last stream whose writer was closed; nil when there was too little of it, or it could not be made.
	Survey() *Survey
}
