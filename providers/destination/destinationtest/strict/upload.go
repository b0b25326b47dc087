package strict

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/castrolanda/imsctl/internal/testenv/bucket"
	"github.com/castrolanda/imsctl/providers"
)

// uploadMark is the metadata by which an object names the upload that made it.
const uploadMark = "upload"

// upload implements providers.Upload.
type upload struct {
	ctx     context.Context
	to      *Destination
	key     string
	replace bool
	in      *bucket.Upload
	mark    string
	// written is how many bytes the caller knows to be taken.
	written int64
	failure error
	over    bool
}

// Create implements providers.Destination. Its precondition is what it sees.
func (d *Destination) Create(ctx context.Context, key string, options providers.CreateOptions) (created providers.Upload, err error) {
	if err := providers.CheckKey(key); err != nil {
		return nil, err
	}
	err = d.call(ctx, Create, key, func() error {
		there, err := d.store.Get(d.prefix + key)
		var conditions bucket.Conditions
		switch {
		case err == nil && !options.Replace:
			return fmt.Errorf("creating %s: %w", key, providers.ErrExists)
		case err == nil:
			conditions.Generation = there.Generation
		case errors.Is(err, bucket.ErrNotExist):
			conditions.Absent = true
		default:
			return d.explain("looking at "+key, err)
		}
		u := &upload{ctx: ctx, to: d, key: key, replace: options.Replace, mark: fmt.Sprintf("%s %d", d.owner, d.uploads.Add(1))}
		u.in, err = d.store.Begin(d.prefix+key, d.owner, map[string]string{uploadMark: u.mark}, conditions)
		created = u
		return d.explain("creating "+key, err)
	})
	if err != nil {
		return nil, err
	}
	return created, nil
}

// errOver refuses what comes after the end of an upload.
var errOver = errors.New("the upload is over")

// Write implements providers.Upload.
func (u *upload) Write(p []byte) (int, error) {
	if u.over {
		return 0, errOver
	}
	if u.failure != nil {
		return 0, u.failure
	}
	err := u.to.call(u.ctx, Write, u.key, func() error {
		if err := u.to.store.Need(bucket.Write); err != nil {
			return u.to.explain("writing "+u.key, err)
		}
		return u.in.Append(u.written, p)
	})
	if err != nil {
		if !errors.Is(err, providers.ErrTemporary) {
			u.failure = err
		}
		return 0, err
	}
	u.written += int64(len(p))
	return len(p), nil
}

// Commit implements providers.Upload.
func (u *upload) Commit(ctx context.Context, sums providers.Checksums) (object providers.Object, err error) {
	switch {
	case u.over:
		return object, errOver
	case u.failure != nil:
		return object, u.failure
	case u.ctx.Err() != nil:
		return object, u.ctx.Err()
	}
	err = u.to.call(ctx, Commit, u.key, func() error {
		if found, ok := u.made(); ok {
			object = u.to.describe(found)
			return nil
		}
		made, err := u.in.Finish(func(data []byte) error { return compare(data, sums) })
		if err == nil && made.CRC32C != sums.CRC32C {
			return fmt.Errorf("committing %s: the store's CRC-32C is %08x, that of the bytes %08x", u.key, made.CRC32C, sums.CRC32C)
		}
		object = u.to.describe(made)
		if errors.Is(err, bucket.ErrPrecondition) && !u.replace {
			return fmt.Errorf("committing %s: %w", u.key, providers.ErrExists)
		}
		return u.to.explain("committing "+u.key, err)
	})
	if err != nil {
		return providers.Object{}, err
	}
	u.over = true
	return object, nil
}

// made finds the object that this upload has made, without the caller's knowing.
func (u *upload) made() (bucket.Object, bool) {
	there, err := u.to.store.Get(u.to.prefix + u.key)
	return there, err == nil && there.Metadata[uploadMark] == u.mark
}

// compare holds bytes against what the writer says of them.
func compare(data []byte, sums providers.Checksums) error {
	found := providers.Checksums{Size: int64(len(data)), SHA256: sha256.Sum256(data), CRC32C: crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)), MD5: md5.Sum(data)}
	if found != sums {
		return fmt.Errorf("%d bytes came that are not the %d that were written", found.Size, sums.Size)
	}
	return nil
}

// Abort implements providers.Upload.
func (u *upload) Abort(ctx context.Context) error {
	if u.over {
		return nil
	}
	err := u.to.call(ctx, Abort, u.key, func() error {
		u.in.Drop()
		if made, ok := u.made(); ok {
			err := u.to.store.Delete(made.Name, bucket.Conditions{Generation: made.Generation})
			return u.to.explain("removing "+strings.TrimPrefix(made.Name, u.to.prefix), err)
		}
		return nil
	})
	if err == nil {
		u.over = true
	}
	return err
}
