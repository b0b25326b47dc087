package gcs

import (
	"context"

	"github.com/castrolanda/imsctl/internal/cloudstorage"
)

// explain turns an error of the client into one of the contract's. permission is what the call needs, in the words of IAM.
func (d *destination) explain(ctx context.Context, err error, permission string) error {
	return cloudstorage.Explain(ctx, err, d.bucket, permission)
}
