package azblob

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	bloblease "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"
	"github.com/go-json-experiment/json"

	"github.com/castrolanda/imsctl/internal/blobstorage"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/remote"
)

// nobody is the content of the lock that nobody holds.
var nobody = []byte("{}")

// isTaken reports whether there is a blob already.
func isTaken(err error) bool {
	return bloberror.HasCode(err, bloberror.BlobAlreadyExists, bloberror.ConditionNotMet)
}

// isLost reports whether the store gave the lease to somebody else, or ended it.
func isLost(err error) bool {
	return bloberror.HasCode(err, bloberror.LeaseIDMismatchWithLeaseOperation, bloberror.LeaseIDMismatchWithBlobOperation, bloberror.LeaseIsBrokenAndCannotBeRenewed,
		bloberror.LeaseLost, bloberror.LeaseNotPresentWithBlobOperation, bloberror.LeaseNotPresentWithLeaseOperation, bloberror.LeaseAlreadyBroken, bloberror.BlobNotFound)
}

// record is the lock as it lies in the container.
type record struct {
	holder remote.Holder
	etag   *azcore.ETag
	leased bool
}

// held reports whether the lock has a holder that is not known to be dead.
func (r *record) held() bool { return r.leased && !r.holder.Dead() }

// look reads the lock; nil when there was never one.
func (m *medium) look(ctx context.Context) (*record, error) {
	client, err := m.blob(ctx, m.lock)
	if err != nil {
		return nil, err
	}
	content, answer, err := m.content(ctx, client)
	if errors.Is(err, remote.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := &record{etag: answer.ETag, leased: answer.LeaseState != nil && *answer.LeaseState == bloblease.StateTypeLeased}
	if err := json.Unmarshal(content, &found.holder); err != nil {
		return nil, fmt.Errorf("reading who holds the lock from %s%s: it is not what imsctl writes: delete it if nobody holds the lock", m.Location(), m.lock)
	}
	return found, nil
}

// Holder implements remote.Medium.
func (m *medium) Holder(ctx context.Context) (remote.Holder, bool, error) {
	found, err := m.look(ctx)
	if err != nil || found == nil {
		return remote.Holder{}, false, err
	}
	return found.holder, found.held(), nil
}

// client is that of a lease with an id on the lock.
func (m *medium) client(ctx context.Context, id string) (*bloblease.BlobClient, error) {
	locked, err := m.blob(ctx, m.lock)
	if err != nil {
		return nil, err
	}
	return bloblease.NewBlobClient(locked, &bloblease.BlobClientOptions{LeaseID: &id})
}

// takeAttempts bounds how often a lock that changes all the time is looked at.
const takeAttempts = 10

// Acquire implements remote.Medium.
func (m *medium) Acquire(ctx context.Context, holder remote.Holder) (remote.Lease, error) {
	content, err := json.Marshal(holder)
	if err != nil {
		return nil, err
	}
	// A lease has an id that is a UUID.
	id, err := state.NewLineage()
	if err != nil {
		return nil, err
	}
	client, err := m.client(ctx, id)
	if err != nil {
		return nil, err
	}
	for range takeAttempts {
		_, err := client.AcquireLease(ctx, m.lease, nil)
		switch {
		case err == nil:
			made := &lease{medium: m, id: id, client: client}
			err := m.put(ctx, m.lock, content, made.conditions())
			if err == nil {
				return made, nil
			}
			if !isLost(err) {
				return nil, errors.Join(m.explain(ctx, err, blobstorage.NeedWrite), made.Release(ctx))
			}
		case bloberror.HasCode(err, bloberror.BlobNotFound):
			if err := m.put(ctx, m.lock, nobody, absent()); err != nil && !isTaken(err) {
				return nil, m.explain(ctx, err, blobstorage.NeedWrite)
			}
		case bloberror.HasCode(err, bloberror.LeaseAlreadyPresent):
			if err := m.overcome(ctx); err != nil {
				return nil, err
			}
		default:
			return nil, m.explain(ctx, err, blobstorage.NeedWrite)
		}
	}
	return nil, remote.Locked(m.Location(), remote.Holder{}, m.leaseTime())
}

// leaseTime is how long a lock lives without being renewed.
func (m *medium) leaseTime() time.Duration { return time.Duration(m.lease) * time.Second }

// overcome ends the lease of a holder that is dead. That of one who lives is its *state.LockedError.
func (m *medium) overcome(ctx context.Context) error {
	found, err := m.look(ctx)
	if err != nil || found == nil || !found.leased {
		return err
	}
	if found.held() {
		return remote.Locked(m.Location(), found.holder, m.leaseTime())
	}
	return m.end(ctx, found)
}

// end ends a lease at once, if the lock still has the content that was looked at.
func (m *medium) end(ctx context.Context, found *record) error {
	client, err := m.client(ctx, "00000000-0000-0000-0000-000000000000")
	if err != nil {
		return err
	}
	now := int32(0)
	_, err = client.BreakLease(ctx, &bloblease.BlobBreakOptions{BreakPeriod: &now, ModifiedAccessConditions: unchanged(found.etag)})
	if isLost(err) || bloberror.HasCode(err, bloberror.ConditionNotMet) {
		return nil
	}
	return m.explain(ctx, err, blobstorage.NeedWrite)
}

// Break implements remote.Medium.
func (m *medium) Break(ctx context.Context, id string) (remote.Holder, error) {
	for {
		found, err := m.look(ctx)
		switch {
		case err != nil:
			return remote.Holder{}, err
		case found == nil || found.holder.ID == "":
			return remote.Holder{}, remote.NotLocked(m.Location())
		case found.holder.ID != id:
			return found.holder, remote.Mismatch(m.Location(), found.holder, id)
		}
		if found.leased {
			if err := m.end(ctx, found); err != nil {
				return found.holder, err
			}
		}
		err = m.put(ctx, m.lock, nobody, &blob.AccessConditions{ModifiedAccessConditions: unchanged(found.etag)})
		if isTaken(err) || bloberror.HasCode(err, bloberror.LeaseIDMissing) {
			continue // somebody took it meanwhile
		}
		return found.holder, m.explain(ctx, err, blobstorage.NeedWrite)
	}
}

// lease implements remote.Lease.
type lease struct {
	*medium
	id     string
	client *bloblease.BlobClient

	mu sync.Mutex
	// lost is why the lock is no longer this one's.
	lost error
}

// conditions are those of writing the lock.
func (l *lease) conditions() *blob.AccessConditions {
	return &blob.AccessConditions{LeaseAccessConditions: &blob.LeaseAccessConditions{LeaseID: &l.id}}
}

// check refuses to write without the lock.
func (l *lease) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// lose says whose the lock is now. The caller holds mu.
func (l *lease) lose(ctx context.Context) error {
	l.lost = fmt.Errorf("%w: it was ended by force, or not renewed in time", remote.ErrLost)
	if found, err := l.look(ctx); err == nil && found != nil && found.leased && found.holder.ID != "" {
		l.lost = fmt.Errorf("%w: it is that of %s", remote.ErrLost, found.holder.LockInfo)
	}
	return l.lost
}

// Renew implements remote.Lease. The store renews also a lease that has ended, if nobody had another one since.
func (l *lease) Renew(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return l.lost
	}
	_, err := l.client.RenewLease(ctx, nil)
	if isLost(err) {
		return l.lose(ctx)
	}
	return l.explain(ctx, err, blobstorage.NeedWrite)
}

// Release implements remote.Lease.
func (l *lease) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return l.lost
	}
	err := l.put(ctx, l.lock, nobody, l.conditions())
	if err == nil {
		_, err = l.client.ReleaseLease(ctx, nil)
	}
	if isLost(err) {
		return l.lose(ctx)
	}
	if err == nil {
		l.lost = fmt.Errorf("%w: it was given back", remote.ErrLost)
	}
	return l.explain(ctx, err, blobstorage.NeedWrite)
}
