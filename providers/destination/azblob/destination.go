// Package azblob keeps objects in a container of Azure Blob Storage.
//
// An object is the block blob PREFIX/KEY, and its version is its ETag. What fits into one block is sent in one request, with
// its MD5, by Commit. More is staged block by block, each with its MD5, under ids that no other upload has; Commit then names
// the list, with the MD5 and the SHA-256 of the whole. Both need the precondition that nothing has that name; with Replace
// that what was there when the upload began still is. Each object carries the id of its upload as metadata: that is how an
// upload whose answer was lost finds out what became of it, and how Abort knows what it may remove.
//
// The largest object is 50,000 blocks of 8 MiB: 390 GiB. An upload sends three blocks at once while it collects the next one, and keeps
// these four in memory.
//
// Blocks of an interrupted upload are paid for and expire after a week. The store has no call that removes them. What
// does is an empty blob under the name, made with the precondition that there is none, and deleted as exactly that
// version; it is marked, so that nobody takes it for an object in between. Where an object was to be replaced they are left to
// expire: nothing removes them but a change of that object.
package azblob

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"

	"github.com/castrolanda/imsctl/internal/blobstorage"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// destination implements providers.Destination.
type destination struct {
	container string
	prefix    string // "" or with a slash at its end
	clock     clock.Clock
	random    io.Reader
	blockSize int

	connection *blobstorage.Connection

	mu       sync.Mutex
	progress map[string]int // how many uploads to a key are in progress
}

// url is what people call an object, or all those with a prefix.
func (d *destination) url(key string) string {
	return d.connection.Access.Service + "/" + d.container + "/" + d.prefix + key
}

// blob returns the client of a legal key.
func (d *destination) blob(ctx context.Context, key string) (*blockblob.Client, error) {
	if err := d.checkKey(key); err != nil {
		return nil, err
	}
	_, blobs, err := d.connection.Clients(ctx)
	if err != nil {
		return nil, err
	}
	return blobs.NewBlockBlobClient(d.prefix + key), nil
}

// checkKey refuses keys that are illegal, too long for the store, or that it would change.
func (d *destination) checkKey(key string) error {
	if err := providers.CheckKey(key); err != nil {
		return err
	}
	if strings.Contains(key, `\`) {
		return fmt.Errorf("key %q has a backslash, which Blob Storage takes for a slash", key)
	}
	if size := utf8.RuneCountInString(d.prefix) + len(key); size > longestName {
		return fmt.Errorf("the name %s%s has %d characters; Blob Storage allows %d: shorten the prefix or the names", d.prefix, key, size, longestName)
	}
	return nil
}

// Stat describes an object.
func (d *destination) Stat(ctx context.Context, key string) (providers.Object, error) {
	found, err := d.properties(ctx, key)
	if err == nil && found.discarded() {
		err = providers.ErrNotExist
	}
	if err != nil {
		return providers.Object{}, fmt.Errorf("looking at %s: %w", d.url(key), err)
	}
	return d.describe(found), nil
}

// properties asks for what the store knows of a blob, a discarded one too.
func (d *destination) properties(ctx context.Context, key string) (properties, error) {
	client, err := d.blob(ctx, key)
	if err != nil {
		return properties{}, err
	}
	answer, err := client.GetProperties(ctx, nil)
	if err != nil {
		return properties{}, d.explain(ctx, err, blobstorage.NeedRead)
	}
	return properties{
		key: key, size: value(answer.ContentLength), etag: value(answer.ETag), modified: value(answer.LastModified), md5: answer.ContentMD5, metadata: answer.Metadata,
		leased: value(answer.LeaseState) == lease.StateTypeLeased, legalHold: value(answer.LegalHold), keptUntil: value(answer.ImmutabilityPolicyExpiresOn),
	}, nil
}

// properties are what the store says of a blob, in an answer of its own or in a listing.
type properties struct {
	key       string
	size      int64
	etag      azcore.ETag
	modified  time.Time
	md5       []byte
	metadata  map[string]*string
	leased    bool
	legalHold bool
	keptUntil time.Time
}

// value is what a pointer of an answer points to, the zero value where the answer does not say it.
func value[T any](pointer *T) T {
	if pointer == nil {
		var zero T
		return zero
	}
	return *pointer
}

// label is a word of the metadata. On the way its name may have got capitals.
func (p *properties) label(name string) string {
	for found, text := range p.metadata {
		if strings.EqualFold(found, name) {
			return value(text)
		}
	}
	return ""
}

// discarded reports whether it is the empty blob that takes away what an interrupted upload left.
func (p *properties) discarded() bool { return p.size == 0 && p.label(discardedLabel) != "" }

// version is the ETag as it is in listings, without the quotation marks that headers have.
func (p *properties) version() string { return strings.Trim(string(p.etag), `"`) }

// describe describes an object.
func (d *destination) describe(p properties) providers.Object {
	object := providers.Object{Key: p.key, Size: p.size, Version: p.version(), Modified: p.modified.UTC()}
	switch {
	case p.legalHold:
		object.KeptBy = "a legal hold"
	case p.keptUntil.After(d.clock.Now()):
		object.KeptBy = "its immutability policy until " + p.keptUntil.UTC().Format("2006-01-02 15:04 MST")
	case p.leased:
		object.KeptBy = "a lease that somebody holds"
	}
	return object
}

// Delete removes an object if it is the given version.
func (d *destination) Delete(ctx context.Context, key, version string) error {
	if err := d.remove(ctx, key, version); err != nil {
		return fmt.Errorf("deleting %s: %w", d.url(key), err)
	}
	return nil
}

func (d *destination) remove(ctx context.Context, key, version string) error {
	// The request alone could not tell an object that is gone from one that has changed.
	found, err := d.properties(ctx, key)
	if err != nil {
		return err
	}
	object := d.describe(found)
	switch {
	case found.discarded():
		return providers.ErrNotExist
	case object.Version != version:
		return fmt.Errorf("%w: it is version %s, not %q", providers.ErrChanged, object.Version, version)
	case object.KeptBy != "":
		return fmt.Errorf("%w: %s", providers.ErrProtected, object.KeptBy)
	}
	return d.removeVersion(ctx, key, found.etag)
}

// removeVersion deletes a blob if it has an ETag.
func (d *destination) removeVersion(ctx context.Context, key string, etag azcore.ETag) error {
	client, err := d.blob(ctx, key)
	if err != nil {
		return err
	}
	_, err = client.Delete(ctx, &blob.DeleteOptions{AccessConditions: ifMatch(etag)})
	return d.explain(ctx, err, blobstorage.NeedDelete)
}

func ifMatch(etag azcore.ETag) *blob.AccessConditions {
	return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: &etag}}
}

func ifAbsent() *blob.AccessConditions {
	anything := azcore.ETagAny
	return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: &anything}}
}
