package compression

import (
	"bufio"
	"bytes"
	stdbzip2 "compress/bzip2"
	"context"
	"io"
	"runtime"

	"github.com/dsnet/compress/bzip2"
)

const (
	// bzip2Piece is the largest compressed part of a file that is decoded apart from the others, in bytes, and bzip2PieceOut the most that
	// may become of one. Streams that tools write in parallel are smaller.
	bzip2Piece, bzip2PieceOut = 4 << 20, 32 << 20
	// Small streams are decoded together: until they have so many bytes, or are so many.
	bzip2PieceLeast, bzip2PieceStreams = 64 << 10, 8
	// bzip2Mark is the length of what a stream begins with: "BZh", the level, and the mark of its first block or of its end.
	bzip2Mark = 10
)

// bzip2Ahead cuts a file where a stream seems to begin, at a byte, as all of them do: blocks may begin at any bit. Whether one does, only
// the decoder can tell. Where a piece cannot be decoded by itself, all from there on is read in one.
type bzip2Ahead struct {
	source *bufio.Reader
	// free are the decoders that nobody uses, with the memory that they have. They are of the library that does allow it, and that is faster.
	free chan *bzip2.Reader
	// read is what was read and is not in a piece yet, err why there is no more.
	read []byte
	err  error
}

func newBzip2Ahead(r *bufio.Reader) io.ReadCloser {
	return newAheadReader((&bzip2Ahead{source: r, free: make(chan *bzip2.Reader, runtime.GOMAXPROCS(0))}).next)
}

// next reads until a stream begins behind enough of them.
func (b *bzip2Ahead) next() (*piece, error) {
	streams, begun, searched := 0, 0, 1
	for {
		if i := bzip2Begin(b.read, searched); i > 0 {
			begun, searched = i, i+1
			if streams++; i >= bzip2PieceLeast || streams == bzip2PieceStreams {
				return b.cut(i), nil
			}
			continue
		}
		searched = max(searched, len(b.read)-bzip2Mark+1)
		switch {
		case len(b.read) >= bzip2Piece && begun > 0:
			return b.cut(begun), nil
		case len(b.read) >= bzip2Piece:
			// One large stream: nothing of it can be decoded before what stands in front of it.
			return &piece{stream: b.serial(nil)}, nil
		case b.err == io.EOF && len(b.read) > 0:
			return b.cut(len(b.read)), nil
		case b.err == io.EOF:
			return nil, io.EOF
		case b.err != nil:
			return &piece{stream: b.serial(nil)}, nil
		}
		b.more()
	}
}

// more reads what there is, and some.
func (b *bzip2Ahead) more() {
	if _, b.err = b.source.Peek(1); b.err != nil {
		return
	}
	waiting, err := b.source.Peek(b.source.Buffered())
	b.read, b.err = append(b.read, waiting...), err
	if _, err := b.source.Discard(len(waiting)); err != nil {
		b.err = err
	}
}

// cut makes a piece of the first bytes.
func (b *bzip2Ahead) cut(size int) *piece {
	input := b.read[:size:size]
	b.read = bytes.Clone(b.read[size:])
	c := &piece{input: input}
	c.decode = func(ctx context.Context) ([]byte, error) { return b.decode(ctx, input) }
	c.instead = func(behind []*piece) io.Reader { return b.serial(append([]*piece{c}, behind...)) }
	return c
}

// decode decodes a piece.
func (b *bzip2Ahead) decode(ctx context.Context, input []byte) ([]byte, error) {
	decoder := new(bzip2.Reader)
	select {
	case decoder = <-b.free:
	default:
	}
	if err := decoder.Reset(bytes.NewReader(input)); err != nil {
		return nil, err
	}
	out, err := readPiece(ctx, decoder, 5*len(input), bzip2PieceOut)
	if err == nil {
		select {
		case b.free <- decoder:
		default:
		}
	}
	return out, err
}

// serial decodes pieces, what was read behind them and what is still to be read as one.
func (b *bzip2Ahead) serial(pieces []*piece) io.Reader {
	var parts []io.Reader
	for _, piece := range pieces {
		parts = append(parts, bytes.NewReader(piece.input))
	}
	parts = append(parts, bytes.NewReader(b.read), b.source)
	b.read, b.err = nil, io.EOF
	return stdbzip2.NewReader(bufio.NewReaderSize(io.MultiReader(parts...), readBuffer))
}

// bzip2Begin is where a stream seems to begin in data, at from or later; -1 for nowhere.
func bzip2Begin(data []byte, from int) int {
	for from+bzip2Mark <= len(data) {
		i := bytes.Index(data[from:], []byte("BZh"))
		if i < 0 || from+i+bzip2Mark > len(data) {
			return -1
		}
		from += i
		switch string(data[from+4 : from+bzip2Mark]) {
		case "\x31\x41\x59\x26\x53\x59", "\x17\x72\x45\x38\x50\x90":
			if level := data[from+3]; '1' <= level && level <= '9' {
				return from
			}
		}
		from++
	}
	return -1
}
