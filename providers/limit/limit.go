// Package limit keeps what a destination is asked for within the limits that were declared for it: how many bytes are uploaded
// in a second, and how many uploads and readings go on at once. It is a decorator around any destination.
package limit

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// Limits are the limits of one destination.
type Limits struct {
	// Rate is how many bytes all uploads together may send in a second, at the average; 0 for no limit.
	Rate int64
	// Concurrency is how many uploads may be in progress, and as many readings; 0 for no limit. They are counted apart, so that
	// a copy that reads here and waits for another destination never keeps anybody from uploading.
	Concurrency int
	Clock       clock.Clock
	// Sleep waits, or returns the error of ctx as soon as that ends; nil waits by the machine's clock.
	Sleep func(ctx context.Context, pause time.Duration) error
}

// destination implements providers.Destination.
type destination struct {
	providers.Destination
	rate              *bucket // nil without a limit
	uploads, readings turns
}

// Destination returns a destination that keeps within limits; inner itself where there are none.
func Destination(inner providers.Destination, limits Limits) providers.Destination {
	if limits.Rate <= 0 && limits.Concurrency <= 0 {
		return inner
	}
	d := &destination{Destination: inner, uploads: newTurns(limits.Concurrency), readings: newTurns(limits.Concurrency)}
	if limits.Rate > 0 {
		if limits.Sleep == nil {
			limits.Sleep = clock.Sleep
		}
		d.rate = &bucket{rate: limits.Rate, clock: limits.Clock, sleep: limits.Sleep}
	}
	return d
}

// Create implements providers.Destination. It waits for its turn, which ends with the upload.
func (d *destination) Create(ctx context.Context, key string, options providers.CreateOptions) (providers.Upload, error) {
	held := options.Held
	if held == nil {
		held = func(bool) {}
	}
	if err := d.uploads.take(ctx, held); err != nil {
		return nil, err
	}
	made, err := d.Destination.Create(ctx, key, options)
	if err != nil {
		d.uploads.give()
		return nil, err
	}
	return &upload{Upload: made, destination: d, ctx: ctx, held: held}, nil
}

// Open implements providers.Destination. It waits for its turn, which ends when the reader is closed.
func (d *destination) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := d.readings.take(ctx, func(bool) {}); err != nil {
		return nil, err
	}
	opened, err := d.Destination.Open(ctx, key)
	if err != nil {
		d.readings.give()
		return nil, err
	}
	return &reader{ReadCloser: opened, end: sync.OnceFunc(d.readings.give)}, nil
}

// reader gives its turn back when it is closed.
type reader struct {
	io.ReadCloser
	end func()
}

func (r *reader) Close() error {
	defer r.end()
	return r.ReadCloser.Close()
}

// upload implements providers.Upload.
type upload struct {
	providers.Upload
	destination *destination
	ctx         context.Context
	held        func(bool)
	over        sync.Once
}

// Write implements providers.Upload. What is written is written at once, so that after a failure it is known what was taken; it
// only waits before.
func (u *upload) Write(p []byte) (int, error) {
	if u.destination.rate != nil {
		if err := u.destination.rate.take(u.ctx, len(p), u.held); err != nil {
			return 0, err
		}
	}
	return u.Upload.Write(p)
}

// Commit implements providers.Upload.
func (u *upload) Commit(ctx context.Context, sums providers.Checksums) (providers.Object, error) {
	object, err := u.Upload.Commit(ctx, sums)
	if err == nil {
		u.end()
	}
	return object, err
}

// Abort implements providers.Upload. The turn ends also when it fails: nothing is uploaded any more.
func (u *upload) Abort(ctx context.Context) error {
	defer u.end()
	return u.Upload.Abort(ctx)
}

func (u *upload) end() { u.over.Do(u.destination.uploads.give) }

// turns are a number of places that are taken in the order in which they were asked for; nil is without a limit.
type turns chan struct{}

func newTurns(number int) turns {
	if number <= 0 {
		return nil
	}
	return make(turns, number)
}

// take waits for a place. held hears of the waiting.
func (t turns) take(ctx context.Context, held func(bool)) error {
	if t == nil {
		return nil
	}
	select {
	case t <- struct{}{}:
		return nil
	default:
	}
	held(true)
	defer held(false)
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// give returns a place.
func (t turns) give() {
	if t != nil {
		<-t
	}
}

// Unwrap is the upload that is wrapped, for providers.RereadUpload.
func (u *upload) Unwrap() providers.Upload { return u.Upload }
