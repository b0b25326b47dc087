package gcs

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"

	"cloud.google.com/go/storage"

	"github.com/castrolanda/imsctl/providers"
)

const (
	// chunkSize is how much is sent in one request, in bytes. An upload keeps one chunk in memory, and two while the first is handed on.
	chunkSize = 16 << 20
	// smallSize is what the buffer of an upload grows to little by little, in bytes; then it gets room for a chunk at once.
	smallSize = 1 << 20
	// uploadKey is the name of the metadata that holds the id of the upload.
	uploadKey = "imsctl-upload"
)

// stage is how far an upload is.
type stage int

const (
	writing stage = iota
	unsure        // Commit has asked for the object, and has no answer
	failed        // only Abort is useful
	committed
	aborted
)

// upload implements providers.Upload.
type upload struct {
	destination *destination
	ctx         context.Context
	cancel      context.CancelFunc
	key, id     string
	options     providers.CreateOptions
	conditions  storage.Conditions
	stage       stage

	start   bytes.Buffer // what came, until it is more than a chunk
	session *session     // where it went from there on, nil until then
	asked   bool         // whether the store was asked to make the object
	written int64
	crc     uint32
}

// Create begins an upload. Nothing is sent yet, but the name is looked at.
func (d *destination) Create(ctx context.Context, key string, options providers.CreateOptions) (providers.Upload, error) {
	there, err := d.attributes(ctx, key)
	conditions := storage.Conditions{DoesNotExist: true}
	switch {
	case errors.Is(err, providers.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("creating %s: %w", d.url(key), err)
	case !options.Replace:
		return nil, fmt.Errorf("creating %s: %w", d.url(key), providers.ErrExists)
	default:
		conditions = storage.Conditions{GenerationMatch: there.Generation}
	}
	id := make([]byte, 16)
	if _, err := io.ReadFull(d.random, id); err != nil {
		return nil, fmt.Errorf("creating %s: %w", d.url(key), err)
	}
	running, cancel := context.WithCancel(ctx)
	return &upload{destination: d, ctx: running, cancel: cancel, key: key, id: hex.EncodeToString(id), options: options, conditions: conditions}, nil
}

// Write collects the first chunk, and sends on what does not fit.
func (u *upload) Write(p []byte) (int, error) {
	if u.stage != writing {
		return 0, fmt.Errorf("writing %s: the upload is over", u.name())
	}
	if err := u.append(p); err != nil {
		u.stage = failed
		return 0, fmt.Errorf("writing %s: %w", u.name(), err)
	}
	u.written += int64(len(p))
	u.crc = crc32.Update(u.crc, castagnoli(), p)
	return len(p), nil
}

func (u *upload) append(p []byte) error {
	if err := u.ctx.Err(); err != nil {
		return err
	}
	if u.session == nil && u.start.Len()+len(p) <= u.destination.chunkSize {
		if total := u.start.Len() + len(p); total > smallSize {
			u.start.Grow(max(0, u.destination.chunkSize-u.start.Len()))
		}
		u.start.Write(p)
		return nil
	}
	if u.session == nil {
		if err := u.open(); err != nil {
			return err
		}
		_, err := u.session.writer.Write(u.start.Bytes())
		u.start = bytes.Buffer{}
		if err != nil {
			return providers.Lasting(u.explain(err))
		}
	}
	if _, err := u.session.writer.Write(p); err != nil {
		return providers.Lasting(u.explain(err))
	}
	return nil
}

// explain turns an error of an upload's request into one of the contract's.
func (u *upload) explain(err error) error {
	permission := "storage.objects.create"
	if u.conditions.GenerationMatch != 0 {
		permission += " and storage.objects.delete, which replacing needs,"
	}
	err = u.destination.explain(u.ctx, err, permission)
	switch {
	case errors.Is(err, providers.ErrNotExist):
		return fmt.Errorf("the store no longer knows the upload: %s", err)
	case errors.Is(err, providers.ErrChanged) && !u.options.Replace:
		return providers.ErrExists
	}
	return err
}

// Commit asks the store to make the object, and compares what it says of it with sums.
func (u *upload) Commit(ctx context.Context, sums providers.Checksums) (providers.Object, error) {
	if u.stage != writing && u.stage != unsure {
		return providers.Object{}, fmt.Errorf("committing %s: the upload is over", u.name())
	}
	object, err := u.commit(ctx, sums)
	if err == nil {
		u.stage = committed
		u.cancel()
		u.start = bytes.Buffer{}
		return object, nil
	}
	if !errors.Is(err, providers.ErrTemporary) {
		u.stage = failed
	}
	return providers.Object{}, fmt.Errorf("committing %s: %w", u.name(), err)
}

func (u *upload) commit(ctx context.Context, sums providers.Checksums) (providers.Object, error) {
	if err := sums.Confirm(u.written, u.crc); err != nil {
		return providers.Object{}, err
	}
	for _, running := range []context.Context{u.ctx, ctx} {
		if err := running.Err(); err != nil {
			return providers.Object{}, err
		}
	}
	if u.stage == unsure {
		if object, found, err := u.look(ctx, sums); found || err != nil {
			return object, err
		}
		if u.session != nil {
			return providers.Object{}, errors.New("the last part was sent without an answer, and there is no object")
		}
	}
	u.stage, u.asked = unsure, true
	attributes, err := u.send(ctx, sums)
	if err == nil {
		return u.accept(ctx, attributes, sums)
	}
	if ended := ctx.Err(); ended != nil {
		return providers.Object{}, ended
	}
	err = u.explain(err)
	if !errors.Is(err, providers.ErrTemporary) && !errors.Is(err, providers.ErrExists) && !errors.Is(err, providers.ErrChanged) {
		return providers.Object{}, err
	}
	// It may be there all the same: an answer was lost, or the name is taken by this very upload.
	if object, found, lookErr := u.look(ctx, sums); found || lookErr != nil {
		return object, lookErr
	}
	if u.session != nil {
		err = providers.Lasting(err)
	}
	return providers.Object{}, err
}

// send asks the store to make the object of what was written.
func (u *upload) send(ctx context.Context, sums providers.Checksums) (*storage.ObjectAttrs, error) {
	if u.session != nil {
		return u.session.finish(ctx)
	}
	object, err := u.destination.object(ctx, u.key)
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(u.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	writer := object.If(u.conditions).NewWriter(running)
	u.label(writer)
	writer.ChunkSize = 0 // one request, of what is in memory already
	writer.SendCRC32C, writer.CRC32C = true, sums.CRC32C
	if _, err := writer.Write(u.start.Bytes()); err != nil {
		cancel()       // a Close would make an object of a part
		writer.Close() // now it only waits for the writer's goroutine
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return writer.Attrs(), nil
}

// label sets what an object is stored with.
func (u *upload) label(writer *storage.Writer) {
	writer.ContentType = "application/octet-stream"
	writer.Metadata = map[string]string{uploadKey: u.id}
}

// look finds out whether the object of this upload is there.
func (u *upload) look(ctx context.Context, sums providers.Checksums) (object providers.Object, found bool, err error) {
	attributes, err := u.mine(ctx)
	if err != nil || attributes == nil {
		return providers.Object{}, false, err
	}
	object, err = u.accept(ctx, attributes, sums)
	return object, true, err
}

// mine returns the attributes of the object if it is that of this upload, and nil otherwise.
func (u *upload) mine(ctx context.Context) (*storage.ObjectAttrs, error) {
	attributes, err := u.destination.attributes(ctx, u.key)
	if errors.Is(err, providers.ErrNotExist) || err == nil && attributes.Metadata[uploadKey] != u.id {
		return nil, nil
	}
	return attributes, err
}

// accept compares what the store says of the object with sums. One that differs is removed.
func (u *upload) accept(ctx context.Context, attributes *storage.ObjectAttrs, sums providers.Checksums) (providers.Object, error) {
	var err error
	switch {
	case attributes.Size != sums.Size || attributes.CRC32C != sums.CRC32C:
		err = fmt.Errorf("the store has %d bytes with CRC-32C %08x, not the %d with %08x that were written", attributes.Size, attributes.CRC32C, sums.Size, sums.CRC32C)
	case len(attributes.MD5) > 0 && !bytes.Equal(attributes.MD5, sums.MD5[:]):
		err = fmt.Errorf("the store has bytes with MD5 %x, not the %x that were written", attributes.MD5, sums.MD5)
	default:
		return u.destination.describe(attributes), nil
	}
	return providers.Object{}, errors.Join(err, providers.Lasting(u.destination.Delete(ctx, u.key, strconv.FormatInt(attributes.Generation, 10))))
}

// Abort ends the session and removes an object that has come of it all the same. It may be called again after an error.
func (u *upload) Abort(ctx context.Context) error {
	if u.stage == committed || u.stage == aborted {
		return nil
	}
	u.stage = failed
	u.cancel()
	u.start = bytes.Buffer{}
	if u.session != nil {
		u.session.abandon()
	}
	if u.session != nil || u.asked {
		if err := u.clean(ctx); err != nil {
			return fmt.Errorf("giving up the upload of %s: %w", u.name(), err)
		}
	}
	u.stage = aborted
	return nil
}

// clean removes the object of this upload, and no other.
func (u *upload) clean(ctx context.Context) error {
	attributes, err := u.mine(ctx)
	if err != nil || attributes == nil {
		return err
	}
	err = u.destination.remove(ctx, u.key, strconv.FormatInt(attributes.Generation, 10))
	if errors.Is(err, providers.ErrNotExist) || errors.Is(err, providers.ErrChanged) {
		return nil
	}
	return err
}

// name is the object the upload is to become.
func (u *upload) name() string { return u.destination.url(u.key) }

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }
