package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/castrolanda/imsctl/providers"
)

// rawStream takes what the source writes: it counts and hashes it, remembers its beginning and its end, and passes it on.
type rawStream struct {
	progress Progress
	encoder  io.Writer
	sums     *summing
	head     []byte
	tail     []byte
	// err is why bytes could not be passed on: the source reports it as if it were its own.
	err error
}

func newRawStream(job Job, encoder io.Writer) *rawStream {
	return &rawStream{progress: job.Progress, encoder: encoder, sums: newRawSums()}
}

// Write implements io.Writer.
func (r *rawStream) Write(p []byte) (int, error) {
	if missing := providers.HeaderWindow - len(r.head); missing > 0 {
		r.head = append(r.head, p[:min(missing, len(p))]...)
	}
	r.remember(p)
	r.sums.add(p)
	if _, err := r.encoder.Write(p); err != nil {
		r.err = err
		return 0, err
	}
	r.progress.Read(r.sums.size)
	return len(p), nil
}

// remember keeps the last bytes of the stream.
func (r *rawStream) remember(p []byte) {
	if len(p) >= providers.TrailerWindow {
		r.tail = append(r.tail[:0], p[len(p)-providers.TrailerWindow:]...)
		return
	}
	if excess := len(r.tail) + len(p) - providers.TrailerWindow; excess > 0 {
		r.tail = append(r.tail[:0], r.tail[excess:]...)
	}
	r.tail = append(r.tail, p...)
}

// check looks for the marks of the format.
func (r *rawStream) check(format providers.Format) error {
	if r.sums.size == 0 {
		return errors.New("the source wrote nothing")
	}
	if len(format.Headers) > 0 && !containsAny(r.head, format.Headers) {
		return fmt.Errorf("what the source wrote does not begin like %s: none of its first %d bytes is %q",
			format.Extension, providers.HeaderWindow, format.Headers[0])
	}
	if len(format.Trailer) > 0 && !bytes.Contains(r.tail, format.Trailer) {
		return fmt.Errorf("what the source wrote has no end marker: %q is not in its last %d bytes, so that it is not complete",
			format.Trailer, providers.TrailerWindow)
	}
	return nil
}

func containsAny(data []byte, marks [][]byte) bool {
	for _, mark := range marks {
		if bytes.Contains(data, mark) {
			return true
		}
	}
	return false
}
