package statetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/remote"
)

// Remote is a place on a server. open makes the medium of one state, each call that of another process; die does to a lease
// what the death of its process does.
func Remote(t *testing.T, open func() remote.Medium, die func(remote.Lease)) Place {
	first := &mortal{Medium: open()}
	again := func(medium remote.Medium) state.Backend {
		return remote.New(medium, remote.Options{Clock: clock.System{}, Version: "0.2.0", Folder: t.TempDir()})
	}
	return Place{
		Backend: again(first),
		Again:   func() state.Backend { return again(open()) },
		Die: func(state.Session) {
			for _, held := range first.dead() {
				die(held)
			}
		},
		Steal: func(t *testing.T) {
			if _, err := again(open()).(state.Unlocker).Unlock(t.Context(), "first"); err != nil {
				t.Fatal(err)
			}
		},
		Spoil: func(t *testing.T) {
			change(t, open(), func(content string) string { return strings.Replace(content, "database", "databank", 1) })
		},
		Future: func(t *testing.T) { add(t, open(), `{"log":2,"opened":{}}`) },
	}
}

// change alters the newest snapshot.
func change(t *testing.T, medium remote.Medium, alter func(string) string) {
	t.Helper()
	write(t, medium, func(lease remote.Lease) error {
		names, err := medium.List(t.Context(), "snapshots/")
		if err != nil || len(names) == 0 {
			return fmt.Errorf("snapshots %v: %w", names, err)
		}
		newest := names[len(names)-1]
		contents, err := medium.Read(t.Context(), newest)
		if err != nil {
			return err
		}
		if err := lease.Delete(t.Context(), newest); err != nil {
			return err
		}
		return lease.Create(t.Context(), newest, []byte(alter(string(contents[0]))))
	})
}

// add adds an entry to the log.
func add(t *testing.T, medium remote.Medium, content string) {
	t.Helper()
	write(t, medium, func(lease remote.Lease) error {
		names, err := medium.List(t.Context(), "log/")
		if err != nil || len(names) == 0 {
			return fmt.Errorf("entries %v: %w", names, err)
		}
		var number int
		if _, err := fmt.Sscanf(names[len(names)-1], "log/%d", &number); err != nil {
			return err
		}
		return lease.Create(t.Context(), fmt.Sprintf("log/%020d", number+1), []byte(content))
	})
}

// write does something with the lock of a medium.
func write(t *testing.T, medium remote.Medium, do func(remote.Lease) error) {
	t.Helper()
	lease, err := medium.Acquire(t.Context(), remote.NewHolder(Ana("vandal")))
	if err != nil {
		t.Fatal(err)
	}
	if err := do(lease); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// mortal is a medium whose leases can die, with those of its claims.
type mortal struct {
	remote.Medium
	mu     sync.Mutex
	leases []*mortalLease
	claims []*mortal
}

// Claim implements remote.Medium.
func (m *mortal) Claim(number int) remote.Medium {
	m.mu.Lock()
	defer m.mu.Unlock()
	made := &mortal{Medium: m.Medium.Claim(number)}
	m.claims = append(m.claims, made)
	return made
}

// Acquire implements remote.Medium.
func (m *mortal) Acquire(ctx context.Context, holder remote.Holder) (remote.Lease, error) {
	lease, err := m.Medium.Acquire(ctx, holder)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	made := &mortalLease{Lease: lease}
	m.leases = append(m.leases, made)
	return made, nil
}

// dead makes all leases dead and returns what they were.
func (m *mortal) dead() []remote.Lease {
	m.mu.Lock()
	defer m.mu.Unlock()
	var leases []remote.Lease
	for _, made := range m.leases {
		made.mu.Lock()
		made.dead = true
		made.mu.Unlock()
		leases = append(leases, made.Lease)
	}
	m.leases = nil
	for _, claim := range m.claims {
		leases = append(leases, claim.dead()...)
	}
	return leases
}

// onlyLock is a medium without claims.
type onlyLock struct{ remote.Medium }

// Claims implements remote.Medium.
func (onlyLock) Claims(context.Context) ([]remote.Claimed, error) { return nil, nil }

// mortalLease reaches nobody once it is dead.
type mortalLease struct {
	remote.Lease
	mu   sync.Mutex
	dead bool
}

// living passes a call on while the lease lives.
func (l *mortalLease) living(do func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return fmt.Errorf("%w: the process is dead", remote.ErrLost)
	}
	return do()
}

// Create implements remote.Lease.
func (l *mortalLease) Create(ctx context.Context, name string, content []byte) error {
	return l.living(func() error { return l.Lease.Create(ctx, name, content) })
}

// Delete implements remote.Lease.
func (l *mortalLease) Delete(ctx context.Context, names ...string) error {
	return l.living(func() error { return l.Lease.Delete(ctx, names...) })
}

// Renew implements remote.Lease.
func (l *mortalLease) Renew(ctx context.Context) error {
	return l.living(func() error { return l.Lease.Renew(ctx) })
}

// Release implements remote.Lease.
func (l *mortalLease) Release(ctx context.Context) error {
	return l.living(func() error { return l.Lease.Release(ctx) })
}

// AwaitEnd waits until the lock, and all claims, are known to be held by nobody who lives.
func AwaitEnd(t *testing.T, medium remote.Medium) {
	t.Helper()
	claims, err := medium.Claims(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, claim := range claims {
		AwaitEnd(t, onlyLock{medium.Claim(claim.Number)})
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		holder, held, err := medium.Holder(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !held || holder.Dead() {
			return
		}
	}
	t.Fatal("the lock of a dead holder does not end")
}
