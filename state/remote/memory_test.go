package remote

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/castrolanda/imsctl/state"
)

// memory is a medium without a server, whose faults are decided by a test.
type memory struct {
	mu    sync.Mutex
	parts map[string][]byte
	owner *Holder
	// claims are the locks beside owner, which need no parts.
	claims []*memory
	// fault is asked before each writing; what it returns is the answer. done says whether the part is made all the same.
	fault func(name string) (err error, done bool)
}

func newMemory() *memory { return &memory{parts: make(map[string][]byte)} }

func (m *memory) Location() string { return "memory" }
func (m *memory) Fences() bool     { return false }

func (m *memory) List(_ context.Context, prefix string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name := range m.parts {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (m *memory) Read(_ context.Context, names ...string) ([][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var contents [][]byte
	for _, name := range names {
		content, there := m.parts[name]
		if !there {
			return nil, fmt.Errorf("%s: %w", name, ErrNotExist)
		}
		contents = append(contents, bytes.Clone(content))
	}
	return contents, nil
}

func (m *memory) Holder(context.Context) (Holder, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.owner == nil {
		return Holder{}, false, nil
	}
	return *m.owner, true, nil
}

func (m *memory) Acquire(_ context.Context, holder Holder) (Lease, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.owner != nil {
		return nil, &state.LockedError{Location: "memory", Holder: m.owner.LockInfo}
	}
	m.owner = &holder
	return &memoryLease{memory: m, id: holder.ID}, nil
}

func (m *memory) Break(_ context.Context, id string) (Holder, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.owner == nil || m.owner.ID != id {
		return Holder{}, NotLocked("memory")
	}
	holder := *m.owner
	m.owner = nil
	return holder, nil
}

func (m *memory) Claim(number int) Medium {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.claims) <= number {
		m.claims = append(m.claims, newMemory())
	}
	return m.claims[number]
}

func (m *memory) Claims(ctx context.Context) ([]Claimed, error) {
	m.mu.Lock()
	numbers := make([]int, len(m.claims))
	m.mu.Unlock()
	for i := range numbers {
		numbers[i] = i
	}
	return claimsOf(ctx, m, numbers)
}

type memoryLease struct {
	*memory
	id string
}

func (l *memoryLease) Create(_ context.Context, name string, content []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	done := true
	if l.fault != nil {
		err, done = l.fault(name)
	}
	if _, there := l.parts[name]; there && done {
		return ErrExists
	}
	if done {
		l.parts[name] = bytes.Clone(content)
	}
	return err
}

func (l *memoryLease) Delete(_ context.Context, names ...string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range names {
		delete(l.parts, name)
	}
	return nil
}

func (l *memoryLease) Renew(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owner == nil || l.owner.ID != l.id {
		return ErrLost
	}
	return nil
}

func (l *memoryLease) Release(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owner == nil || l.owner.ID != l.id {
		return ErrLost
	}
	l.owner = nil
	return nil
}
