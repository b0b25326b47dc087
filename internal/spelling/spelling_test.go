package spelling_test

import (
	"slices"
	"testing"

	"github.com/castrolanda/imsctl/internal/spelling"
)

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"local", "local", 0},
		{"Local", "local", 0},
		{"lcoal", "local", 1},
		{"zsdt", "zstd", 1},
		{"olcla", "local", 2},
		{"locl", "local", 1},
		{"locall", "local", 1},
		{"lokal", "local", 1},
		// No letter is changed twice: "ca" becomes "abc" by three changes, not by a swap with a letter put between.
		{"ca", "abc", 3},
		{"größe", "grösse", 2},
		{"kitten", "sitting", 3},
	} {
		if got, back := spelling.Distance(test.a, test.b), spelling.Distance(test.b, test.a); got != test.want || back != test.want {
			t.Errorf("%q, %q: %d and %d, want %d", test.a, test.b, got, back, test.want)
		}
	}
}

// The nearest name is the same whatever the order of the known ones, and far names are not proposed.
func TestNearest(t *testing.T) {
	for _, test := range []struct {
		given string
		known []string
		want  string
	}{
		{"sorce", []string{"source", "schedule"}, "source"},
		{"evry", []string{"every", "env", "very"}, "very"},
		{"ab", []string{"ac", "aa"}, "aa"},
		{"ab", []string{"abc", "a"}, "a"},
		{"ba", []string{"bc", "ab"}, "ab"},
		{"zsdt", []string{"gzip", "zstd", "xz"}, "zstd"},
		{"lcoal", []string{"local", "gcs"}, "local"},
		{"PATH", []string{"path", "pack"}, "path"},
		{"destinaton", []string{"destination", "denomination"}, "destination"},
		{"x", []string{"yz", "every"}, ""},
		{"path", []string{"compression"}, ""},
		{"path", nil, ""},
		{"", []string{"a", "ab"}, "a"},
	} {
		for range 2 {
			if got := spelling.Nearest(test.given, test.known); got != test.want {
				t.Errorf("%q of %q: got %q, want %q", test.given, test.known, got, test.want)
			}
			slices.Reverse(test.known)
		}
	}
}

func TestNear(t *testing.T) {
	known := []string{"stock", "stock_too", "orders", "sock"}
	alike := func(name string) bool { return name == "stock_too" }
	if got, want := spelling.Near("stok", known, alike), []string{"stock", "stock_too"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := spelling.Near("nothing", known, nil); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}
