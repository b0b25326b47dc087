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

// zstdProgram is the reference tool.
func zstdProgram() *program { return newProgram("zstd", `Zstandard CLI.* v([0-9.]*[0-9])`) }

// zstdMethod is RFC 8878.
func zstdMethod(tool *program) method {
	return method{
		name: "zstd", extension: ".zst",
		// Level 1 is the standard because on database dumps levels 3 to 5 write more bytes, not fewer, and take twice as long.
		lowest: 1, highest: 22, standard: 1,
		implementation: func() string { return tool.describe(several("thread", "threads")) },
		newWriter: func(ctx context.Context, w io.Writer, level int) (io.WriteCloser, error) {
			return &zstdWriter{ctx: ctx, out: w, level: level, tool: tool}, nil
		},
		newStreamWriter: func(ctx context.Context, w io.Writer, level int) (io.WriteCloser, error) {
			return newZstdWriter(ctx, w, level, tool)
		},
		newReader: newZstdReader,
	}
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
