// Package compression makes the codecs: gzip, zstd, xz, bzip2 and none. What they write is one ordinary file of its
// format. What they read may come from any tool that writes the format, and is held to it strictly: damage, truncation and
// anything after the end are errors, and a hostile file can neither crash the program nor make it use memory without bound.
//
// The formats' Go libraries fall short of that at their edges: some take a cut at an unlucky place for the end, forget
// an error on Close, or leave a goroutine behind. The decorators in stream.go and the readers here close those gaps.
package compression

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/providers"
)

// Auto is the name, of a profile and of a method, for choosing the compression by measuring the data. It is no format, so
// that NewCodec refuses it.
const Auto = "auto"

// method is one compression format.
type method struct {
	name      string
	extension string
	// lowest and highest bound the levels, standard is the one that providers.DefaultLevel stands for.
	lowest, highest, standard int
	// implementation says by what it is written; nil for none.
	implementation func() string
	// newWriter compresses into w. Its Close must end every goroutine and every process that it started, whatever happened
	// before. When ctx ends, what waits in it returns, with the cause.
	newWriter func(ctx context.Context, w io.Writer, level int) (io.WriteCloser, error)
	// newStreamWriter is the same for streams that are known to be long; nil where that makes no difference.
	newStreamWriter func(ctx context.Context, w io.Writer, level int) (io.WriteCloser, error)
	// newReader decompresses an input that is known not to be empty. It must not read ahead of r in a buffer of its own.
	newReader func(r *bufio.Reader) (io.Reader, error)
	// newAheadReader is the same for an input that may be read ahead of what is given out; nil where that gains nothing. Its Close
	// ends every goroutine and every process.
	newAheadReader func(r *bufio.Reader) io.ReadCloser
}

// methods lists the formats in the order in which they are offered.
func methods() []method {
	return []method{gzipMethod(), zstdMethod(zstdProgram()), xzMethod(xzProgram()), bzip2Method(bzip2Program()), noneMethod()}
}

// NewCodec makes the codec of a method at a level; it is a providers.CodecFactory. All methods compress on all processors,
// and all but bzip2 store what does not compress. A codec is a providers.Implemented and
// a providers.Streaming.
//
//   - gzip: levels 1 to 9, default 6. A level writes at most 1 % more than the reference tool's, in less time.
//   - zstd: levels 1 to 22, default 1. Streams above 4 MiB are compressed by the zstd program where it is installed. In Go there
//     are four strengths: 1–2, 3–5, 6–9 and 10–22 are the same each.
//   - xz: levels 1 to 9, default 6. Compressed by the xz program where it is installed, otherwise in Go, in less time
//     and with files that are 6 to 40 % larger.
//   - bzip2: levels 1 to 9, default 9. Compressed by the bzip2 program where it is installed, otherwise in Go, with files that
//     are 5 to 16 % larger.
//   - none: no levels; the bytes are stored as they are.
func NewCodec(name string, level int) (providers.Codec, error) {
	return codecOf(methods(), name, level)
}

func codecOf(known []method, name string, level int) (providers.Codec, error) {
	for _, method := range known {
		if method.name == name {
			return newCodec(method, level)
		}
	}
	if name == Auto {
		return nil, fmt.Errorf("compression method %q, which chooses by measuring the data, has no codec of its own: choose one of %s", Auto, names())
	}
	return nil, fmt.Errorf("unknown compression method %q%s: choose one of %s", name, suggestion(name), names())
}

func newCodec(method method, level int) (providers.Codec, error) {
	if level == providers.DefaultLevel {
		level = method.standard
	}
	switch {
	case method.highest == 0 && level != 0:
		return nil, fmt.Errorf("compression method %s has no levels, but level %d is given: leave the level out", method.name, level)
	case level < method.lowest || level > method.highest:
		return nil, fmt.Errorf("level %d is out of range for %s: choose %d to %d, or leave it out for %d",
			level, method.name, method.lowest, method.highest, method.standard)
	}
	return &codec{method: method, level: level}, nil
}

// names lists the methods for messages.
func names() string {
	all := methods()
	list := make([]string, len(all))
	for i, method := range all {
		list[i] = method.name
	}
	return strings.Join(list, ", ")
}

// suggestion is what someone who wrote name probably meant, as a part of a sentence; empty when nothing is close.
func suggestion(name string) string {
	var known []string
	for _, method := range methods() {
		isExtension := method.extension != "" && "."+strings.TrimPrefix(name, ".") == method.extension
		if isExtension || len(name) > 2 && strings.HasPrefix(method.name, name) {
			return fmt.Sprintf(" (did you mean %q?)", method.name)
		}
		known = append(known, method.name)
	}
	if closest := spelling.Nearest(name, known); closest != "" {
		return fmt.Sprintf(" (did you mean %q?)", closest)
	}
	return ""
}

// codec is a method at a level.
type codec struct {
	method method
	level  int
}

// Method implements providers.Codec.
func (c *codec) Method() string { return c.method.name }

// Level implements providers.Codec.
func (c *codec) Level() int { return c.level }

// Extension implements providers.Codec.
func (c *codec) Extension() string { return c.method.extension }

// Implementation implements providers.Implemented.
func (c *codec) Implementation() string {
	if c.method.implementation == nil {
		return ""
	}
	return c.method.implementation()
}

// NewWriter implements providers.Codec. The writer is a providers.Aborter.
func (c *codec) NewWriter(w io.Writer) (io.WriteCloser, error) { return c.begin(w, c.method.newWriter) }

// NewStreamWriter implements providers.Streaming. The writer is a providers.Aborter.
func (c *codec) NewStreamWriter(w io.Writer) (io.WriteCloser, error) {
	if c.method.newStreamWriter == nil {
		return c.NewWriter(w)
	}
	return c.begin(w, c.method.newStreamWriter)
}

// begin wraps what a method writes with.
func (c *codec) begin(w io.Writer, newWriter func(context.Context, io.Writer, int) (io.WriteCloser, error)) (io.WriteCloser, error) {
	out := &sink{w: w}
	ctx, cancel := context.WithCancelCause(context.Background())
	inner, err := newWriter(ctx, out, c.level)
	if err != nil {
		cancel(nil)
		return nil, fmt.Errorf("beginning to compress with %s: %w", c.method.name, err)
	}
	return &writer{inner: inner, out: out, cancel: cancel, method: c.method.name}, nil
}

// NewReader implements providers.Codec. It reads nothing yet: a bad beginning is an error of the first Read.
func (c *codec) NewReader(r io.Reader) (io.ReadCloser, error) {
	in := &input{r: r}
	_, settled := r.(providers.Settled)
	return &reader{in: in, buffer: bufio.NewReaderSize(in, readBuffer), method: c.method, ahead: settled}, nil
}

// noneMethod stores bytes as they are.
func noneMethod() method {
	return method{
		name:      "none",
		newWriter: func(_ context.Context, w io.Writer, _ int) (io.WriteCloser, error) { return plainWriter{w}, nil },
		newReader: func(r *bufio.Reader) (io.Reader, error) { return r, nil },
	}
}

// plainWriter has nothing to close.
type plainWriter struct{ io.Writer }

// Close implements io.Closer.
func (plainWriter) Close() error { return nil }
