package choice

import (
	"math"

	"github.com/klauspost/compress/zstd"

	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// samplePiece is a piece that a sample is made of, in bytes.
const samplePiece = 256 << 10

// pace is how often a watch looks, in bytes.
type pace struct {
	// Of the head, by which was chosen, one cell of every headStride is looked at, of what follows one of every stride. A piece of a
	// sample is the beginning of a sampleStride.
	head, headStride, stride, sampleStride int64
	// patience is how much passes at least between two samples, besides an eighth of all that passed.
	patience int64
	// texture and spread are those of the whole as it was surveyed, and its head is not looked at; 0 where it was not.
	texture, spread float64
}

func usualPace() pace {
	return pace{head: trial.HeadSize, headStride: 1 << 20, stride: 2 << 20, sampleStride: 512 << 10, patience: 32 << 20}
}

// surveyedPace is that of a stream that is chosen for by all of what it was before: it is looked at a quarter as often, and another kind is what it
// was nowhere then.
func surveyedPace(texture, spread float64) pace {
	surveyed := usualPace()
	surveyed.head, surveyed.stride, surveyed.texture, surveyed.spread = 0, 4*surveyed.stride, texture, spread
	return surveyed
}

// When a stream is of another kind: so many cells together leave another part than those before, by more than a twentieth and
// more than cells differ among themselves by chance.
const (
	enough    = 4
	different = 0.05
	chance    = 2
	// surveyedChance is more, since what lies together in a whole differs less than what lies apart.
	surveyedChance = 3
)

// watch notices when a stream becomes another kind of data than what its compression was chosen by. It compresses a thirty-second of
// it at most in passing, at three times the speed of what it watches. It is not safe for concurrent use.
type watch struct {
	pace    pace
	encoder *zstd.Encoder
	// at is how much was seen; of what is looked at, piece is what was seen so far.
	at    int64
	piece []byte
	// known are the parts that cells leave of the kind that is known, recent those of the last ones; spread is how much those of one kind
	// differed, as a part of their mean.
	known, recent []float64
	spread        float64
	// sample is what was gathered since begun; begun is 0 while nothing is.
	sample []byte
	begun  int64
	// next is before what nothing is gathered.
	next int64
}

func newWatch(pace pace) (*watch, error) {
	encoder, err := newCellEncoder()
	if err != nil {
		return nil, err
	}
	return &watch{pace: pace, encoder: encoder, spread: pace.spread}, nil
}

// see looks at what follows in the stream. Now and then it returns a sample of data that is of another kind than before, which counts as
// known from then on.
func (w *watch) see(data []byte) (sample []byte) {
	for len(data) > 0 {
		n := min(len(data), cell-int(w.at%cell))
		switch {
		case w.begun > 0:
			if (w.at-w.begun)%w.pace.sampleStride < samplePiece {
				w.sample = append(w.sample, data[:n]...)
			}
		case w.looksAt():
			w.piece = append(w.piece, data[:n]...)
		}
		w.at += int64(n)
		data = data[n:]
		if len(w.piece) == cell {
			w.judge()
		}
		if len(w.sample) >= trial.TrialSize {
			sample = w.settle()
		}
	}
	return sample
}

// looksAt tells whether the cell in which the stream is counts.
func (w *watch) looksAt() bool {
	if w.at < w.pace.head {
		return w.at%w.pace.headStride < cell
	}
	return w.at%w.pace.stride < cell
}

// judge compares a piece that is complete with what is known, and begins to gather a sample where it and the last ones differ.
func (w *watch) judge() {
	part := float64(len(w.encoder.EncodeAll(w.piece, nil))) / cell
	w.piece = w.piece[:0]
	if w.at <= w.pace.head {
		w.known = append(w.known, part)
		return
	}
	w.recent = append(w.recent, part)
	if len(w.recent) < enough || w.at < w.next {
		return
	}
	w.recent = w.recent[len(w.recent)-enough:]
	usual, expected := w.usual()
	if math.Abs(momentsOf(w.recent).mean()/usual-1) > max(different, expected) {
		w.begun = w.at
	}
}

// usual is the part that cells leave of the kind that is known, and by how much the mean of some may differ from it by chance, as a part of it.
func (w *watch) usual() (mean, expected float64) {
	if len(w.known) == 0 {
		return w.pace.texture, surveyedChance * w.spread
	}
	known := momentsOf(w.known)
	w.spread = max(w.spread, known.spread())
	return known.mean(), chance * w.spread
}

// settle ends the gathering of a sample. The cells that led to it are what is known from now on.
func (w *watch) settle() []byte {
	sample := w.sample
	w.known, w.recent, w.sample, w.begun = w.recent, nil, nil, 0
	w.next = w.at + w.at/8 + w.pace.patience
	return sample
}
