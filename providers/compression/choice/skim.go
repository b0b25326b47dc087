package choice

import "github.com/klauspost/compress/zstd"

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
	// looked is how much of the stream was compressed, left how much that became.
	looked, left int64
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
	s.looked += int64(len(s.piece))
	s.left += int64(len(s.encoder.EncodeAll(s.piece, nil)))
	s.piece = s.piece[:0]
}

// fraction is the part that is left of the cells, 0 before the first one is complete.
func (s *skim) fraction() float64 {
	if s.looked == 0 {
		return 0
	}
	return float64(s.left) / float64(s.looked)
}

// texture is the part that is left of data, cell by cell.
func texture(data []byte) (float64, error) {
	all, err := newSkim(cell)
	if err != nil {
		return 0, err
	}
	all.see(data)
	return all.fraction(), nil
}
