package compression

import (
	"bufio"
	stdbzip2 "compress/bzip2"
	"context"
	"fmt"
	"io"

	"github.com/dsnet/compress/bzip2"
)

// bzip2Unit is the size of the format's own block at level 1, in bytes.
const bzip2Unit = 100_000

// bzip2Blocks is how many of the format's own blocks a process compresses: so many that starting it costs nothing beside
// them.
const bzip2Blocks = 2

// bzip2Program is the reference tool.
func bzip2Program() *program {
	return newProgram("bzip2", `bzip2, a block-sorting file compressor\.\s+Version ([0-9.]*[0-9])`)
}

// bzip2Method is the format of bzip2 1.0. The level is the size of a block in units of 100 kB. The reader is the standard
// library's: as strict as the other one and as fast.
func bzip2Method(tool *program) method {
	return method{
		name: "bzip2", extension: ".bz2",
		lowest: bzip2.BestSpeed, highest: bzip2.BestCompression, standard: bzip2.BestCompression,
		implementation: func() string { return tool.describe(several("process", "processes")) },
		newWriter: func(ctx context.Context, w io.Writer, level int) (io.WriteCloser, error) {
			return newBzip2Writer(ctx, w, level, tool)
		},
		newReader:      func(r *bufio.Reader) (io.Reader, error) { return stdbzip2.NewReader(r), nil },
		newAheadReader: newBzip2Ahead,
	}
}

// newBzip2Writer writes streams of a block each, as pbzip2 does.
func newBzip2Writer(ctx context.Context, w io.Writer, level int, tool *program) (io.WriteCloser, error) {
	return newBlockWriter(ctx, w, blockFormat{
		// A few bytes of the format's own block are its own; the rest would become a block of a few bytes.
		size: bzip2Blocks * (level*bzip2Unit - 20),
		newEncoder: func() (blockEncoder, error) {
			return &bzip2Encoder{level: level, tool: tool}, nil
		},
		framing: &bzip2Framing{level: level},
	}), nil
}

// bzip2Encoder makes a stream of each block. The format has no form for what does not compress: it is 1 % larger then.
type bzip2Encoder struct {
	level int
	tool  *program
	inner *bzip2.Writer
}

// encode implements blockEncoder.
func (e *bzip2Encoder) encode(ctx context.Context, b *block) (err error) {
	if e.tool.installed() {
		b.out, err = e.tool.filter(ctx, b.out, b.data, fmt.Sprintf("-%d", e.level), "-c")
		return err
	}
	out := &appender{to: b.out}
	if e.inner == nil {
		e.inner, err = bzip2.NewWriter(out, &bzip2.WriterConfig{Level: e.level})
	} else {
		err = e.inner.Reset(out)
	}
	if err != nil {
		return err
	}
	if _, err := e.inner.Write(b.data); err != nil {
		return err
	}
	err = e.inner.Close()
	b.out = out.to
	return err
}

// bzip2Framing is nothing around streams, except that a file of none is one stream of nothing.
type bzip2Framing struct {
	level   int
	streams bool
}

// head implements framing.
func (f *bzip2Framing) head() []byte { return nil }

// add implements framing.
func (f *bzip2Framing) add(*block) { f.streams = true }

// tail implements framing: a stream without blocks is its header, the mark of the end and a checksum of nothing.
func (f *bzip2Framing) tail() []byte {
	if f.streams {
		return nil
	}
	return []byte{'B', 'Z', 'h', '0' + byte(f.level), 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, 0, 0, 0, 0}
}
