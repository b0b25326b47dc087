package destinationtest

import (
	"errors"
	"slices"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

func testDelete(t *testing.T, s *suite) {
	d, data := s.open(t), content(30, 300)
	object := put(t, d, "folder/object", data, providers.CreateOptions{})
	put(t, d, "folder/other", data, providers.CreateOptions{})
	for _, version := range []string{"", "0", "1", "*", object.Version + "0", "none"} {
		if err := d.Delete(t.Context(), object.Key, version); !errors.Is(err, providers.ErrChanged) {
			t.Errorf("deleting version %q: %v", version, err)
		}
	}
	expect(t, d, "folder/object", data)
	if err := d.Delete(t.Context(), object.Key, object.Version); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Stat(t.Context(), object.Key); !errors.Is(err, providers.ErrNotExist) {
		t.Errorf("Stat of what was deleted: %v", err)
	}
	if found := keys(t, d, ""); !slices.Equal(found, []string{"folder/other"}) {
		t.Errorf("List shows %q", found)
	}
	if err := d.Delete(t.Context(), object.Key, object.Version); !errors.Is(err, providers.ErrNotExist) {
		t.Errorf("deleting it again: %v", err)
	}
	put(t, d, "folder/object", data, providers.CreateOptions{})
	expect(t, d, "folder/object", data)
}

func testDeleteReplaced(t *testing.T, s *suite) {
	d, data := s.open(t), content(31, 300)
	old := put(t, d, "object", content(32, 300), providers.CreateOptions{})
	current := put(t, d, "object", data, providers.CreateOptions{Replace: true})
	if err := d.Delete(t.Context(), "object", old.Version); !errors.Is(err, providers.ErrChanged) {
		t.Errorf("deleting the version before: %v", err)
	}
	expect(t, d, "object", data)
	if err := d.Delete(t.Context(), "object", current.Version); err != nil {
		t.Error(err)
	}
	expectClean(t, d, "object")
}

func testMissing(t *testing.T, s *suite) {
	d := s.open(t)
	expectClean(t, d, "object")
	expectClean(t, d, "no/such/folder/object")
	for _, version := range []string{"", "1", "1-1"} {
		if err := d.Delete(t.Context(), "no/such/object", version); !errors.Is(err, providers.ErrNotExist) {
			t.Errorf("deleting version %q of nothing: %v", version, err)
		}
	}
	put(t, d, "folder/object", nil, providers.CreateOptions{})
	for _, key := range []string{"folder", "folder/object/below", "folder/objec", "Folder/object"} {
		if _, err := d.Stat(t.Context(), key); !errors.Is(err, providers.ErrNotExist) {
			t.Errorf("Stat of %s: %v", key, err)
		}
		if err := d.Delete(t.Context(), key, "1"); !errors.Is(err, providers.ErrNotExist) {
			t.Errorf("Delete of %s: %v", key, err)
		}
	}
}
