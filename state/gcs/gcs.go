// Package gcs keeps the state in a bucket of Google Cloud Storage. An entry of the log is an object that is made with the
// precondition that there is none of its name. The lock is an object too: whoever makes it has the lock, and shows that it
// lives by replacing it with the generation before as the precondition. The store's own clock tells how old it is.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/castrolanda/imsctl/internal/cloudstorage"
	"github.com/castrolanda/imsctl/internal/endpoint"
	"github.com/castrolanda/imsctl/state/remote"
)

// The permissions that calls need, in the words of IAM.
const (
	mayList   = "storage.objects.list"
	mayRead   = "storage.objects.get"
	mayMake   = "storage.objects.create"
	mayDelete = "storage.objects.delete"
)

// lockName is the name of the lock. Those of claims lie in a folder.
const (
	lockName    = "lock.json"
	claimPrefix = "claims/"
)

// medium implements remote.Medium.
type medium struct {
	bucket     string
	folder     string
	connection *cloudstorage.Connection
	// lock is the name of the lock.
	lock string
	// lease is how long a lock lives without being renewed.
	lease time.Duration
}

var _ remote.Medium = (*medium)(nil)

// New returns the medium of a state, without connecting. The location must be valid by its Check; a relative path of credentials
// starts at the folder.
func New(location cloudstorage.Location, folder string) remote.Medium {
	return newMedium(location, folder)
}

func newMedium(location cloudstorage.Location, folder string) *medium {
	return &medium{bucket: location.Bucket, folder: location.Folder(), connection: location.Connection(folder), lock: lockName, lease: remote.LeaseTime}
}

// Location implements remote.Medium.
func (m *medium) Location() string { return "gs://" + m.bucket + "/" + m.folder }

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

// object is one of the state's.
func (m *medium) object(ctx context.Context, name string) (*storage.ObjectHandle, error) {
	client, err := m.connection.Client(ctx)
	if err != nil {
		return nil, m.explain(ctx, err, mayRead)
	}
	return client.Bucket(m.bucket).Object(m.folder + name), nil
}

// explain turns an error of the client into one of the contract's.
func (m *medium) explain(ctx context.Context, err error, permission string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: the store did not answer in time", remote.ErrUnreachable)
	}
	return remote.Translate(cloudstorage.Explain(ctx, err, m.bucket, permission))
}

// List implements remote.Medium. Lists of Cloud Storage are strongly consistent.
func (m *medium) List(ctx context.Context, prefix string) ([]string, error) {
	client, err := m.connection.Client(ctx)
	if err != nil {
		return nil, m.explain(ctx, err, mayList)
	}
	query := &storage.Query{Prefix: m.folder + prefix}
	if err := query.SetAttrSelection([]string{"Name"}); err != nil {
		return nil, err
	}
	var names []string
	objects := client.Bucket(m.bucket).Objects(ctx, query)
	for {
		found, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			slices.Sort(names)
			return names, nil
		}
		if err != nil {
			return nil, m.explain(ctx, err, mayList)
		}
		names = append(names, strings.TrimPrefix(found.Name, m.folder))
	}
}

// Read implements remote.Medium.
func (m *medium) Read(ctx context.Context, names ...string) ([][]byte, error) {
	contents := make([][]byte, len(names))
	err := remote.Each(ctx, len(names), func(ctx context.Context, i int) (err error) {
		object, err := m.object(ctx, names[i])
		if err != nil {
			return err
		}
		if contents[i], err = m.content(ctx, object); err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
		return nil
	})
	return contents, err
}

// content reads an object.
func (m *medium) content(ctx context.Context, object *storage.ObjectHandle) ([]byte, error) {
	reader, err := object.NewReader(ctx)
	if err != nil {
		return nil, m.explain(ctx, err, mayRead)
	}
	content, err := io.ReadAll(reader)
	if err = errors.Join(err, reader.Close()); err != nil {
		return nil, m.explain(ctx, err, mayRead)
	}
	return content, nil
}

// put writes an object under conditions, in one request, and returns its generation. A condition that is not met is
// endpoint.ErrChanged.
func (m *medium) put(ctx context.Context, name string, content []byte, conditions storage.Conditions) (int64, error) {
	object, err := m.object(ctx, name)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	writer := object.If(conditions).NewWriter(ctx)
	writer.ChunkSize, writer.ContentType, writer.CacheControl = 0, "application/json", "no-store"
	writer.CRC32C, writer.SendCRC32C = crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli)), true
	_, err = writer.Write(content)
	if err != nil {
		// Closing it would store what was written.
		cancel()
	}
	err = errors.Join(err, writer.Close())
	if err != nil {
		return 0, m.explain(ctx, err, mayMake)
	}
	return writer.Attrs().Generation, nil
}

// Create implements remote.Lease.
func (l *lease) Create(ctx context.Context, name string, content []byte) error {
	if err := l.check(); err != nil {
		return err
	}
	_, err := l.put(ctx, name, content, storage.Conditions{DoesNotExist: true})
	if errors.Is(err, endpoint.ErrChanged) {
		return fmt.Errorf("%s: %w", name, remote.ErrExists)
	}
	return err
}

// Delete implements remote.Lease.
func (l *lease) Delete(ctx context.Context, names ...string) error {
	if err := l.check(); err != nil {
		return err
	}
	return remote.Each(ctx, len(names), func(ctx context.Context, i int) error {
		object, err := l.object(ctx, names[i])
		if err != nil {
			return err
		}
		if err := l.explain(ctx, object.Delete(ctx), mayDelete); !errors.Is(err, remote.ErrNotExist) {
			return err
		}
		return nil
	})
}
