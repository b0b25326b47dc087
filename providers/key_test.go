package providers

import (
	"path"
	"strings"
	"testing"
)

func FuzzCheckKey(f *testing.F) {
	for _, seed := range []string{"a", "a/b.c", " ", `a\b`, "...", "", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a/.", "é", "a\nb", "\x7f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		printable := strings.IndexFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) < 0
		// What path.Clean leaves alone has no empty, "." or inner ".." parts.
		plain := key != "" && key != "." && key != ".." && !strings.HasPrefix(key, "../") && !strings.HasPrefix(key, "/") && path.Clean(key) == key
		if err := CheckKey(key); (err == nil) != (printable && plain) {
			t.Errorf("CheckKey(%q) = %v", key, err)
		}
	})
}
