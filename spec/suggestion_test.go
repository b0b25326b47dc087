package spec

import (
	"slices"
	"testing"
)

// The nearest name is the same whatever the order of the known ones, and far names are not proposed.
func TestNearest(t *testing.T) {
	for _, test := range []struct {
		given string
		known []string
		want  string
	}{
		{"sorce", []string{"source", "schedule"}, "source"},
		{"evry", []string{"every", "env", "very"}, "every"},
		{"ab", []string{"ac", "aa"}, "aa"},
		{"ab", []string{"abc", "a"}, "a"},
		{"destinaton", []string{"destination", "denomination"}, "destination"},
		{"x", []string{"yz", "every"}, ""},
		{"path", []string{"compression"}, ""},
		{"path", nil, ""},
		{"", []string{"a", "ab"}, "a"},
	} {
		for range 2 {
			if got := nearest(test.given, test.known); got != test.want {
				t.Errorf("%q of %q: got %q, want %q", test.given, test.known, got, test.want)
			}
			slices.Reverse(test.known)
		}
	}
}
