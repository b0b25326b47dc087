package local

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

func FuzzPartialOf(f *testing.F) {
	for _, seed := range []string{
		".a.0123456789abcdef.partial", "..0123456789abcdef.partial", ".0123456789abcdef.partial", ".a.0123456789ABCDEF.partial",
		".a.b.0123456789abcdef.partial", "a.0123456789abcdef.partial", ".a.0123456789abcde.partial", ".partial", "", ".é.0123456789abcdef.partial",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, temporary string) {
		name, ok := partialOf(temporary)
		if !ok {
			return
		}
		random := temporary[len(temporary)-len(partialSuffix)-randomDigits : len(temporary)-len(partialSuffix)]
		if name == "" || "."+name+"."+random+partialSuffix != temporary {
			t.Errorf("%q is taken for a temporary file of %q", temporary, name)
		}
		if key, ok := partialKey("folder", temporary); ok && (key != "folder/"+name || providers.CheckKey(key) != nil) {
			t.Errorf("%q is taken for a temporary file of key %q", temporary, key)
		}
	})
}

func TestTemporaryNamesComeBack(t *testing.T) {
	for _, name := range []string{"a", "a.b", ".hidden", "x.partial", strings.Repeat("n", maxPart)} {
		temporary, err := partialName(bytes.NewReader(make([]byte, 8)), name)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := partialOf(temporary); !ok || got != name || len(temporary) > 255 {
			t.Errorf("%q becomes %q, which is for %q", name, temporary, got)
		}
	}
	if _, err := partialName(bytes.NewReader(nil), "a"); err == nil {
		t.Error("a name was made without randomness")
	}
}

func TestKeysThatDoNotFit(t *testing.T) {
	d := at(t, t.TempDir())
	put(t, d, strings.Repeat("n", maxPart), nil)
	for _, key := range []string{strings.Repeat("n", maxPart+1), "a/.b.0123456789abcdef.partial"} {
		if _, err := d.Create(t.Context(), key, providers.CreateOptions{}); err == nil {
			t.Errorf("%q was created", key)
		}
	}
}

func TestRandomNamesThatAreTaken(t *testing.T) {
	d := at(t, t.TempDir())
	taken := filepath.Join(d.root, ".object.0000000000000000.partial")
	file(t, taken, "of another process")
	d.random = bytes.NewReader(append(make([]byte, 8), 1, 2, 3, 4, 5, 6, 7, 8))
	put(t, d, "object", []byte("data"))
	if content, err := os.ReadFile(taken); err != nil || string(content) != "of another process" {
		t.Errorf("got %q, %v", content, err)
	}
	d.random = bytes.NewReader(make([]byte, 8*attempts))
	if _, err := d.Create(t.Context(), "object", providers.CreateOptions{Replace: true}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
}

func TestOnlyRemnantsCanBeRemovedAsSuch(t *testing.T) {
	folder := t.TempDir()
	d := at(t, filepath.Join(folder, "root"))
	put(t, d, "a/object", []byte("data"))
	file(t, filepath.Join(folder, ".x.0123456789abcdef.partial"), "outside")
	if err := os.MkdirAll(filepath.Join(d.root, ".d.0123456789abcdef.partial"), 0o700); err != nil {
		t.Fatal(err)
	}
	upload := begin(t, d, "a/next", []byte("data"))
	defer upload.Abort(t.Context())
	before := tree(t, folder)
	running := before[slices.IndexFunc(before, func(name string) bool { return strings.Contains(name, ".next.") })]
	for _, remnant := range []providers.Remnant{
		{Key: "a/object", Name: filepath.Join(d.root, "a/object")},
		{Key: "x", Name: filepath.Join(folder, ".x.0123456789abcdef.partial")},
		{Key: "x", Name: d.root + "/../.x.0123456789abcdef.partial"},
		{Key: "../x", Name: d.root + "/../.x.0123456789abcdef.partial"},
		{Key: "a/x", Name: filepath.Join(d.root, ".x.0123456789abcdef.partial")},
		{Key: "x", Name: ".x.0123456789abcdef.partial"},
		{Key: "d", Name: filepath.Join(d.root, ".d.0123456789abcdef.partial")},
		{Key: "a/next", Name: filepath.Join(folder, running)},
		{Key: "", Name: d.root},
		{},
	} {
		if err := d.RemoveRemnant(t.Context(), remnant); err == nil {
			t.Errorf("%+v was removed", remnant)
		}
	}
	if after := tree(t, folder); !slices.Equal(after, before) {
		t.Errorf("left: %q, was: %q", after, before)
	}
	gone := providers.Remnant{Key: "b/c", Name: filepath.Join(d.root, "b", ".c.0123456789abcdef.partial")}
	if err := d.RemoveRemnant(t.Context(), gone); err != nil {
		t.Errorf("one that is gone: %v", err)
	}
}
