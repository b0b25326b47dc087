package gcs

import (
	"context"
	"fmt"
	"strings"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/castrolanda/imsctl/providers"
)

// described are the attributes that describe needs.
var described = []string{"Name", "Size", "Generation", "Created", "CRC32C", "TemporaryHold", "EventBasedHold", "RetentionExpirationTime", "Retention"}

// List calls yield for every object whose name is the prefix of the destination and a legal key. Those that a listing of the
// store shows beside them, such as the empty objects that some programs make for folders, are not of this destination.
func (d *destination) List(ctx context.Context, prefix string, yield func(providers.Object) error) error {
	client, err := d.connection.Client(ctx)
	if err != nil {
		return fmt.Errorf("listing %s: %w", d.url(prefix), err)
	}
	query := &storage.Query{Prefix: d.prefix + prefix, Projection: storage.ProjectionNoACL}
	if err := query.SetAttrSelection(described); err != nil {
		return fmt.Errorf("listing %s: %w", d.url(prefix), err)
	}
	objects := client.Bucket(d.bucket).Objects(ctx, query)
	for last := ""; ; {
		// A page that has come already is not given out under a context that has ended.
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("listing %s: %w", d.url(prefix), err)
		}
		attributes, err := objects.Next()
		if err == iterator.Done {
			return nil
		}
		if err != nil {
			return fmt.Errorf("listing %s: %w", d.url(prefix), d.explain(ctx, err, "storage.objects.list"))
		}
		if !strings.HasPrefix(attributes.Name, query.Prefix) || last != "" && attributes.Name <= last {
			return fmt.Errorf("listing %s: the store's listing is out of order: %q came after %q", d.url(prefix), attributes.Name, last)
		}
		last = attributes.Name
		if d.checkKey(attributes.Name[len(d.prefix):]) != nil {
			continue
		}
		if err := yield(d.describe(attributes)); err != nil {
			return err
		}
	}
}
