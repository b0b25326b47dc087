package spec_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/spec"
)

func TestFormat(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "",
		"a{\nb=1 # why\n}\n": "a {\n  b = 1 # why\n}\n",
		"# head\n\n\na \"b\"   {\nlong=1\nx=2\n}": "# head\n\n\na \"b\" {\n  long = 1\n  x    = 2\n}",
		"a {\r\nb=1\r\n}\r\n":                     "a {\r\n  b = 1\r\n}\r\n",
	} {
		got, diagnostics := spec.Format([]byte(text), "x.hcl")
		if diagnostics.HasErrors() || string(got) != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, diagnostics, want)
		}
		again, _ := spec.Format(got, "x.hcl")
		if diff := cmp.Diff(string(got), string(again)); diff != "" {
			t.Errorf("%q changes when it is formatted twice:\n%s", text, diff)
		}
	}
}

// What cannot be parsed is returned as it is.
func TestFormatRefuses(t *testing.T) {
	for _, text := range []string{"a {", "a = = 1", "a = \xff", "a = " + deep(2000), strings.Repeat("[", 100000), `{"a": 1}`} {
		got, diagnostics := spec.Format([]byte(text), "x.hcl")
		if len(diagnostics) != 1 || string(got) != text {
			t.Errorf("%.20q: got %.20q, %v", text, got, diagnostics)
		}
	}
}

func TestFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"b.hcl", "a.vars.hcl", "sub/c.hcl", ".hidden/d.hcl", ".e.hcl", "f.txt"} {
		mustMkdir(t, filepath.Dir(name))
		write(t, name, nil)
	}
	for _, test := range []struct {
		path      string
		recursive bool
		want      []string
	}{
		{".", false, []string{"a.vars.hcl", "b.hcl"}},
		{".", true, []string{"a.vars.hcl", "b.hcl", "sub/c.hcl"}},
		{"f.txt", false, []string{"f.txt"}},
		{".hidden", false, []string{".hidden/d.hcl"}},
	} {
		got, err := spec.Files(test.path, test.recursive)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s %v: %v %s", test.path, test.recursive, err, diff)
		}
	}
	if _, err := spec.Files("none", false); err == nil {
		t.Error("a missing path has files")
	}
}
