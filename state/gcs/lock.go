package gcs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cloud.google.com/go/storage"
	"github.com/go-json-experiment/json"

	"github.com/castrolanda/imsctl/internal/cloudstorage"
	"github.com/castrolanda/imsctl/internal/endpoint"
	"github.com/castrolanda/imsctl/state/remote"
)

// record is the lock as it lies in the bucket.
type record struct {
	holder     remote.Holder
	generation int64
	// age is since when it was not renewed, by the store's clock.
	age time.Duration
}

// held reports whether the holder is not known to be dead.
func (m *medium) held(found *record) bool { return found.age <= m.lease && !found.holder.Dead() }

// look reads the lock; nil when there is none.
func (m *medium) look(ctx context.Context) (*record, error) {
	object, err := m.object(ctx, m.lock)
	if err != nil {
		return nil, err
	}
	var now time.Time
	attributes, err := object.Attrs(cloudstorage.WithDate(ctx, &now))
	if err != nil {
		if err = m.explain(ctx, err, mayRead); errors.Is(err, remote.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	found := &record{generation: attributes.Generation}
	if !now.IsZero() {
		found.age = now.Sub(attributes.Updated)
	}
	content, err := m.content(ctx, object.Generation(attributes.Generation))
	if errors.Is(err, remote.ErrNotExist) {
		// It was renewed or given back meanwhile.
		return m.look(ctx)
	}
	if err != nil {
		return nil, err
	}
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
	return found.holder, m.held(found), nil
}

// takeAttempts bounds how often a lock that changes all the time is looked at.
const takeAttempts = 10

// Acquire implements remote.Medium.
func (m *medium) Acquire(ctx context.Context, holder remote.Holder) (remote.Lease, error) {
	content, err := json.Marshal(holder)
	if err != nil {
		return nil, err
	}
	conditions := storage.Conditions{DoesNotExist: true}
	for attempt := 1; ; attempt++ {
		generation, err := m.put(ctx, m.lock, content, conditions)
		if err == nil {
			return &lease{medium: m, id: holder.ID, content: content, generation: generation}, nil
		}
		if !errors.Is(err, endpoint.ErrChanged) {
			return nil, err
		}
		found, err := m.look(ctx)
		switch {
		case err != nil:
			return nil, err
		case found == nil:
			conditions = storage.Conditions{DoesNotExist: true}
		case found.holder.ID == holder.ID:
			return &lease{medium: m, id: holder.ID, content: content, generation: found.generation}, nil
		case m.held(found) || attempt == takeAttempts:
			return nil, remote.Locked(m.Location(), found.holder, m.lease)
		default:
			conditions = storage.Conditions{GenerationMatch: found.generation}
		}
		if attempt == takeAttempts {
			return nil, remote.Locked(m.Location(), remote.Holder{}, m.lease)
		}
	}
}

// Break implements remote.Medium.
func (m *medium) Break(ctx context.Context, id string) (remote.Holder, error) {
	for {
		found, err := m.look(ctx)
		switch {
		case err != nil:
			return remote.Holder{}, err
		case found == nil:
			return remote.Holder{}, remote.NotLocked(m.Location())
		case found.holder.ID != id:
			return found.holder, remote.Mismatch(m.Location(), found.holder, id)
		}
		err = m.remove(ctx, found.generation)
		if errors.Is(err, endpoint.ErrChanged) || errors.Is(err, remote.ErrNotExist) {
			continue // it was renewed meanwhile
		}
		return found.holder, err
	}
}

// remove removes a generation of the lock.
func (m *medium) remove(ctx context.Context, generation int64) error {
	object, err := m.object(ctx, m.lock)
	if err != nil {
		return err
	}
	return m.explain(ctx, object.If(storage.Conditions{GenerationMatch: generation}).Delete(ctx), mayDelete)
}

// lease implements remote.Lease.
type lease struct {
	*medium
	id      string
	content []byte

	mu         sync.Mutex
	generation int64
	// lost is why the lock is no longer this one's.
	lost error
}

// check refuses to write without the lock.
func (l *lease) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// Renew implements remote.Lease.
func (l *lease) Renew(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return l.lost
	}
	generation, err := l.put(ctx, l.lock, l.content, storage.Conditions{GenerationMatch: l.generation})
	switch {
	case err == nil:
		l.generation = generation
		return nil
	case errors.Is(err, endpoint.ErrChanged), errors.Is(err, remote.ErrNotExist):
		return l.recognise(ctx)
	}
	return err
}

// recognise finds out whose the lock is that has another generation: perhaps an earlier renewal has made it, whose answer was
// lost. The caller holds mu.
func (l *lease) recognise(ctx context.Context) error {
	found, err := l.look(ctx)
	switch {
	case err != nil:
		return err
	case found == nil:
		l.lost = fmt.Errorf("%w: it was ended by force", remote.ErrLost)
	case found.holder.ID != l.id:
		l.lost = fmt.Errorf("%w: it is that of %s", remote.ErrLost, found.holder.LockInfo)
	default:
		l.generation = found.generation
	}
	return l.lost
}

// Release implements remote.Lease.
func (l *lease) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return l.lost
	}
	err := l.remove(ctx, l.generation)
	if errors.Is(err, endpoint.ErrChanged) {
		if err = l.recognise(ctx); err == nil {
			err = l.remove(ctx, l.generation)
		}
	}
	if errors.Is(err, remote.ErrNotExist) {
		err = nil
	}
	if err == nil {
		l.lost = fmt.Errorf("%w: it was given back", remote.ErrLost)
	}
	return err
}
