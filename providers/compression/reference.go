package compression

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"

	"github.com/castrolanda/imsctl/providers"
)

// gzipStart is from how many bytes on the gzip program is asked what it makes of data: below it, starting it takes longer.
const gzipStart = 32 << 10

// gzipProgram is the reference tool. It is only ever asked how small it makes something.
func gzipProgram() *program { return newProgram("gzip", `^gzip ([0-9.]*[0-9])`) }

// BestGzip is how many bytes gzip -9 makes of data: the tool itself where it is installed and does what it should, otherwise the standard
// library's encoder, which writes as much of most data and up to 5 % less of dumps and logs. It fails only when ctx ends.
func BestGzip(ctx context.Context, data []byte) (int64, error) {
	return bestGzip(ctx, gzipProgram(), data)
}

func bestGzip(ctx context.Context, tool *program, data []byte) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if len(data) >= gzipStart && tool.installed() {
		var made counter
		err := tool.filterInto(ctx, &made, data, "-9", "-c")
		if err == nil || ctx.Err() != nil {
			return int64(made), ctx.Err()
		}
	}
	var made counter
	writer, err := gzip.NewWriterLevel(&made, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	_, err = writer.Write(data)
	if err = errors.Join(err, writer.Close()); err != nil {
		return 0, fmt.Errorf("compressing with gzip: %w", err)
	}
	return int64(made), nil
}

// counter counts what is written.
type counter int64

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// Codecs is NewCodec for many codecs that are needed at once: they share what is known of the programs, each of which is looked for once.
func Codecs() providers.CodecFactory {
	known := methods()
	return func(name string, level int) (providers.Codec, error) { return codecOf(known, name, level) }
}
