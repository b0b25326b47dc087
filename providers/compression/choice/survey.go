package choice

import (
	"math"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

const (
	// worthSurvey is from how many bytes on a stream is surveyed: the survey costs less than it saves the next time.
	worthSurvey = 64 << 20
	// mostPieces is how many pieces of the stream there are at most.
	mostPieces = 16
	// skimmed is of how many bytes one cell is compressed to tell how the pieces differ from the whole.
	skimmed = 512 << 10
	// same is by how much the beginnings of streams differ at most that count as the same stream.
	same = 0.02
)

// grid is where the pieces of a survey lie, in bytes: at the beginning of every stride, which doubles when there are more than
// mostPieces.
type grid struct{ piece, stride int64 }

func usualGrid() grid { return grid{piece: 512 << 10, stride: 8 << 20} }

// recall answers by a survey, if the stream begins as the one that was surveyed did and none of the methods that a survey leaves out could
// win. Otherwise more has to be tried.
func (q *Question) recall(survey *providers.Survey, head float64) bool {
	if survey == nil || q.Goal != Balanced || q.Whole || math.Abs(head/survey.Head-1) > same {
		return false
	}
	surveyed := *q
	surveyed.Surveyed, surveyed.Reference, surveyed.Made, surveyed.Speedup = true, survey.Reference, survey.Made, survey.Speedup
	surveyed.Texture, surveyed.Spread = survey.Texture, survey.Spread
	if survey.Since != nil {
		surveyed.Past = survey.Since
	}
	for _, tried := range survey.Tried {
		surveyed.Measurements = append(surveyed.Measurements, trial.Measurement{Method: tried.Method, Level: tried.Level, Fraction: tried.Fraction, Rate: tried.Rate})
	}
	if choice := Choose(surveyed); choice.Warning != "" || !surveyed.covers(choice) {
		return false
	}
	*q = surveyed
	return true
}

// pace is how often the stream is to be looked at while it is written.
func (q Question) pace() pace {
	if q.Texture > 0 {
		return surveyedPace(q.Texture, q.Spread)
	}
	return usualPace()
}

// wantsSurvey tells whether the stream is to be surveyed while it is written: one that was backed up before, and will be again.
func (q Question) wantsSurvey(choice Choice) bool {
	return q.Goal == Balanced && q.Reference > 0 && !q.Whole && !q.Surveyed && len(q.Past) > 0 && q.Bytes >= worthSurvey && q.covers(choice)
}

// covers tells whether a choice would be the same if the methods had been tried that a survey leaves out: compressing decides, or a quicker
// method than the last of those that it has was taken.
func (q Question) covers(choice Choice) bool {
	last := -1
	for _, m := range q.Measurements {
		if isSurveyed(m.Method, m.Level) {
			last = max(last, m.Level)
		}
	}
	return choice.waitsForCompression() || isSurveyed(choice.Method, choice.Level) && choice.Level < last
}

// waitsForCompression tells whether compressing is the slowest part.
func (o Option) waitsForCompression() bool { return o.Method != "none" && o.cost <= 1/o.Rate }

// isSurveyed tells of the methods that a survey tries: those above are taken only when more than compressing decides.
func isSurveyed(method string, level int) bool { return method == "zstd" && level <= 7 }

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
