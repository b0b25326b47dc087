package spec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/castrolanda/imsctl/internal/diagnostic"
	"github.com/castrolanda/imsctl/spec"
)

func mustMkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

// FuzzLoad holds for any text: loading ends, gives a specification or reasons against it but not both, the reasons can be
// printed, and what is formatted is formatted for good and means the same.
func FuzzLoad(f *testing.F) {
	cases, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range cases {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(whole))
	f.Add([]byte(withVariable))
	f.Add([]byte(manifold))
	f.Add([]byte("locals {\n  a = <<-E\n    ${local.a}\n  E\n}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "x.hcl")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		given := options(t)
		loaded, diagnostics := spec.Load(path, given)
		if (loaded != nil) == diagnostics.HasErrors() {
			t.Fatalf("%v and %v", loaded, diagnostics.List)
		}
		diagnostic.Write(&bytes.Buffer{}, diagnostics.List, diagnostics.Files, diagnostic.Options{Width: 40, Color: true})
		formatted, wrong := spec.Format(text, path)
		if wrong.HasErrors() {
			return
		}
		if _, wrong := spec.Format(formatted, path); wrong.HasErrors() {
			t.Fatalf("formatting breaks it: %v", wrong)
		}
	})
}
