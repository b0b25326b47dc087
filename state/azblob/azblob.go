// Package azblob keeps the state in a container of Azure Blob Storage. An entry of the log is a blob that is made with the
// precondition that there is none of its name. The lock is a lease of a minute on a blob, which the store itself ends when
// nobody renews it; the blob's content says whose it is.
package azblob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/castrolanda/imsctl/internal/blobstorage"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state/remote"
)

// lockName is the name of the lock. Those of claims lie in a folder.
const (
	lockName    = "lock.json"
	claimPrefix = "claims/"
)

// medium implements remote.Medium.
type medium struct {
	folder     string
	connection *blobstorage.Connection
	// lock is the name of the lock.
	lock string
	// lease is how long a lock lives without being renewed, in seconds.
	lease int32
}

var _ remote.Medium = (*medium)(nil)

// New returns the medium of a state, without connecting.
func New(location blobstorage.Location, clock clock.Clock) (remote.Medium, error) {
	made, err := newMedium(location, clock)
	if err != nil {
		return nil, err
	}
	return made, nil
}

func newMedium(location blobstorage.Location, clock clock.Clock) (*medium, error) {
	connection, err := location.Connection(clock)
	if err != nil {
		return nil, err
	}
	return &medium{folder: location.Folder(), connection: connection, lock: lockName, lease: int32(remote.LeaseTime.Seconds())}, nil
}

// Location implements remote.Medium.
func (m *medium) Location() string {
	return m.connection.Access.Service + "/" + m.connection.Container + "/" + m.folder
}

// Claim implements remote.Medium.
func (m *medium) Claim(number int) remote.Medium {
	claim := *m
	claim.lock = claimPrefix + remote.ClaimName(number)
	return &claim
}

// Claims implements remote.Medium.
func (m *medium) Claims(ctx context.Context) ([]remote.Claimed, error) {
	return remote.ClaimsIn(ctx, m, claimPrefix)
}

// Fences implements remote.Medium: what the store is asked to write does not depend on the lock.
func (m *medium) Fences() bool { return false }

// explain turns an error of the client into one of the contract's.
func (m *medium) explain(ctx context.Context, err error, needed blobstorage.Need) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: the store did not answer in time", remote.ErrUnreachable)
	}
	return remote.Translate(m.connection.Explain(ctx, err, needed))
}

// blob is one of the state's.
func (m *medium) blob(ctx context.Context, name string) (*blockblob.Client, error) {
	_, blobs, err := m.connection.Clients(ctx)
	if err != nil {
		return nil, err
	}
	return blobs.NewBlockBlobClient(m.folder + name), nil
}

// List implements remote.Medium. Lists of Blob Storage are strongly consistent.
func (m *medium) List(ctx context.Context, prefix string) ([]string, error) {
	_, blobs, err := m.connection.Clients(ctx)
	if err != nil {
		return nil, err
	}
	full := m.folder + prefix
	var names []string
	pages := blobs.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &full, ResponseFormat: container.StorageResponseFormatXML})
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, m.explain(ctx, err, blobstorage.NeedList)
		}
		for _, item := range page.Segment.BlobItems {
			if item.Name != nil {
				names = append(names, strings.TrimPrefix(*item.Name, m.folder))
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

// Read implements remote.Medium.
func (m *medium) Read(ctx context.Context, names ...string) ([][]byte, error) {
	contents := make([][]byte, len(names))
	err := remote.Each(ctx, len(names), func(ctx context.Context, i int) (err error) {
		client, err := m.blob(ctx, names[i])
		if err != nil {
			return err
		}
		if contents[i], _, err = m.content(ctx, client); err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
		return nil
	})
	return contents, err
}

// content reads a blob. What it had besides its content comes with it.
func (m *medium) content(ctx context.Context, client *blockblob.Client) ([]byte, blob.DownloadStreamResponse, error) {
	answer, err := client.DownloadStream(ctx, nil)
	if err != nil {
		return nil, answer, m.explain(ctx, err, blobstorage.NeedRead)
	}
	content, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, answer, m.explain(ctx, err, blobstorage.NeedRead)
	}
	return content, answer, nil
}

// put writes a blob in one request.
func (m *medium) put(ctx context.Context, name string, content []byte, conditions *blob.AccessConditions) error {
	client, err := m.blob(ctx, name)
	if err != nil {
		return err
	}
	kind := "application/json"
	_, err = client.Upload(ctx, streaming.NopCloser(bytes.NewReader(content)), &blockblob.UploadOptions{
		AccessConditions: conditions, HTTPHeaders: &blob.HTTPHeaders{BlobContentType: &kind},
	})
	return err
}

// absent is the precondition that there is no blob of that name.
func absent() *blob.AccessConditions {
	anything := azcore.ETagAny
	return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: &anything}}
}

// unchanged is the precondition that a blob is the one that was looked at.
func unchanged(etag *azcore.ETag) *blob.ModifiedAccessConditions {
	return &blob.ModifiedAccessConditions{IfMatch: etag}
}

// Create implements remote.Lease.
func (l *lease) Create(ctx context.Context, name string, content []byte) error {
	if err := l.check(); err != nil {
		return err
	}
	err := l.put(ctx, name, content, absent())
	if isTaken(err) {
		return fmt.Errorf("%s: %w", name, remote.ErrExists)
	}
	return l.explain(ctx, err, blobstorage.NeedWrite)
}

// Delete implements remote.Lease.
func (l *lease) Delete(ctx context.Context, names ...string) error {
	if err := l.check(); err != nil {
		return err
	}
	return remote.Each(ctx, len(names), func(ctx context.Context, i int) error {
		client, err := l.blob(ctx, names[i])
		if err != nil {
			return err
		}
		_, err = client.Delete(ctx, nil)
		if err = l.explain(ctx, err, blobstorage.NeedDelete); !errors.Is(err, remote.ErrNotExist) {
			return err
		}
		return nil
	})
}
