// Package bucket is a strict object store in memory: what tests hold destinations against where emulators forgive what the clouds
// do not. Generations, ETags, preconditions, holds, a retention policy, permissions and listings that lag behind all count, and
// it has its own clock. GCS serves one over HTTP, in the words of Cloud Storage's JSON interface.
package bucket

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
)

// What a store refuses, found with errors.Is. ErrKept says why in its text.
var (
	ErrNotExist     = errors.New("no such object")
	ErrPrecondition = errors.New("a precondition does not hold")
	ErrDenied       = errors.New("permission denied")
	ErrKept         = errors.New("the object is kept")
)

// Permission is a right that a store can take away, each alone.
type Permission string

// The permissions. Rules is that to read what the store does by itself.
const (
	Write  Permission = "write"
	List   Permission = "list"
	Delete Permission = "delete"
	Read   Permission = "read"
	Rules  Permission = "rules"
)

// Denied is the refusal for want of a permission. It is an ErrDenied.
type Denied struct{ Permission Permission }

// Error implements error.
func (d *Denied) Error() string { return "permission denied: " + string(d.Permission) }

// Unwrap makes it an ErrDenied.
func (d *Denied) Unwrap() error { return ErrDenied }

// Object is what is stored under a name. Its slices and maps are not changed once it is stored.
type Object struct {
	Name string
	Data []byte
	// Generation numbers the objects of a store, Metageneration the changes to this one.
	Generation, Metageneration int64
	Created                    time.Time
	Metadata                   map[string]string
	CRC32C                     uint32
	// TemporaryHold and RetainedUntil keep the object from being deleted or replaced.
	TemporaryHold bool
	RetainedUntil time.Time
}

// ETag changes with every change to the object or to what is known of it.
func (o Object) ETag() string { return fmt.Sprintf("%d.%d", o.Generation, o.Metageneration) }

// keptBy says why the object may not be deleted at a time, or nothing.
func (o Object) keptBy(now time.Time) string {
	switch {
	case o.TemporaryHold:
		return "it is under active Temporary hold and cannot be deleted, overwritten or archived until the hold is removed"
	case o.RetainedUntil.After(now):
		return "it cannot be deleted or overwritten until " + o.RetainedUntil.UTC().Format(time.RFC3339)
	}
	return ""
}

// Conditions are what must be true of the object that is there. The zero Conditions always are.
type Conditions struct {
	// Absent: there must be none.
	Absent bool
	// Generation is that which it must have, 0 for any; ETag likewise.
	Generation int64
	ETag       string
}

func (c Conditions) hold(there *Object) bool {
	switch {
	case c.Absent:
		return there == nil
	case c.Generation == 0 && c.ETag == "":
		return true
	case there == nil:
		return false
	}
	return (c.Generation == 0 || c.Generation == there.Generation) && (c.ETag == "" || c.ETag == there.ETag())
}

// Store is one bucket. It is safe for concurrent use.
type Store struct {
	clock clock.Clock

	mu         sync.Mutex
	objects    map[string]*Object
	tombstones []tombstone
	generation int64
	denied     map[Permission]bool
	retention  time.Duration
	newLag     time.Duration
	deletedLag time.Duration
	corrupt    func([]byte)
	uploads    map[string]*Upload
	uploadIDs  int
}

// tombstone is an object that is gone and may still be listed.
type tombstone struct {
	object *Object
	gone   time.Time
}

// firstGeneration is the number before that of the first object.
const firstGeneration = 1000

// New returns an empty store with a clock of its own.
func New(own clock.Clock) *Store {
	return &Store{clock: own, objects: make(map[string]*Object), denied: make(map[Permission]bool), generation: firstGeneration, uploads: make(map[string]*Upload)}
}

// Now is the store's own time.
func (s *Store) Now() time.Time { return s.clock.Now().UTC() }

// Deny takes permissions away from everybody, Allow gives them back.
func (s *Store) Deny(permissions ...Permission) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, permission := range permissions {
		s.denied[permission] = true
	}
}

// Allow gives permissions back.
func (s *Store) Allow(permissions ...Permission) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, permission := range permissions {
		delete(s.denied, permission)
	}
}

// Need refuses where a permission was taken away.
func (s *Store) Need(permission Permission) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.need(permission)
}

func (s *Store) need(permission Permission) error {
	if s.denied[permission] {
		return &Denied{permission}
	}
	return nil
}

// Retain sets the store's retention policy: objects made from now on are kept so long.
func (s *Store) Retain(period time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retention = period
}

// Lag makes listings eventual: an object is missing from them for the first while of its life, and listed for a while after it
// is gone, by the store's clock.
func (s *Store) Lag(missing, listed time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newLag, s.deletedLag = missing, listed
}

// Corrupt lets something happen to the bytes of the objects that are made from now on; nil for nothing.
func (s *Store) Corrupt(how func([]byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.corrupt = how
}

// Change does something to an object that is there, as others with more rights can. Its metageneration grows.
func (s *Store) Change(name string, how func(*Object)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if there := s.objects[name]; there != nil {
		changed := *there
		changed.Metageneration++
		how(&changed)
		s.objects[name] = &changed
	}
}

// Names are those of all objects there are, whatever listings show.
func (s *Store) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Made is how many objects were ever made.
func (s *Store) Made() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation - firstGeneration
}

// Get returns an object. Whoever may not list is not told what there is not.
func (s *Store) Get(name string) (Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.need(Read); err != nil {
		return Object{}, err
	}
	if there := s.objects[name]; there != nil {
		return *there, nil
	}
	if err := s.need(List); err != nil {
		return Object{}, err
	}
	return Object{}, ErrNotExist
}

// Put makes an object at once.
func (s *Store) Put(name string, data []byte, metadata map[string]string, conditions Conditions) (Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(name, data, metadata, conditions)
}

func (s *Store) put(name string, data []byte, metadata map[string]string, conditions Conditions) (Object, error) {
	if err := s.need(Write); err != nil {
		return Object{}, err
	}
	there := s.objects[name]
	if !conditions.hold(there) {
		return Object{}, ErrPrecondition
	}
	if there != nil {
		if why := there.keptBy(s.Now()); why != "" {
			return Object{}, fmt.Errorf("%w: %s", ErrKept, why)
		}
		if err := s.need(Delete); err != nil {
			return Object{}, err
		}
	}
	s.generation++
	made := &Object{Name: name, Data: bytes.Clone(data), Generation: s.generation, Metageneration: 1, Created: s.Now(), Metadata: maps.Clone(metadata)}
	if s.corrupt != nil {
		s.corrupt(made.Data)
	}
	if s.retention > 0 {
		made.RetainedUntil = made.Created.Add(s.retention)
	}
	made.CRC32C = crc32.Checksum(made.Data, crc32.MakeTable(crc32.Castagnoli))
	s.objects[name] = made
	return *made, nil
}

// Delete removes an object.
func (s *Store) Delete(name string, conditions Conditions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := s.objects[name]
	if there == nil {
		return ErrNotExist
	}
	if err := s.need(Delete); err != nil {
		return err
	}
	if !conditions.hold(there) {
		return ErrPrecondition
	}
	if why := there.keptBy(s.Now()); why != "" {
		return fmt.Errorf("%w: %s", ErrKept, why)
	}
	delete(s.objects, name)
	s.tombstones = append(s.tombstones, tombstone{there, s.Now()})
	return nil
}

// List returns the objects whose names begin with prefix and come after another name, in order, at most limit of them, and
// whether there are more.
func (s *Store) List(prefix, after string, limit int) (page []Object, more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.need(List); err != nil {
		return nil, false, err
	}
	visible := s.visible()
	for _, name := range slices.Sorted(maps.Keys(visible)) {
		if !strings.HasPrefix(name, prefix) || name <= after {
			continue
		}
		if len(page) == limit {
			return page, true, nil
		}
		page = append(page, *visible[name])
	}
	return page, false, nil
}

// visible is what listings show now.
func (s *Store) visible() map[string]*Object {
	now, shown := s.Now(), make(map[string]*Object, len(s.objects))
	for _, buried := range s.tombstones {
		if now.Before(buried.gone.Add(s.deletedLag)) {
			shown[buried.object.Name] = buried.object
		}
	}
	for name, object := range s.objects {
		if !now.Before(object.Created.Add(s.newLag)) {
			shown[name] = object
		}
	}
	return shown
}
