package choice

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// surveyor is a codec that surveys what it writes. It implements providers.Codec, Adaptive and Surveyor.
type surveyor struct {
	providers.Codec
	codecs providers.CodecFactory
	clock  clock.Clock
	// head is the texture of the beginning, measured what was tried on it.
	head     float64
	measured []trial.Measurement
	speedup  float64
	grid     grid
	// least is how long a stream must become to be surveyed after all.
	least int64

	mu     sync.Mutex
	survey *providers.Survey
}

// Survey implements providers.Surveyor.
func (s *surveyor) Survey() *providers.Survey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.survey
}

// Adapted implements providers.Adaptive.
func (s *surveyor) Adapted() string {
	if adaptive, can := s.Codec.(providers.Adaptive); can {
		return adaptive.Adapted()
	}
	return ""
}

// NewWriter implements providers.Codec. The writer is a providers.Aborter.
func (s *surveyor) NewWriter(w io.Writer) (io.WriteCloser, error) {
	whole, err := newSkim(skimmed)
	if err != nil {
		return nil, err
	}
	inner, err := s.Codec.NewWriter(w)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	return &surveyWriter{codec: s, inner: inner, ctx: ctx, cancel: cancel, gathered: gathered{grid: s.grid}, whole: whole}, nil
}

// surveyWriter gathers pieces of what passes, and tries the methods on them when all is written.
type surveyWriter struct {
	codec *surveyor
	inner io.WriteCloser
	// ctx ends when the stream is given up, or closed.
	ctx      context.Context
	cancel   context.CancelCauseFunc
	gathered gathered
	whole    *skim
}

// Write implements io.Writer.
func (w *surveyWriter) Write(p []byte) (int, error) {
	n, err := w.inner.Write(p)
	w.gathered.see(p[:n])
	w.whole.see(p[:n])
	return n, err
}

// Close implements io.Closer. A survey that fails is none: the stream is written.
func (w *surveyWriter) Close() error {
	defer w.cancel(nil)
	if err := w.inner.Close(); err != nil {
		return err
	}
	if w.gathered.at < w.codec.least {
		return nil
	}
	if survey, err := w.codec.conclude(w.ctx, slices.Concat(w.gathered.pieces...), w.whole.parts); err == nil {
		w.codec.mu.Lock()
		w.codec.survey = survey
		w.codec.mu.Unlock()
	}
	return nil
}

// Abort implements providers.Aborter.
func (w *surveyWriter) Abort(err error) {
	w.cancel(err)
	if inner, can := w.inner.(providers.Aborter); can {
		inner.Abort(err)
	}
}

// conclude tries the methods on the pieces of a whole of which the cells leave these parts: the hasty ones when nothing else runs, the others beside gzip -9.
func (s *surveyor) conclude(ctx context.Context, pieces []byte, cells moments) (*providers.Survey, error) {
	meter := trial.NewMeter(s.codecs, s.clock, pieces, false)
	survey := &providers.Survey{Head: s.head, Speedup: s.speedup, Texture: cells.mean(), Spread: cells.spread()}
	var bounding sync.WaitGroup
	var failure error
	defer bounding.Wait()
	bound := sync.OnceFunc(func() {
		bounding.Go(func() { survey.Reference, failure = meter.Reference(ctx) })
	})
	for _, tried := range s.measured {
		if !isSurveyed(tried.Method, tried.Level) {
			continue
		}
		if tried.Level >= carefulLevel {
			bound()
		}
		measured, err := meter.Measure(ctx, trial.Candidate{Method: tried.Method, Level: tried.Level, Limit: len(pieces)})
		if err != nil {
			return nil, err
		}
		made := providers.Experience{Method: tried.Method, Level: tried.Level, Fraction: measured.Fraction}
		survey.Tried = append(survey.Tried, providers.Tried{Experience: made, Rate: measured.Rate})
	}
	bound()
	bounding.Wait()
	if failure != nil {
		return nil, failure
	}
	known, err := texture(pieces, cell)
	if known > 0 && survey.Texture > 0 {
		// Trying it on the whole would take longer than all the rest: the texture says how that differs from the pieces.
		survey.Reference *= survey.Texture / known
	}
	return survey, err
}
