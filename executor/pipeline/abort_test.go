package pipeline

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// slowCodec compresses for so long that nothing is ever written. Its Write or its Close waits for Abort.
type slowCodec struct {
	providers.Codec
	inClose bool
	waits   chan<- struct{}
}

func (s slowCodec) NewWriter(io.Writer) (io.WriteCloser, error) {
	return &slowWriter{codec: s, aborted: make(chan error, 1)}, nil
}

type slowWriter struct {
	codec   slowCodec
	aborted chan error
	err     error
}

func (s *slowWriter) wait() error {
	if s.err == nil {
		s.codec.waits <- struct{}{}
		s.err = <-s.aborted
	}
	return s.err
}

func (s *slowWriter) Write(p []byte) (int, error) {
	if s.codec.inClose {
		return len(p), nil
	}
	return 0, s.wait()
}

func (s *slowWriter) Close() error { return s.wait() }

func (s *slowWriter) Abort(err error) { s.aborted <- err }

// A codec that works on something for minutes is told that nobody wants it any more.
func TestInterruptedWhileCompressing(t *testing.T) {
	for name, inClose := range map[string]bool{"in Write": false, "in Close": true} {
		t.Run(name, func(t *testing.T) {
			watch(t)
			one := newMemory()
			waits := make(chan struct{})
			j := job(t, "xz", pieces(noise(1<<20), 100_000), one)
			j.Codec = slowCodec{Codec: j.Codec, inClose: inClose, waits: waits}
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			result := make(chan error)
			go func() {
				_, err := Run(ctx, j)
				result <- err
			}()
			<-waits
			interrupt()
			if err := <-result; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			empty(t, one)
		})
	}
}
