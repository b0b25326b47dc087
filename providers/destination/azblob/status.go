package azblob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/castrolanda/imsctl/internal/blobstorage"
	"github.com/castrolanda/imsctl/providers"
)

// Status checks that the container can be listed, and tells the store's time and how long it keeps what is deleted, where
// that can be read, which needs rights on the account, and whether the container has a legal hold or an immutability policy, but
// not for how long. Whether blobs can be written shows with the first. Life cycles of an account cannot be read with the rights
// of its data.
func (d *destination) Status(ctx context.Context) (providers.Status, error) {
	account, blobs, err := d.connection.Clients(ctx)
	if err != nil {
		return providers.Status{}, fmt.Errorf("destination %s cannot be used: %w", d.url(""), err)
	}
	status, one := providers.Status{Free: -1}, int32(1)
	page, err := blobs.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &d.prefix, MaxResults: &one}).NextPage(ctx)
	if err != nil {
		return providers.Status{}, fmt.Errorf("destination %s cannot be used: %w", d.url(""), d.explain(ctx, err, blobstorage.NeedList))
	}
	if page.Date != nil {
		status.Time = page.Date.UTC()
	}
	rules, known := providers.Rules{}, false
	service, err := account.GetProperties(ctx, nil)
	if err := d.unread(ctx, err); err != nil {
		return providers.Status{}, fmt.Errorf("reading the rules of %s: %w", d.connection.Access.Service, err)
	}
	if err == nil {
		known = true
		if kept := service.DeleteRetentionPolicy; kept != nil && value(kept.Enabled) {
			rules.SoftDelete = time.Duration(value(kept.Days)) * 24 * time.Hour
		}
	}
	here, err := blobs.GetProperties(ctx, nil)
	if err := d.unread(ctx, err); err != nil {
		return providers.Status{}, fmt.Errorf("reading the rules of %s: %w", d.url(""), err)
	}
	if err == nil {
		known = true
		switch {
		case value(here.HasLegalHold):
			rules.Keeps = "a legal hold"
		case value(here.HasImmutabilityPolicy):
			rules.Keeps = "an immutability policy"
		}
	}
	if known {
		status.Rules = &rules
	}
	return status, nil
}

// unread is the error of a question about rules that was not answered; nil where it was, or where they are not for us to read.
func (d *destination) unread(ctx context.Context, err error) error {
	if err = d.explain(ctx, err, blobstorage.NeedRead); ctx.Err() != nil || errors.Is(err, providers.ErrTemporary) {
		return err
	}
	return nil
}
