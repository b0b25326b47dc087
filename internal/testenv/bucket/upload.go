package bucket

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Upload is an object in the making. It belongs to the store and outlives whoever began it.
type Upload struct {
	// ID and Name are constant, and so is Owner, a name that whoever began it chose.
	ID, Name, Owner string

	store      *Store
	data       []byte
	metadata   map[string]string
	conditions Conditions
	grown      time.Time
}

// UploadView describes an upload.
type UploadView struct {
	ID, Name, Owner string
	Size            int64
	Grown           time.Time
}

// Begin begins an upload. The conditions are checked now and when it is finished.
func (s *Store) Begin(name, owner string, metadata map[string]string, conditions Conditions) (*Upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.need(Write); err != nil {
		return nil, err
	}
	if !conditions.hold(s.objects[name]) {
		return nil, ErrPrecondition
	}
	s.uploadIDs++
	upload := &Upload{ID: fmt.Sprintf("secret-session-%d", s.uploadIDs), Name: name, Owner: owner, store: s, metadata: maps.Clone(metadata), conditions: conditions, grown: s.Now()}
	s.uploads[upload.ID] = upload
	return upload, nil
}

// Upload finds one that was begun and neither finished nor dropped, nil for none.
func (s *Store) Upload(id string) *Upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uploads[id]
}

// Uploads are those whose names begin with prefix, in order of their ids.
func (s *Store) Uploads(prefix string) []UploadView {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []UploadView
	for _, id := range slices.Sorted(maps.Keys(s.uploads)) {
		if upload := s.uploads[id]; strings.HasPrefix(upload.Name, prefix) {
			found = append(found, UploadView{upload.ID, upload.Name, upload.Owner, int64(len(upload.data)), upload.grown})
		}
	}
	return found
}

// Size is how many bytes the upload has.
func (u *Upload) Size() int64 {
	u.store.mu.Lock()
	defer u.store.mu.Unlock()
	return int64(len(u.data))
}

// Append takes bytes that begin at an offset: those that the upload has already are left out, a gap is an error.
func (u *Upload) Append(offset int64, data []byte) error {
	u.store.mu.Lock()
	defer u.store.mu.Unlock()
	have := int64(len(u.data))
	if offset > have {
		return fmt.Errorf("bytes from %d on, there are %d", offset, have)
	}
	u.data = append(u.data, data[min(have-offset, int64(len(data))):]...)
	u.grown = u.store.Now()
	return nil
}

// Finish makes the object. It fails and changes nothing unless accept, which is shown the bytes, returns nil.
func (u *Upload) Finish(accept func(data []byte) error) (Object, error) {
	u.store.mu.Lock()
	defer u.store.mu.Unlock()
	if err := accept(u.data); err != nil {
		return Object{}, err
	}
	made, err := u.store.put(u.Name, u.data, u.metadata, u.conditions)
	if err == nil {
		delete(u.store.uploads, u.ID)
	}
	return made, err
}

// Drop gives the upload up. It may be called more than once.
func (u *Upload) Drop() {
	u.store.mu.Lock()
	defer u.store.mu.Unlock()
	delete(u.store.uploads, u.ID)
}
