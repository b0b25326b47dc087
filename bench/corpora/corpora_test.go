package corpora

import (
	"bytes"
	"compress/flate"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCorpora: each is the same every time, about as large as it was asked for, and neither lines over and over nor noise, but
// for pictures, which are compressed inside.
func TestCorpora(t *testing.T) {
	const size = 1 << 20
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, corpus := range All(filepath.Join(strings.TrimSpace(string(root)), "src", "net")) {
		var one, two bytes.Buffer
		for _, w := range []*bytes.Buffer{&one, &two} {
			if err := corpus.Write(w, size); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Errorf("%s: two of them differ", corpus.Name)
		}
		if n := one.Len(); n < size || n > size*3/2 {
			t.Errorf("%s has %d bytes, not about %d", corpus.Name, n, size)
		}
		var packed bytes.Buffer
		writer, err := flate.NewWriter(&packed, 9)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write(one.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		if share := float64(packed.Len()) / float64(one.Len()); share < 0.05 || (share > 0.9) != strings.HasSuffix(corpus.Name, "pictures") {
			t.Errorf("%s: %.3f of it stays", corpus.Name, share)
		}
	}
}
