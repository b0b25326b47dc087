package compression

import (
	"bufio"
	"io"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/pgzip"
)

// gzipBlock is the piece that one processor compresses at a time, in bytes. At this size the pieces cost less than one part
// in a thousand of the ratio.
const gzipBlock = 1 << 20

// gzipMethod is RFC 1952.
func gzipMethod() method {
	return method{
		name: "gzip", extension: ".gz",
		lowest: pgzip.BestSpeed, highest: pgzip.BestCompression, standard: 6,
		newWriter: newGzipWriter,
		newReader: func(r *bufio.Reader) (io.Reader, error) { return &gzipReader{source: r}, nil },
	}
}

func newGzipWriter(w io.Writer, level int) (io.WriteCloser, error) {
	inner, err := pgzip.NewWriterLevel(w, level)
	if err != nil {
		return nil, err
	}
	if err := inner.SetConcurrency(gzipBlock, runtime.GOMAXPROCS(0)); err != nil {
		return nil, err
	}
	return &gzipWriter{inner}, nil
}

// gzipWriter ends pgzip's goroutines also after an error, which its own Close does not.
type gzipWriter struct{ *pgzip.Writer }

// Close implements io.Closer.
func (w *gzipWriter) Close() error {
	err := w.Writer.Close()
	if err != nil {
		w.Reset(io.Discard)
	}
	return err
}

// gzipReader reads one member after the other. The library's own loop takes a cut in the file name of a later member for
// the end.
type gzipReader struct {
	source *bufio.Reader
	member *gzip.Reader
	inside bool
}

// Read implements io.Reader.
func (r *gzipReader) Read(p []byte) (int, error) {
	for {
		if !r.inside {
			if err := r.next(); err != nil {
				return 0, err
			}
		}
		n, err := r.member.Read(p)
		if err == io.EOF {
			r.inside, err = false, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next begins the next member; io.EOF says that there is none.
func (r *gzipReader) next() error {
	if _, err := r.source.Peek(1); err != nil {
		return err
	}
	var err error
	if r.member == nil {
		r.member, err = gzip.NewReader(r.source)
	} else {
		err = r.member.Reset(r.source)
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	r.member.Multistream(false)
	r.inside = true
	return nil
}
