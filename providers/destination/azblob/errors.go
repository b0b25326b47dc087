package azblob

import (
	"context"

	"github.com/castrolanda/imsctl/internal/blobstorage"
)

// explain turns an error of the client into one of the contract's.
func (d *destination) explain(ctx context.Context, err error, needed blobstorage.Need) error {
	return d.connection.Explain(ctx, err, needed)
}
