package choice

import (
	"context"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

const (
	// worthSurvey is from how many bytes on a stream is surveyed: the survey costs less than it saves the next time.
	worthSurvey = 64 << 20
	// mostPieces is how many pieces of the stream there are at most.
	mostPieces = 8
	// same is by how much the beginnings of streams differ at most that count as the same stream.
	same = 0.02
)

// grid is where the pieces of a survey lie, in bytes: at the beginning of every stride, which doubles when there are more than
// mostPieces.
type grid struct{ piece, stride int64 }

func usualGrid() grid { return grid{piece: 512 << 10, stride: 16 << 20} }

// recall answers by a survey, if the stream begins as the one that was surveyed did and nothing but compressing decides. Otherwise more
// has to be tried.
func (q *Question) recall(ctx context.Context, meter *trial.Meter, survey *providers.Survey) (bool, error) {
	if survey == nil || q.Goal != Balanced || q.Whole {
		return false, nil
	}
	head, err := meter.Measure(ctx, trial.Candidates()[0])
	if err != nil || math.Abs(head.Fraction/survey.Head-1) > same {
		return false, err
	}
	surveyed := *q
	surveyed.Surveyed, surveyed.Reference, surveyed.Speedup = true, survey.Reference, survey.Speedup
	for _, tried := range survey.Tried {
		surveyed.Measurements = append(surveyed.Measurements, trial.Measurement{Method: tried.Method, Level: tried.Level, Fraction: tried.Fraction, Rate: tried.Rate})
	}
	if choice := Choose(surveyed); choice.Warning != "" || !choice.waitsForCompression() {
		return false, nil
	}
	*q = surveyed
	return true, nil
}

// wantsSurvey tells whether the stream is to be surveyed while it is written: one that was backed up before, and will be again.
func (q Question) wantsSurvey(choice Choice) bool {
	return q.Goal == Balanced && q.Reference > 0 && !q.Whole && !q.Surveyed && len(q.Past) > 0 && q.Bytes >= worthSurvey && choice.waitsForCompression()
}

// waitsForCompression tells whether compressing is the slowest part.
func (o Option) waitsForCompression() bool { return o.Method != "none" && o.cost <= 1/o.Rate }

// surveyor is a codec that surveys what it writes. It implements providers.Codec, Adaptive and Surveyor.
type surveyor struct {
	providers.Codec
	codecs providers.CodecFactory
	clock  clock.Clock
	// measured is what was tried on the beginning.
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
	inner, err := s.Codec.NewWriter(w)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	return &surveyWriter{codec: s, inner: inner, ctx: ctx, cancel: cancel, gathered: gathered{grid: s.grid}}, nil
}

// surveyWriter gathers pieces of what passes, and tries the methods on them when all is written.
type surveyWriter struct {
	codec *surveyor
	inner io.WriteCloser
	// ctx ends when the stream is given up, or closed.
	ctx      context.Context
	cancel   context.CancelCauseFunc
	gathered gathered
}

// Write implements io.Writer.
func (w *surveyWriter) Write(p []byte) (int, error) {
	n, err := w.inner.Write(p)
	w.gathered.see(p[:n])
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
	if survey, err := w.codec.conclude(w.ctx, slices.Concat(w.gathered.pieces...)); err == nil {
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

// conclude tries the methods on the pieces, those of which the beginning told how fast they are when nothing else ran.
func (s *surveyor) conclude(ctx context.Context, pieces []byte) (*providers.Survey, error) {
	meter := trial.NewMeter(s.codecs, s.clock, pieces, false)
	var bound bounded
	bound.running.Go(func() { bound.reference, bound.err = meter.Reference(ctx) })
	defer bound.running.Wait()
	survey := &providers.Survey{Head: s.measured[0].Fraction, Speedup: s.speedup}
	for _, tried := range s.measured {
		if tried.Method != "zstd" || tried.Level > careful {
			continue
		}
		measured, err := meter.Measure(ctx, trial.Candidate{Method: tried.Method, Level: tried.Level, Limit: len(pieces)})
		if err != nil {
			return nil, err
		}
		made := providers.Experience{Method: tried.Method, Level: tried.Level, Fraction: measured.Fraction}
		survey.Tried = append(survey.Tried, providers.Tried{Experience: made, Rate: tried.Rate})
	}
	bound.running.Wait()
	survey.Reference = bound.reference
	return survey, bound.err
}

// careful is the highest level of zstd that a survey tries: those above are taken only when more than compressing decides.
const careful = 7

// gathered are pieces of a stream at equal distances, from its beginning on.
type gathered struct {
	grid
	at     int64
	pieces [][]byte
}

// see takes in what follows in the stream.
func (g *gathered) see(data []byte) {
	for len(data) > 0 {
		if g.at%g.stride == 0 {
			g.begin()
		}
		within := g.at % g.stride
		until := g.stride
		if within < g.piece {
			until = g.piece
		}
		n := min(int64(len(data)), until-within)
		if within < g.piece {
			last := &g.pieces[len(g.pieces)-1]
			*last = append(*last, data[:n]...)
		}
		g.at += n
		data = data[n:]
	}
}

// begin begins a piece. Where there are enough, every second one is dropped first, and they lie twice as far apart from then on.
func (g *gathered) begin() {
	if len(g.pieces) == mostPieces {
		for i := range mostPieces / 2 {
			g.pieces[i] = g.pieces[2*i]
		}
		g.pieces, g.stride = g.pieces[:mostPieces/2], 2*g.stride
	}
	g.pieces = append(g.pieces, make([]byte, 0, g.piece))
}
