package azblob

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"

	"github.com/castrolanda/imsctl/internal/blobstorage"
	"github.com/castrolanda/imsctl/providers"
)

// folderLabel is the metadata of the empty blobs that stand for folders in accounts that have such.
const folderLabel = "hdi_isfolder"

// List calls yield for every blob whose name is the prefix of the destination and a legal key. Those that a listing of the
// store shows beside them, such as the empty blobs that stand for folders, are not of this destination.
func (d *destination) List(ctx context.Context, prefix string, yield func(providers.Object) error) error {
	var objects []providers.Object
	err := d.each(ctx, prefix, container.ListBlobsInclude{Metadata: true, ImmutabilityPolicy: true, LegalHold: true}, func(p properties) error {
		if !p.discarded() && p.label(folderLabel) == "" {
			objects = append(objects, d.describe(p))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing %s: %w", d.url(prefix), err)
	}
	// Accounts with folders list a folder's content together, wherever its keys belong.
	slices.SortFunc(objects, func(a, b providers.Object) int { return strings.Compare(a.Key, b.Key) })
	for _, object := range objects {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("listing %s: %w", d.url(prefix), err)
		}
		if err := yield(object); err != nil {
			return err
		}
	}
	return nil
}

// each calls do for every blob whose name is the prefix of the destination and a legal key with another prefix.
func (d *destination) each(ctx context.Context, prefix string, include container.ListBlobsInclude, do func(properties) error) error {
	_, blobs, err := d.connection.Clients(ctx)
	if err != nil {
		return err
	}
	full := d.prefix + prefix
	pages := blobs.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &full, Include: include, ResponseFormat: container.StorageResponseFormatXML})
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return d.explain(ctx, err, blobstorage.NeedList)
		}
		for _, item := range page.Segment.BlobItems {
			name := value(item.Name)
			if !strings.HasPrefix(name, full) {
				return fmt.Errorf("the store's listing has %q, which does not begin with %q", name, full)
			}
			key := name[len(d.prefix):]
			if d.checkKey(key) != nil || item.Properties == nil {
				continue
			}
			if err := do(listed(key, item)); err != nil {
				return err
			}
		}
	}
	return nil
}

// listed are the properties that a listing shows.
func listed(key string, item *container.BlobItem) properties {
	said := item.Properties
	return properties{
		key: key, size: value(said.ContentLength), etag: value(said.ETag), modified: value(said.LastModified), md5: said.ContentMD5, metadata: item.Metadata,
		leased: value(said.LeaseState) == lease.StateTypeLeased, legalHold: value(said.LegalHold), keptUntil: value(said.ImmutabilityPolicyExpiresOn),
	}
}
