package choice

import (
	"math"

	"github.com/klauspost/compress/zstd"
)

// cell is a piece that is compressed by itself to tell how well a stream compresses, in bytes: about what gzip looks back.
const cell = 64 << 10

// newCellEncoder makes the encoder of cells, which takes a third of the time of what it watches, or less.
func newCellEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(cell))
}

// skim compresses one cell of every stride of a stream. It is not safe for concurrent use.
type skim struct {
	encoder *zstd.Encoder
	stride  int64
	// at is how much was seen; piece is what was seen so far of a cell that counts.
	at    int64
	piece []byte
	// parts are those that were left of the cells.
	parts moments
}

// moments are the sums that tell the mean of values and how much they differ.
type moments struct {
	count        int
	sum, squares float64
}

func momentsOf(values []float64) moments {
	var m moments
	for _, value := range values {
		m.add(value)
	}
	return m
}

func (m *moments) add(value float64) {
	m.count++
	m.sum += value
	m.squares += value * value
}

// mean is 0 of no values.
func (m moments) mean() float64 {
	if m.count == 0 {
		return 0
	}
	return m.sum / float64(m.count)
}

// spread is the standard deviation of values above 0, as a part of their mean.
func (m moments) spread() float64 {
	mean := m.mean()
	if mean == 0 {
		return 0
	}
	return math.Sqrt(max(0, m.squares/float64(m.count)-mean*mean)) / mean
}

func newSkim(stride int64) (*skim, error) {
	encoder, err := newCellEncoder()
	if err != nil {
		return nil, err
	}
	return &skim{encoder: encoder, stride: stride}, nil
}

// see looks at what follows in the stream.
func (s *skim) see(data []byte) {
	for len(data) > 0 {
		n := min(len(data), cell-int(s.at%cell))
		if s.at%s.stride < cell {
			s.piece = append(s.piece, data[:n]...)
		}
		s.at += int64(n)
		data = data[n:]
		if len(s.piece) == cell {
			s.compress()
		}
	}
}

// compress ends a cell.
func (s *skim) compress() {
	s.parts.add(float64(len(s.encoder.EncodeAll(s.piece, nil))) / cell)
	s.piece = s.piece[:0]
}

// texture is the part that is left of data, of one cell of every stride.
func texture(data []byte, stride int64) (float64, error) {
	all, err := newSkim(stride)
	if err != nil {
		return 0, err
	}
	all.see(data)
	return all.parts.mean(), nil
}
