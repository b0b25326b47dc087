package tracing

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/castrolanda/imsctl/providers"
)

// destination tells of the calls to a destination.
type destination struct {
	providers.Destination
	*Tracer
	address string
}

// about is what every line about an object says.
func (d *destination) about(key string) []slog.Attr {
	return []slog.Attr{slog.String("destination", d.address), slog.String("key", key)}
}

// Create implements providers.Destination.
func (d *destination) Create(ctx context.Context, key string, options providers.CreateOptions) (created providers.Upload, err error) {
	err = d.call(ctx, slog.LevelInfo, "upload begun", func() error {
		created, err = d.Destination.Create(ctx, key, options)
		return err
	}, d.about(key)...)
	if err != nil {
		return nil, err
	}
	return &upload{created, d, key}, nil
}

// Open implements providers.Destination.
func (d *destination) Open(ctx context.Context, key string) (opened io.ReadCloser, err error) {
	err = d.call(ctx, slog.LevelDebug, "opened", func() error {
		opened, err = d.Destination.Open(ctx, key)
		return err
	}, d.about(key)...)
	return opened, err
}

// Stat implements providers.Destination. That there is no object is an answer like another.
func (d *destination) Stat(ctx context.Context, key string) (providers.Object, error) {
	begun := d.clock.Now()
	object, err := d.Destination.Stat(ctx, key)
	told := err
	if errors.Is(err, providers.ErrNotExist) {
		told = nil
	}
	d.tell(ctx, slog.LevelDebug, "looked at", begun, told, append(d.about(key), slog.Bool("exists", err == nil), slog.Int64("bytes", object.Size))...)
	return object, err
}

// List implements providers.Destination.
func (d *destination) List(ctx context.Context, prefix string, yield func(providers.Object) error) error {
	begun, count := d.clock.Now(), 0
	err := d.Destination.List(ctx, prefix, func(object providers.Object) error {
		count++
		return yield(object)
	})
	d.tell(ctx, slog.LevelDebug, "listed", begun, err, append(d.about(prefix), slog.Int("objects", count))...)
	return err
}

// Delete implements providers.Destination.
func (d *destination) Delete(ctx context.Context, key, version string) error {
	return d.call(ctx, slog.LevelInfo, "deleted", func() error { return d.Destination.Delete(ctx, key, version) }, d.about(key)...)
}

// Remnants implements providers.Destination.
func (d *destination) Remnants(ctx context.Context, prefix string) ([]providers.Remnant, error) {
	begun := d.clock.Now()
	remnants, err := d.Destination.Remnants(ctx, prefix)
	d.tell(ctx, slog.LevelDebug, "looked for remnants", begun, err, append(d.about(prefix), slog.Int("remnants", len(remnants)))...)
	return remnants, err
}

// RemoveRemnant implements providers.Destination.
func (d *destination) RemoveRemnant(ctx context.Context, remnant providers.Remnant) error {
	return d.call(ctx, slog.LevelInfo, "remnant removed", func() error { return d.Destination.RemoveRemnant(ctx, remnant) }, d.about(remnant.Key)...)
}

// Status implements providers.Destination.
func (d *destination) Status(ctx context.Context) (status providers.Status, err error) {
	err = d.call(ctx, slog.LevelDebug, "asked for its status", func() error {
		status, err = d.Destination.Status(ctx)
		return err
	}, slog.String("destination", d.address))
	return status, err
}

// upload tells how an upload ends.
type upload struct {
	providers.Upload
	destination *destination
	key         string
}

// Commit implements providers.Upload.
func (u *upload) Commit(ctx context.Context, sums providers.Checksums) (object providers.Object, err error) {
	err = u.destination.call(ctx, slog.LevelInfo, "upload committed", func() error {
		object, err = u.Upload.Commit(ctx, sums)
		return err
	}, append(u.destination.about(u.key), slog.Int64("bytes", sums.Size))...)
	return object, err
}

// Abort implements providers.Upload.
func (u *upload) Abort(ctx context.Context) error {
	return u.destination.call(ctx, slog.LevelDebug, "upload ended", func() error { return u.Upload.Abort(ctx) }, u.destination.about(u.key)...)
}

// Unwrap is the upload that is wrapped, for providers.RereadUpload.
func (u *upload) Unwrap() providers.Upload { return u.Upload }
