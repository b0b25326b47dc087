package compression

import (
	"bufio"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

const (
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

// newZstdWriter compresses in the goroutine that writes: handing blocks between goroutines would use a third more
// processor time for the same throughput. A stream of no bytes is a frame too, or it could not be told from nothing.
func newZstdWriter(w io.Writer, level int) (io.WriteCloser, error) {
	return zstd.NewWriter(w,
		zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(true),
		zstd.WithZeroFrames(true),
	)
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
