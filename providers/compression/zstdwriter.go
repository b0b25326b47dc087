package compression

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// zstdAlone is the size up to which a stream is compressed without the program, in bytes: starting it would take as long.
const zstdAlone = 4 << 20

// zstdSmall is the room for the beginning of a stream, in bytes.
const zstdSmall = 64 << 10

// zstdWriter holds the beginning of a stream back until it is long enough for the program.
type zstdWriter struct {
	ctx   context.Context
	out   io.Writer
	level int
	tool  *program
	held  []byte
	inner io.WriteCloser
	// looking is for the program, while the beginning comes.
	looking sync.WaitGroup
}

// Write implements io.Writer.
func (w *zstdWriter) Write(p []byte) (int, error) {
	if w.inner == nil {
		if len(w.held)+len(p) <= zstdAlone {
			w.hold(p)
			return len(p), nil
		}
		if err := w.begin(true); err != nil {
			return 0, err
		}
	}
	return w.inner.Write(p)
}

// hold keeps p. What does not stay small gets all the room at once: to grow step by step would copy it again and again, and leave
// as much garbage.
func (w *zstdWriter) hold(p []byte) {
	switch size := len(w.held) + len(p); {
	case size <= cap(w.held):
	case size <= zstdSmall:
		w.held = slices.Grow(w.held, zstdSmall)
	default:
		w.held = append(make([]byte, 0, zstdAlone), w.held...)
		w.looking.Go(func() { w.tool.installed() })
	}
	w.held = append(w.held, p...)
}

// begin writes what was held back.
func (w *zstdWriter) begin(long bool) (err error) {
	inner := io.WriteCloser(nil)
	if long {
		inner, err = newZstdWriter(w.ctx, w.out, w.level, w.tool)
	} else {
		inner = newZstdBlocks(w.ctx, w.out, w.level)
	}
	if err != nil {
		return err
	}
	w.inner = inner
	_, err = inner.Write(w.held)
	w.held = nil
	return err
}

// zstdArguments are those of the program at a level. At level 1 a thread takes 3 MiB at a time, not 2, and so waits less often for the other ones: a
// twentieth quicker, for 6 MiB of memory. Two levels look things up in smaller tables than are theirs (zstd(1), hashLog and
// chainLog), which stay in the processor's cache: what they write differs by less than one part in a hundred, on dumps it is smaller, and
// takes an eighth less processor time. Level 5 takes the first match that it finds, and finds better ones when they must be six bytes long
// instead of five (minMatch): dumps, logs and configuration become 2 to 3 % smaller, code and texts at most 1 % larger, for no more time.
func zstdArguments(level int) []string {
	arguments := []string{fmt.Sprintf("-%d", level), fmt.Sprintf("-T%d", runtime.GOMAXPROCS(0)), "-q", "-c"}
	switch {
	case level == 1:
		arguments = append(arguments, "-B3MiB")
	case level == 3:
		arguments = append(arguments, "--zstd=hlog=17,clog=14")
	case level == 5:
		arguments = append(arguments, "--zstd=mml=6")
	case level == 9:
		arguments = append(arguments, "--zstd=hlog=20")
	case level > 19:
		arguments = append(arguments, "--ultra")
	}
	return arguments
}

// newZstdWriter compresses a long stream, by the program where it is installed.
func newZstdWriter(ctx context.Context, out io.Writer, level int, tool *program) (io.WriteCloser, error) {
	if !tool.installed() {
		return newZstdBlocks(ctx, out, level), nil
	}
	writer, err := newProcessWriter(ctx, out, tool, zstdArguments(level)...)
	if err != nil {
		return nil, err
	}
	return writer, nil
}

// Close implements io.Closer.
func (w *zstdWriter) Close() error {
	defer w.looking.Wait()
	if w.inner == nil {
		if err := w.begin(false); err != nil {
			return err
		}
	}
	return w.inner.Close()
}

// newZstdBlocks writes frames of a block each.
func newZstdBlocks(ctx context.Context, w io.Writer, level int) io.WriteCloser {
	return newBlockWriter(ctx, w, blockFormat{
		size: zstdBlock,
		newEncoder: func() (blockEncoder, error) {
			inner, err := zstdFrames(zstd.EncoderLevelFromZstd(level))
			return &zstdEncoder{inner: inner}, err
		},
		framing: &zstdFraming{},
	})
}

// zstdFrames makes an encoder of whole frames, which starts no goroutines.
func zstdFrames(level zstd.EncoderLevel) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil,
		zstd.WithEncoderLevel(level),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(true),
		zstd.WithZeroFrames(true),
	)
}

// zstdEncoder makes one frame of each block.
type zstdEncoder struct{ inner, fast *zstd.Encoder }

// encode implements blockEncoder. The library's first level finds out by itself what does not compress, and stores it.
func (e *zstdEncoder) encode(_ context.Context, b *block) error {
	encoder := e.inner
	if incompressible(b.data) {
		if e.fast == nil {
			var err error
			if e.fast, err = zstdFrames(zstd.SpeedFastest); err != nil {
				return err
			}
		}
		encoder = e.fast
	}
	b.out = encoder.EncodeAll(b.data, b.out)
	return nil
}

// zstdFraming is nothing around frames, except that a file of none is one frame of nothing, or it could not be told from
// no file.
type zstdFraming struct{ frames bool }

// head implements framing.
func (f *zstdFraming) head() []byte { return nil }

// add implements framing.
func (f *zstdFraming) add(*block) { f.frames = true }

// tail implements framing: a frame without contents, of which only a checksum is stored (RFC 8878, 3.1.1).
func (f *zstdFraming) tail() []byte {
	if f.frames {
		return nil
	}
	return []byte{0x28, 0xb5, 0x2f, 0xfd, 0x24, 0, 1, 0, 0, 0x99, 0xe9, 0xd8, 0x51}
}
