package destinationtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// odd are keys that are legal although something on the way might trip over them. No two differ in case alone.
var odd = []string{
	"a", "a b/c d", " leading", "trailing ", "-rf", "--", "~", "#", "%", "%2F", "%00", "100%", "a%2e%2e/b", "a+b", "a&b=c", "a?b", "a*", "[a]", "{a}",
	`back\slash`, `"quoted"`, "'quoted'", "`", "$HOME", "$(x)", "a;b", "a|b", "a<b>c", "a:b", "a,b", "a@b", "a!", "a^", ".hidden", "...", "..../b",
	"..a", "a..", "b../c", ".partial", ".a.partial", "a.partial", "CON", "nul.txt", "x.manifest.json", "x=y", "_", "database/2026-11-22T02:00:00Z.sql.zst",
	strings.Repeat("long", 50), strings.Repeat("deep/", 30) + "object",
}

func testKeys(t *testing.T, s *suite) {
	d, odd := s.open(t), slices.Clone(odd)
	odd = slices.DeleteFunc(odd, func(key string) bool {
		if s.refused == "" || !strings.Contains(key, s.refused) {
			return false
		}
		if upload, err := d.Create(t.Context(), key, providers.CreateOptions{}); err == nil {
			t.Errorf("an object %q could be created, which the store takes for another", key)
			upload.Abort(t.Context())
		}
		return true
	})
	for _, key := range odd {
		data := []byte(key)
		if object := put(t, d, key, data, providers.CreateOptions{}); object.Key != key {
			t.Errorf("%q was committed as %q", key, object.Key)
		}
		expect(t, d, key, data)
	}
	want := slices.Sorted(slices.Values(odd))
	if found := keys(t, d, ""); !slices.Equal(found, want) {
		t.Errorf("List shows\n%q, want\n%q", found, want)
	}
	for _, key := range odd {
		if found := keys(t, d, key); !slices.Contains(found, key) {
			t.Errorf("listing %q shows %q", key, found)
		}
		object, err := d.Stat(t.Context(), key)
		if err != nil {
			t.Errorf("Stat of %q: %v", key, err)
			continue
		}
		if err := d.Delete(t.Context(), key, object.Version); err != nil {
			t.Errorf("Delete of %q: %v", key, err)
		}
	}
	if found := keys(t, d, ""); len(found) != 0 {
		t.Errorf("still there: %q", found)
	}
}

func testIllegalKeys(t *testing.T, s *suite) {
	d := s.open(t)
	for _, key := range []string{
		"", "/", "/absolute", "trailing/", "a//b", ".", "..", "./a", "a/.", "../a", "a/../b", "a/..", "../../etc/passwd",
		"new\nline", "tab\t", "nul\x00", "del\x7f", "é", "a\xff",
	} {
		if upload, err := d.Create(t.Context(), key, providers.CreateOptions{}); err == nil {
			t.Errorf("an object %q could be created", key)
			upload.Abort(t.Context())
		}
		if _, err := d.Stat(t.Context(), key); err == nil {
			t.Errorf("an object %q was found", key)
		}
		if reader, err := d.Open(t.Context(), key); err == nil {
			t.Errorf("an object %q was opened", key)
			reader.Close()
		}
		if err := d.Delete(t.Context(), key, "1"); err == nil {
			t.Errorf("an object %q was deleted", key)
		}
	}
	expectClean(t, d, "object")
}

// testListOrder checks order and prefixes where folders would come elsewhere than their keys.
func testListOrder(t *testing.T, s *suite) {
	d := s.open(t)
	all := []string{"a-b", "a.b", "a/b", "a/b-c/d", "a/b.c", "a/c/d", "a0", "aa/b", "b", "b c/d", "b!", "database/1", "database-old/1", "database.x"}
	for _, key := range all {
		put(t, d, key, []byte(key), providers.CreateOptions{})
	}
	slices.Sort(all)
	for _, prefix := range []string{
		"", "a", "a/", "a/b", "a/b-", "a/b-c", "a/b-c/", "a/b-c/d", "a/b-c/d/", "a-", "aa", "b", "b ", "database", "database/", "database/1",
		"z", "z/", "/", "//", "a//", "..", "../", "a/..", "a/../", "./", "a/./", "é", "A",
	} {
		want := []string{}
		for _, key := range all {
			if strings.HasPrefix(key, prefix) {
				want = append(want, key)
			}
		}
		if found := keys(t, d, prefix); !slices.Equal(found, want) {
			t.Errorf("listing %q shows\n%q, want\n%q", prefix, found, want)
		}
	}
}

// testListMany lists more objects than come in one page of any store.
func testListMany(t *testing.T, s *suite) {
	d := s.open(t)
	var want []string
	for i := range 1100 {
		key := fmt.Sprintf("many/%d/%04d", i%3, i)
		put(t, d, key, nil, providers.CreateOptions{})
		want = append(want, key)
	}
	slices.Sort(want)
	if found := keys(t, d, ""); !slices.Equal(found, want) {
		t.Errorf("List shows %d objects, want %d in order", len(found), len(want))
	}
	if found := keys(t, d, "many/1/"); len(found) != 367 {
		t.Errorf("List shows %d objects of one folder, want 367", len(found))
	}
}

func testListStops(t *testing.T, s *suite) {
	d, enough := s.open(t), fmt.Errorf("enough")
	for _, key := range []string{"a", "b/1", "b/2", "c"} {
		put(t, d, key, nil, providers.CreateOptions{})
	}
	for stop := range 4 {
		var seen []string
		err := d.List(t.Context(), "", func(object providers.Object) error {
			if seen = append(seen, object.Key); len(seen) == stop+1 {
				return enough
			}
			return nil
		})
		if err != enough || len(seen) != stop+1 {
			t.Errorf("stopping after %d objects: %q, %v", stop+1, seen, err)
		}
	}
}
