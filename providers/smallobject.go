package providers

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// abortTimeout bounds the giving up of an upload after its context has ended.
const abortTimeout = 4 * time.Second

// ReadObject reads a small object whole. An object larger than limit bytes is an error.
func ReadObject(ctx context.Context, destination Destination, key string, limit int64) (data []byte, err error) {
	reader, err := destination.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	var buffer bytes.Buffer
	if _, err := io.Copy(&buffer, io.LimitReader(reader, limit+1)); err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	if int64(buffer.Len()) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", key, limit)
	}
	return buffer.Bytes(), nil
}

// WriteObject stores a small object whole, or leaves nothing.
func WriteObject(ctx context.Context, destination Destination, key string, data []byte, replace bool) (Object, error) {
	upload, err := destination.Create(ctx, key, CreateOptions{Size: int64(len(data)), Replace: replace})
	if err != nil {
		return Object{}, err
	}
	abort := func(cause error) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
		defer cancel()
		return errors.Join(cause, upload.Abort(ctx))
	}
	if _, err := upload.Write(data); err != nil {
		return Object{}, abort(err)
	}
	object, err := upload.Commit(ctx, Checksums{
		Size: int64(len(data)), SHA256: sha256.Sum256(data), MD5: md5.Sum(data),
		CRC32C: crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)),
	})
	if err != nil {
		return Object{}, abort(err)
	}
	return object, nil
}
