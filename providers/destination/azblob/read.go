package azblob

import (
	"context"
	"fmt"
	"io"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"github.com/castrolanda/imsctl/internal/blobstorage"
	"github.com/castrolanda/imsctl/providers"
)

// Open reads an object. Where the connection breaks, reading goes on in the same version.
func (d *destination) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	client, err := d.blob(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", d.url(key), err)
	}
	answer, err := client.DownloadStream(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", d.url(key), d.explain(ctx, err, blobstorage.NeedRead))
	}
	if found := (properties{size: value(answer.ContentLength), metadata: answer.Metadata}); found.discarded() {
		answer.Body.Close()
		return nil, fmt.Errorf("opening %s: %w", d.url(key), providers.ErrNotExist)
	}
	body := answer.NewRetryReader(ctx, &blob.RetryReaderOptions{EarlyCloseAsError: true})
	return &reader{destination: d, ctx: ctx, key: key, body: body}, nil
}

// reader explains what goes wrong while reading.
type reader struct {
	destination *destination
	ctx         context.Context
	key         string
	body        io.ReadCloser
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.body.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("reading %s: %w", r.destination.url(r.key), r.destination.explain(r.ctx, err, blobstorage.NeedRead))
	}
	return n, err
}

func (r *reader) Close() error { return r.body.Close() }
