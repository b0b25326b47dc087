package azblob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/castrolanda/imsctl/providers"
)

// Status checks that the container can be listed, and tells the store's time and how long it keeps what is deleted, where
// that can be read, which needs rights on the account. Whether blobs can be written shows with the first. Life cycles of an
// account cannot be read with the rights of its data.
func (d *destination) Status(ctx context.Context) (providers.Status, error) {
	account, blobs, err := d.connection.get(ctx)
	if err != nil {
		return providers.Status{}, fmt.Errorf("destination %s cannot be used: %w", d.url(""), err)
	}
	status, one := providers.Status{Free: -1}, int32(1)
	page, err := blobs.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &d.prefix, MaxResults: &one}).NextPage(ctx)
	if err != nil {
		return providers.Status{}, fmt.Errorf("destination %s cannot be used: %w", d.url(""), d.explain(ctx, err, needList))
	}
	if page.Date != nil {
		status.Time = page.Date.UTC()
	}
	rules, err := account.GetProperties(ctx, nil)
	if err == nil {
		status.Rules = &providers.Rules{}
		if kept := rules.DeleteRetentionPolicy; kept != nil && value(kept.Enabled) {
			status.Rules.SoftDelete = time.Duration(value(kept.Days)) * 24 * time.Hour
		}
		return status, nil
	}
	err = d.explain(ctx, err, needRead)
	if ctx.Err() != nil || errors.Is(err, providers.ErrTemporary) {
		return providers.Status{}, fmt.Errorf("reading the rules of %s: %w", d.connection.access.service, err)
	}
	return status, nil // the rules are not for us to read
}
