package providers

import "io"

// DefaultLevel asks a CodecFactory for a method's own default level.
const DefaultLevel = -1

// CodecFactory makes the codec of a compression method at a level (DefaultLevel, or one of the method's own range). An
// unknown method, a method that is not built yet, or a level out of range is an error that names what would be right.
type CodecFactory func(method string, level int) (Codec, error)

// Codec turns a stream into a smaller one and back. What it writes is one ordinary file of its format, which the
// format's reference tool reads. A Codec is safe for concurrent use; its writers and readers are not.
type Codec interface {
	// Method is the name of the format: gzip, zstd, xz, bzip2 or none.
	Method() string
	// Level is the level in force, 0 for none.
	Level() int
	// Extension is what a file name gets: ".zst", ".gz", ".xz", ".bz2", or "" for none.
	Extension() string
	// NewWriter returns a writer that compresses into w. Close writes the format's trailer and waits for the writer's
	// goroutines and processes; it does not close w. After an error from w, every later call returns an error and Close still
	// ends them. What was written may be held back until Close. The writer may be an Aborter.
	NewWriter(w io.Writer) (io.WriteCloser, error)
	// NewReader returns a reader that decompresses r and fails on damage, on truncation and on anything after the end
	// that is not another member of the format. It gives out what the input holds without waiting for more of it, unless r is a
	// Settled: then it may read ahead of what it gives out, to decompress on all processors. r is read by calls of Read only,
	// not between them. Close releases its goroutines and does not close r.
	NewReader(r io.Reader) (io.ReadCloser, error)
}

// Settled is what the input of a Codec's reader is when nobody waits for what is read of it: all of it lies somewhere.
type Settled interface {
	io.Reader
	// Settled does nothing; to have it is to say so.
	Settled()
}

// Aborter is what a writer of a Codec is when it can be given up at once.
type Aborter interface {
	// Abort gives the stream up: calls that wait and all later ones return err, nothing more is written, and processes are
	// killed. It returns at once and may be called at any time from any goroutine. Close must still be called, which waits for
	// what was ended.
	Abort(err error)
}

// Streaming is what a Codec is that may write a long stream by other means than one that it can hold.
type Streaming interface {
	// NewStreamWriter is as NewWriter, but writes from the first byte on as it does for long streams, so that what these cost can
	// be measured on a part of one.
	NewStreamWriter(w io.Writer) (io.WriteCloser, error)
}

// Implemented is what a Codec is when there is more than one way to write its format.
type Implemented interface {
	// Implementation says by what the codec writes on this machine, in words for people: "xz 5.4.1, 2 processes" or "pure Go, 2
	// threads"; empty for none. It may run the program to ask for its version, once.
	Implementation() string
}

// Adaptive is what a Codec is that may change how it compresses while it does. Its Level is that of the last writer's end.
type Adaptive interface {
	// Adapted says in words what was changed and why, as a part of a sentence; empty when nothing was.
	Adapted() string
}

// Rivalled is what a slow Codec is when a faster one leaves about as little.
type Rivalled interface {
	// Rival names the faster one with its level, "bzip2 9", and says what it will about do; the name is empty where there is none.
	Rival() (name string, estimate Estimate)
}

// Estimated is what a Codec, or a Chooser, is that can say beforehand what it will about do.
type Estimated interface {
	Estimate() Estimate
}

// Estimate is what a compression is expected to do to data that was not measured: round figures for database dumps.
type Estimate struct {
	// Fraction is the part that stays, Rate how many raw bytes are taken in a second.
	Fraction, Rate float64
}
