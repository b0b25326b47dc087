package spec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/castrolanda/imsctl/spec"
)

// deep is an expression of n brackets in brackets.
func deep(n int) string { return strings.Repeat("(", n) + "1" + strings.Repeat(")", n) }

// What is no specification gets one diagnostic, which says what it is.
func TestWhatIsNoSpecification(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(folder, "pipe.hcl")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(folder, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(folder, "links", "broken.hcl")
	file("links/x", "")
	if err := os.Symlink("nowhere", link); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ path, want string }{
		"missing":             {filepath.Join(folder, "none"), "no file or folder"},
		"empty path":          {"", "no file or folder"},
		"empty folder":        {empty, "no *.hcl file"},
		"folder without any":  {filepath.Dir(file("other/readme.txt", "x")), "no *.hcl file"},
		"hidden file only":    {filepath.Dir(file("hidden/.#main.hcl", "x")), "no *.hcl file"},
		"values only":         {filepath.Dir(file("values/x.auto.vars.hcl", "")), "no *.hcl file"},
		"empty file":          {file("nothing.hcl", ""), "Nothing is declared"},
		"comments only":       {file("comment.hcl", "# nothing\n"), "Nothing is declared"},
		"pipe":                {pipe, "not an ordinary file"},
		"broken link":         {filepath.Dir(link), "no such file"},
		"too large":           {file("large.hcl", strings.Repeat("# 16 MiB and more\n", 1<<20)), "at most 16.0 MiB"},
		"not UTF-8":           {file("latin.hcl", "# ok\n# a\xe7\xe3o\n"), "line 2 is not UTF-8"},
		"UTF-16":              {file("utf16.hcl", "\xff\xfes\x00o\x00"), "line 1 is not UTF-8"},
		"JSON":                {file("j.hcl", `{"source": {}}`), "looks like JSON"},
		"binary":              {file("zero.hcl", "\x00\x00\x00"), "Invalid character"},
		"unclosed":            {file("open.hcl", "backup \"b\" {\n"), "Unclosed"},
		"attribute":           {file("a.hcl", "a = 1\n"), "outside of any block"},
		"one file of two bad": {filepath.Dir(file("two/b.hcl", "x = [\n")), "Missing"},
	} {
		t.Run(name, func(t *testing.T) {
			loaded, diagnostics := spec.Load(test.path, options(t))
			if loaded != nil || len(diagnostics.List) != 1 || !strings.Contains(diagnostics.List[0].Error(), test.want) {
				t.Errorf("got %v, want one that says %q", diagnostics.List, test.want)
			}
		})
	}
}

// Text that a parser would recurse into without end is refused, and half of what is refused is read.
func TestNesting(t *testing.T) {
	for name, repeat := range map[string]func(n int) string{
		"round":        deep,
		"square":       func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) },
		"objects":      func(n int) string { return strings.Repeat("{a=", n) + "1" + strings.Repeat("}", n) },
		"lines":        func(n int) string { return strings.Repeat("{\na = ", n) + "1" + strings.Repeat("\n}", n) },
		"not":          func(n int) string { return strings.Repeat("!", n) + "true" },
		"minus":        func(n int) string { return strings.Repeat("-", n) + "1" },
		"sum":          func(n int) string { return "1" + strings.Repeat("+1", n) },
		"sum in lines": func(n int) string { return "(1" + strings.Repeat("+\n1", n) + ")" },
		"choice":       func(n int) string { return strings.Repeat("true ? 1 : ", n) + "1" },
		"attributes":   func(n int) string { return "a" + strings.Repeat(".a", n) },
		"indexes":      func(n int) string { return "a" + strings.Repeat("[a]", n) },
		"splats":       func(n int) string { return "a" + strings.Repeat("[*]", n) },
		"calls":        func(n int) string { return strings.Repeat("upper(", n) + `"a"` + strings.Repeat(")", n) },
		"templates":    func(n int) string { return strings.Repeat(`"${`, n) + "1" + strings.Repeat(`}"`, n) },
		"directives":   func(n int) string { return `"` + strings.Repeat(`%{if true}`, n) + strings.Repeat(`%{endif}`, n) + `"` },
		"heredoc": func(n int) string {
			return "<<E\n" + strings.Repeat("%{if true}\n", n) + strings.Repeat("%{endif}\n", n) + "E"
		},
		"hidden":    func(n int) string { return strings.Repeat(`["]",`, n) + "1" + strings.Repeat("]", n) },
		"commented": func(n int) string { return "(" + strings.Repeat("/*)*/(", n) + "1" + strings.Repeat(")", n+1) },
	} {
		t.Run(name, func(t *testing.T) {
			for n, refused := range map[int]bool{80: false, 2000: true, 200000: true} {
				_, diagnostics := loadText(t, "locals {\n  x = "+repeat(n)+"\n}\n", nil)
				if said := strings.Contains(diagnostics.List.Error(), "nested more than"); said != refused {
					t.Errorf("%d deep: %v", n, diagnostics.List)
				}
			}
		})
	}
	var blocks strings.Builder
	fmt.Fprint(&blocks, strings.Repeat("imsctl {\n", 100000))
	if _, diagnostics := loadText(t, blocks.String(), nil); !strings.Contains(diagnostics.List.Error(), "nested more than") {
		t.Error(diagnostics.List)
	}
}

// What is beside each other is not in each other.
func TestLongIsNotDeep(t *testing.T) {
	var list, text strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&list, "\"p%d-a.b/c*\", -%d + 1,\n", i, i)
		fmt.Fprintf(&text, "# (((( [[[[ {{{{ \"\nv%d = { a = \"((({{{[[[$${%%%%{\", b = upper(\"x\") }\n", i)
	}
	text.WriteString("heredoc = <<-E\n" + strings.Repeat("((( ${1 + 1} {{{ \"\n", 1000) + "  E\n")
	_, diagnostics := loadText(t, "locals {\nlist = [\n"+list.String()+"]\n"+text.String()+"}\n", nil)
	if len(diagnostics.List) != 1 || diagnostics.List[0].Summary != "Nothing is declared" {
		t.Error(diagnostics.List)
	}
}

// A byte order mark and Windows' line ends change nothing, and 10 MB are read.
func TestTextsThatAreRead(t *testing.T) {
	plain := valued(t, manyBackups(3), nil)
	for name, text := range map[string]string{
		"mark": "\xef\xbb\xbf" + manyBackups(3), "line ends": strings.ReplaceAll(manyBackups(3), "\n", "\r\n"),
		"large": manyBackups(3) + strings.Repeat("# "+strings.Repeat("comment ", 100)+"\n", 12500),
	} {
		loaded := valued(t, text, nil)
		if len(loaded.Backups) != 3 || loaded.Backups[2].Schedule.String() != plain.Backups[2].Schedule.String() {
			t.Errorf("%s: %+v", name, loaded)
		}
	}
}

// The digest changes with every byte and not with the folder's place.
func TestDigest(t *testing.T) {
	first, second := valued(t, manyBackups(1), nil), valued(t, manyBackups(1), nil)
	other := valued(t, manyBackups(1)+"\n", nil)
	if first.Digest != second.Digest || first.Digest == other.Digest || len(first.Digest) != 64 {
		t.Errorf("%s %s %s", first.Digest, second.Digest, other.Digest)
	}
}
