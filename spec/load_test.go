package spec_test

import (
	"testing"

	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/spec"
)

// options are those of the program itself: its own providers and profiles.
func options(t testing.TB) spec.Options {
	t.Helper()
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	options := spec.Options{Registry: registry, Version: "0.3.0"}
	for _, profile := range compression.Profiles() {
		options.Profiles = append(options.Profiles, spec.Profile(profile))
	}
	return options
}

func load(t testing.TB, path string) (*spec.Spec, spec.Diagnostics) {
	t.Helper()
	return spec.Load(path, options(t))
}
