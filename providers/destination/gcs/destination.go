// Package gcs keeps objects in a bucket of Google Cloud Storage.
//
// An object is gs://BUCKET/PREFIX/KEY, and its version is its generation. What becomes an object is invisible until its upload
// is finalised, which needs the precondition that nothing has that name. With Replace the precondition is the generation
// that was there when the upload began: if somebody else changes the object meanwhile, the commit fails with ErrChanged.
//
// Objects that fit into one chunk are sent in one request, with their checksums, by Commit; it can be repeated until it
// succeeds. Larger ones are sent in a resumable session, of which every chunk is tried again here, because nobody else has its
// bytes; a chunk that does not pass within chunkPatience ends the upload. Each object carries the id of its upload as
// metadata: that is how an upload whose answer was lost finds out what became of it, and how Abort knows what it may remove.
//
// An interrupted upload leaves a session that cannot be listed, is not paid for and expires after a week.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"cloud.google.com/go/storage"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/cloudstorage"
	"github.com/castrolanda/imsctl/providers"
)

// destination implements providers.Destination.
type destination struct {
	bucket    string
	prefix    string // "" or with a slash at its end
	clock     clock.Clock
	random    io.Reader
	chunkSize int
	patience  time.Duration

	connection *cloudstorage.Connection
}

// url is what people call an object, or all those with a prefix.
func (d *destination) url(key string) string { return "gs://" + d.bucket + "/" + d.prefix + key }

// object returns the handle of a legal key.
func (d *destination) object(ctx context.Context, key string) (*storage.ObjectHandle, error) {
	if err := d.checkKey(key); err != nil {
		return nil, err
	}
	client, err := d.connection.Client(ctx)
	if err != nil {
		return nil, err
	}
	return client.Bucket(d.bucket).Object(d.prefix + key), nil
}

// checkKey refuses keys that are illegal or too long for the store.
func (d *destination) checkKey(key string) error {
	if err := providers.CheckKey(key); err != nil {
		return err
	}
	if size := len(d.prefix) + len(key); size > longestName {
		return fmt.Errorf("the name %s%s has %d bytes; Cloud Storage allows %d: shorten the prefix or the names", d.prefix, key, size, longestName)
	}
	return nil
}

// Stat describes an object.
func (d *destination) Stat(ctx context.Context, key string) (providers.Object, error) {
	attributes, err := d.attributes(ctx, key)
	if err != nil {
		return providers.Object{}, fmt.Errorf("looking at %s: %w", d.url(key), err)
	}
	return d.describe(attributes), nil
}

// attributes asks for what the store knows of an object.
func (d *destination) attributes(ctx context.Context, key string) (*storage.ObjectAttrs, error) {
	object, err := d.object(ctx, key)
	if err != nil {
		return nil, err
	}
	attributes, err := object.Attrs(ctx)
	if err != nil {
		return nil, d.explain(ctx, err, "storage.objects.get and storage.objects.list")
	}
	return attributes, nil
}

// describe describes an object by its attributes.
func (d *destination) describe(attributes *storage.ObjectAttrs) providers.Object {
	crc := attributes.CRC32C
	return providers.Object{
		Key:     attributes.Name[len(d.prefix):],
		Size:    attributes.Size,
		Version: strconv.FormatInt(attributes.Generation, 10),
		// Not the time of the last update, which changes with metadata and not with the generation.
		Modified: attributes.Created.UTC(),
		CRC32C:   &crc,
		KeptBy:   keptBy(attributes, d.clock.Now()),
	}
}

// keptBy says why the store would refuse to delete an object now.
func keptBy(attributes *storage.ObjectAttrs, now time.Time) string {
	until := attributes.RetentionExpirationTime
	if attributes.Retention != nil && attributes.Retention.RetainUntil.After(until) {
		until = attributes.Retention.RetainUntil
	}
	switch {
	case attributes.TemporaryHold:
		return "a temporary hold"
	case attributes.EventBasedHold:
		return "an event-based hold"
	case until.After(now):
		return "its retention policy until " + until.UTC().Format("2006-01-02 15:04 MST")
	}
	return ""
}

// Open reads an object. Where the connection breaks, reading goes on in the same generation.
func (d *destination) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	object, err := d.object(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", d.url(key), err)
	}
	opened, err := object.NewReader(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", d.url(key), d.explain(ctx, err, "storage.objects.get and storage.objects.list"))
	}
	return &reader{destination: d, ctx: ctx, key: key, opened: opened}, nil
}

// reader explains what goes wrong while reading.
type reader struct {
	destination *destination
	ctx         context.Context
	key         string
	opened      *storage.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.opened.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("reading %s: %w", r.destination.url(r.key), r.destination.explain(r.ctx, err, "storage.objects.get"))
	}
	return n, err
}

func (r *reader) Close() error { return r.opened.Close() }

// Delete removes an object if it is the given version.
func (d *destination) Delete(ctx context.Context, key, version string) error {
	if err := d.remove(ctx, key, version); err != nil {
		return fmt.Errorf("deleting %s: %w", d.url(key), err)
	}
	return nil
}

func (d *destination) remove(ctx context.Context, key, version string) error {
	// The request alone could not tell an object that is gone from one that has changed.
	attributes, err := d.attributes(ctx, key)
	if err != nil {
		return err
	}
	found := d.describe(attributes)
	if found.Version != version {
		return fmt.Errorf("%w: it is generation %s, not %q", providers.ErrChanged, found.Version, version)
	}
	if found.KeptBy != "" {
		return fmt.Errorf("%w: %s", providers.ErrProtected, found.KeptBy)
	}
	object, err := d.object(ctx, key)
	if err != nil {
		return err
	}
	err = object.If(storage.Conditions{GenerationMatch: attributes.Generation}).Delete(ctx)
	return d.explain(ctx, err, "storage.objects.delete")
}

// Remnants lists nothing: the store shows no unfinished uploads.
func (d *destination) Remnants(ctx context.Context, _ string) ([]providers.Remnant, error) {
	return nil, ctx.Err()
}

// RemoveRemnant refuses, because no remnant can be one of this destination.
func (d *destination) RemoveRemnant(_ context.Context, remnant providers.Remnant) error {
	return fmt.Errorf("removing %q: %w", remnant.Name, errors.New("it is no remnant of this destination: unfinished uploads expire by themselves"))
}
