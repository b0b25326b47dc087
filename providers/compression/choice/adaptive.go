package choice

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// carefulLevel is the level of zstd that is gone on with: the quickest one that stayed below gzip -9 in all kinds of data that were tried.
const carefulLevel = 5

// adaptive is a codec of zstd at a hasty level that goes on with a careful one, in another frame of the same file, where the data becomes of
// another kind and the hasty level would store more of it than gzip -9. It never goes back. It implements providers.Codec and
// providers.Adaptive.
type adaptive struct {
	providers.Codec
	careful providers.Codec
	codecs  providers.CodecFactory
	clock   clock.Clock
	pace    pace

	mu sync.Mutex
	// turned is after how many bytes of a stream the careful level began, 0 when it did not.
	turned int64
}

func newAdaptive(hasty providers.Codec, codecs providers.CodecFactory, clock clock.Clock, pace pace) (providers.Codec, error) {
	careful, err := codecs(hasty.Method(), carefulLevel)
	if err != nil {
		return nil, err
	}
	return &adaptive{Codec: hasty, careful: careful, codecs: codecs, clock: clock, pace: pace}, nil
}

// Level implements providers.Codec: the level that was last gone on with.
func (a *adaptive) Level() int {
	if a.after() > 0 {
		return a.careful.Level()
	}
	return a.Codec.Level()
}

// Adapted implements providers.Adaptive.
func (a *adaptive) Adapted() string {
	after := a.after()
	if after == 0 {
		return ""
	}
	return fmt.Sprintf("after %s the data was of another kind, of which %s %d would have stored more than gzip 9: it went on with %s %d",
		units.Bytes(after), a.Method(), a.Codec.Level(), a.Method(), a.careful.Level())
}

func (a *adaptive) after() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.turned
}

// NewWriter implements providers.Codec. The writer is a providers.Aborter.
func (a *adaptive) NewWriter(w io.Writer) (io.WriteCloser, error) {
	watch, err := newWatch(a.pace)
	if err != nil {
		return nil, err
	}
	inner, err := a.Codec.NewWriter(w)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	return &adaptiveWriter{codec: a, out: w, ctx: ctx, cancel: cancel, inner: inner, watch: watch}, nil
}

// adaptiveWriter writes one file with both levels.
type adaptiveWriter struct {
	codec *adaptive
	out   io.Writer
	// ctx ends when the stream is given up, or closed.
	ctx    context.Context
	cancel context.CancelCauseFunc
	// watch is nil once the careful level has begun.
	watch *watch
	// err is why nothing more can be written.
	err error

	mu    sync.Mutex
	inner io.WriteCloser
}

// Write implements io.Writer.
func (w *adaptiveWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.inner.Write(p)
	if err == nil && w.watch != nil {
		if sample := w.watch.see(p); sample != nil {
			err = w.consider(sample)
		}
	}
	w.err = err
	return n, err
}

// consider goes on with the careful level if the hasty one would store more of a sample than gzip -9.
func (w *adaptiveWriter) consider(sample []byte) error {
	meter := trial.NewMeter(w.codec.codecs, w.codec.clock, sample, false)
	bound, err := meter.Reference(w.ctx)
	if err != nil {
		return err
	}
	hasty := w.codec.Codec
	measured, err := meter.Measure(w.ctx, trial.Candidate{Method: hasty.Method(), Level: hasty.Level(), Limit: len(sample)})
	if err != nil || measured.Fraction <= bound*(1-searching) {
		return err
	}
	// What was written so far becomes a frame.
	if err := w.inner.Close(); err != nil {
		return err
	}
	return w.turn()
}

// turn begins the careful level.
func (w *adaptiveWriter) turn() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if cause := context.Cause(w.ctx); cause != nil {
		return cause
	}
	inner, err := w.codec.careful.NewWriter(w.out)
	if err != nil {
		return err
	}
	w.codec.mu.Lock()
	w.codec.turned = w.watch.at
	w.codec.mu.Unlock()
	w.inner, w.watch = inner, nil
	return nil
}

// Close implements io.Closer.
func (w *adaptiveWriter) Close() error {
	if w.err != nil {
		// What failed beside the encoder must not be given a valid end.
		w.Abort(w.err)
	}
	defer w.cancel(nil)
	if err := w.inner.Close(); w.err == nil {
		w.err = err
	}
	return w.err
}

// Abort implements providers.Aborter.
func (w *adaptiveWriter) Abort(err error) {
	w.cancel(err)
	w.mu.Lock()
	defer w.mu.Unlock()
	if inner, can := w.inner.(providers.Aborter); can {
		inner.Abort(err)
	}
}
