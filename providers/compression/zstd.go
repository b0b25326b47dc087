package compression

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

const (
	// zstdBlock is the piece that one processor compresses at a time, in bytes.
	zstdBlock = 4 << 20
	// zstdWindow is how far back the encoder looks, in bytes. On database dumps a larger one gains nothing and costs a
	// third of the speed, because the window falls out of the processor's cache.
	zstdWindow = 4 << 20
	// zstdDecoderWindow is the largest window that is read, in bytes: that of zstd --ultra -22 and of zstd --long.
	zstdDecoderWindow = 128 << 20
)

// zstdMethod is RFC 8878.
func zstdMethod() method {
	return method{
		name: "zstd", extension: ".zst",
		// Level 1 is the standard because on database dumps this encoder's levels 3 to 6 write more bytes, not fewer, and take
		// half as long again.
		lowest: 1, highest: 22, standard: 1,
		newWriter: newZstdWriter,
		newReader: newZstdReader,
	}
}

// newZstdWriter writes frames of a block each.
func newZstdWriter(w io.Writer, level int) (io.WriteCloser, error) {
	return newBlockWriter(w, blockFormat{
		size: zstdBlock,
		newEncoder: func() (blockEncoder, error) {
			inner, err := zstdFrames(zstd.EncoderLevelFromZstd(level))
			return &zstdEncoder{inner: inner}, err
		},
		framing: &zstdFraming{},
	}), nil
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

// newZstdReader decompresses in the goroutine that reads, which takes less processor time and keeps panics where they can
// be caught.
func newZstdReader(r *bufio.Reader) (io.Reader, error) {
	decoder, err := zstd.NewReader(unseekable{r},
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdDecoderWindow),
	)
	if err != nil {
		return nil, err
	}
	return &zstdReader{decoder}, nil
}

// unseekable hides every other method of a reader, which decoders use for shortcuts.
type unseekable struct{ io.Reader }

// zstdReader explains the one limit that a good file can meet.
type zstdReader struct{ decoder *zstd.Decoder }

// Read implements io.Reader.
func (r *zstdReader) Read(p []byte) (int, error) {
	n, err := r.decoder.Read(p)
	if err == zstd.ErrWindowSizeExceeded || err == zstd.ErrDecoderSizeExceeded {
		err = fmt.Errorf("the file needs a window above %d MiB: decompress it with zstd --long=31: %w", zstdDecoderWindow>>20, err)
	}
	return n, err
}

// Close implements io.Closer.
func (r *zstdReader) Close() error {
	r.decoder.Close()
	return nil
}
