package spec_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/castrolanda/imsctl/spec"
)

// loadText loads a text as a specification of one file.
func loadText(t testing.TB, text string, change func(*spec.Options)) (*spec.Spec, spec.Diagnostics) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spec.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	given := options(t)
	if change != nil {
		change(&given)
	}
	return spec.Load(path, given)
}
